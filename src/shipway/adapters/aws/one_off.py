"""One-off tasks: run once in a service's place, and looked at until they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from shipway.adapters.aws.place import SUBNET
from shipway.adapters.aws.session import answers, code_of
from shipway.adapters.aws.task_definitions import ensure_registered
from shipway.errors import AwsDidNotAnswer
from shipway.model.migration import TaskRun
from shipway.model.service import Environment
from shipway.model.task_definition import TaskDefinition

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import RunTaskRequestTypeDef, ServiceTypeDef, TaskTypeDef
    from mypy_boto3_logs.type_defs import GetLogEventsRequestTypeDef

    from shipway.adapters.aws.session import Session


def run_task(
    session: Session,
    environment: Environment,
    definition: TaskDefinition,
    *,
    command: tuple[str, ...],
    token: str,
    tags: tuple[tuple[str, str], ...],
) -> str:
    """Run one task with the service's network and capacity; `token` makes it the only one."""
    with answers(f"a one-off task in {environment.name}"):
        arn = ensure_registered(session.ecs, definition, tags)
        request = run_request(
            environment, arn, definition.container, command, _live(session, environment)
        )
        request["clientToken"] = token
        request["tags"] = [{"key": key, "value": value} for key, value in tags]
        answer = session.ecs.run_task(**request)
    if answer["tasks"]:
        return answer["tasks"][0].get("taskArn", "")
    failure = (answer.get("failures") or [{}])[0]
    why = failure.get("reason") or failure.get("detail") or "no reason given"
    raise AwsDidNotAnswer(
        f"ECS could not place the one-off task in {environment.name}: {why}",
        hint="run the command again",
    )


def run_request(
    environment: Environment,
    definition: str,
    container: str,
    command: tuple[str, ...],
    live: ServiceTypeDef | None,
) -> RunTaskRequestTypeDef:
    """Return the RunTask of a command: network, platform and capacity are the service's.

    Roles are those of the task definition, which is the new release's own. Without a service, as
    before the first deployment on the embedded default, the place's own network is used.
    """
    request: RunTaskRequestTypeDef = {
        "cluster": environment.cluster,
        "taskDefinition": definition,
        "count": 1,
        "startedBy": "shipway",
        "overrides": {"containerOverrides": [{"name": container, "command": list(command)}]},
    }
    if live is None:
        request["launchType"] = "FARGATE"
        request["networkConfiguration"] = {"awsvpcConfiguration": {"subnets": [SUBNET]}}
        return request
    if network := live.get("networkConfiguration"):
        request["networkConfiguration"] = network
    if capacity := live.get("capacityProviderStrategy"):  # ECS takes one of the two
        request["capacityProviderStrategy"] = capacity
    elif launch := live.get("launchType"):
        request["launchType"] = launch
    if platform := live.get("platformVersion"):
        request["platformVersion"] = platform
    return request


def one_task(
    session: Session, environment: Environment, definition: TaskDefinition, task: str, *, after: str
) -> TaskRun:
    """Return how the task stands and what it wrote since `after`."""
    with answers(f"a look at the one-off task in {environment.name}"):
        found = session.ecs.describe_tasks(cluster=environment.cluster, tasks=[task])["tasks"]
        if not found:
            raise AwsDidNotAnswer(f"ECS does not know the task {task}")
        lines, read_to = _lines(session, environment, definition, task, after)
    own = _own(found[0], definition.container)
    return TaskRun(
        stopped=found[0].get("lastStatus") == "STOPPED",
        exit_code=own,
        reason=_reason(found[0], definition.container),
        lines=lines,
        read_to=read_to,
    )


def _live(session: Session, environment: Environment) -> ServiceTypeDef | None:
    try:
        found = session.ecs.describe_services(
            cluster=environment.cluster, services=[environment.ecs_service]
        )["services"]
    except ClientError as error:
        if code_of(error) == "ClusterNotFoundException":
            return None
        raise
    return found[0] if found and found[0].get("status") == "ACTIVE" else None


def _own(task: TaskTypeDef, container: str) -> int | None:
    found = [c for c in task.get("containers") or [] if c.get("name") == container]
    return found[0].get("exitCode") if found else None


def _reason(task: TaskTypeDef, container: str) -> str:
    found = [c for c in task.get("containers") or [] if c.get("name") == container]
    own = found[0].get("reason", "") if found else ""
    return own or task.get("stoppedReason", "")


def _lines(
    session: Session, environment: Environment, definition: TaskDefinition, task: str, after: str
) -> tuple[tuple[str, ...], str]:
    """Return what is new in the task's log.

    One that is not there yet, or that we may not read, has nothing new: the exit code decides.
    """
    container = definition.container
    request: GetLogEventsRequestTypeDef = {
        "logGroupName": f"/shipway/{environment.name}/{container}",
        "logStreamName": f"{container}/{container}/{task.rpartition('/')[2]}",
        "startFromHead": True,
    }
    if after:
        request["nextToken"] = after
    try:
        found = session.logs.get_log_events(**request)
    except ClientError:
        return (), after
    lines = tuple(e.get("message", "").rstrip() for e in found["events"])
    return lines, found.get("nextForwardToken", after)
