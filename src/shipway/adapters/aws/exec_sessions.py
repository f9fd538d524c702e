"""ECS Exec: what it needs of a task, and the session that `session-manager-plugin` then runs."""

from __future__ import annotations

import json

from botocore.exceptions import ClientError

from shipway.adapters.aws.session import Session, answers, code_of
from shipway.errors import WrongUsage
from shipway.model.operations import ContainerState, ExecPlace, ExecSession, TaskState
from shipway.model.service import Environment

_CANNOT = frozenset({"TargetNotConnectedException", "InvalidParameterException"})


def exec_place(
    session: Session, environment: Environment, task: TaskState, container: str, *, enabled: bool
) -> ExecPlace:
    """Return what ECS Exec needs to know; the task definition says the rest."""
    found = task.container(container) or ContainerState(container, "", "absent")
    with answers(f"a look at {task.definition.rpartition('/')[2]}"):
        definition = session.ecs.describe_task_definition(taskDefinition=task.definition)
    described = definition["taskDefinition"]
    mine = [c for c in described.get("containerDefinitions") or [] if c.get("name") == found.name]
    return ExecPlace(
        cluster=environment.cluster,
        task=task,
        container=found,
        service_enabled=enabled,
        task_role=described.get("taskRoleArn", ""),
        read_only=any(c.get("readonlyRootFilesystem") for c in mine),
    )


def open_session(session: Session, place: ExecPlace, command: str) -> ExecSession:
    """Ask ECS to run a command; hand on what the AWS CLI hands to the plugin.

    Source: aws-cli, `awscli/customizations/ecs/executecommand.py`: the target is
    `ecs:<cluster>_<task>_<runtime>`.
    """
    task, container = place.task, place.container
    with answers(f"a session in task {task.id}"):
        try:
            reply = session.ecs.execute_command(
                cluster=place.cluster,
                task=task.arn,
                container=container.name,
                command=command,
                interactive=True,
            )
        except ClientError as error:
            if code_of(error) in _CANNOT:
                said = error.response.get("Error", {}).get("Message", "")
                raise WrongUsage(
                    f"ECS cannot enter task {task.id}: {said}",
                    hint="`shipway exec ENV --json` shows what ECS Exec needs; mostly it is the "
                    "task role, which must allow ssmmessages:*Channel",
                ) from error
            raise
    target = f"ecs:{place.cluster}_{task.id}_{container.runtime_id}"
    return ExecSession(
        session=json.dumps(reply["session"]),
        request=json.dumps({"Target": target}),
        region=session.region,
        endpoint=session.ecs.meta.endpoint_url,
    )
