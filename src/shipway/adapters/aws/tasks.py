"""Tasks of an ECS service: which there are, which digest they run, and why they stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from botocore.exceptions import ClientError

from shipway.adapters.aws.session import Session
from shipway.model.observed import StoppedTask
from shipway.model.release import Digest
from shipway.model.service import Environment

if TYPE_CHECKING:  # stubs only; the packages are not installed with Shipway
    from mypy_boto3_ecs.type_defs import TaskTypeDef

LAST_LINES = 10


def tasks_of(
    session: Session, environment: Environment, desired: Literal["RUNNING", "STOPPED"]
) -> list[TaskTypeDef]:
    """Return all tasks of the service with that desired status, however many there are."""
    pages = session.ecs.get_paginator("list_tasks").paginate(
        cluster=environment.cluster, serviceName=environment.ecs_service, desiredStatus=desired
    )
    tasks: list[TaskTypeDef] = []
    for page in pages:
        if page["taskArns"]:
            described = session.ecs.describe_tasks(
                cluster=environment.cluster, tasks=page["taskArns"]
            )
            tasks += described["tasks"]
    return tasks


def digest_of(task: TaskTypeDef) -> Digest | None:
    """Return the digest that the task's first container runs; None while it is not known."""
    containers = task.get("containers") or []
    digest = containers[0].get("imageDigest") if containers else None
    return Digest(digest) if digest else None


def scaled_in(task: TaskTypeDef) -> bool:
    """Tell whether ECS merely had one task too many; then nothing is wrong with it.

    Stop code and text together: ECS gives unhealthy tasks the same code and no other sign.
    """
    scheduled = task.get("stopCode") == "ServiceSchedulerInitiated"
    return scheduled and task.get("stoppedReason", "").startswith("Scaling activity initiated by")


def stopped(session: Session, environment: Environment, task: TaskTypeDef) -> StoppedTask:
    """Say why a task stopped, with what its container wrote last."""
    containers = task.get("containers") or []
    main = containers[0] if containers else {}
    reason = main.get("reason") or task.get("stoppedReason") or "no reason given"
    return StoppedTask(
        arn=task["taskArn"],
        reason=reason,
        exit_code=main.get("exitCode"),
        last_lines=_last_lines(session, environment, task, main.get("name", "")),
        code=task.get("stopCode", ""),
    )


def _last_lines(
    session: Session, environment: Environment, task: TaskTypeDef, container: str
) -> tuple[str, ...]:
    """Return the container's last lines; a log that is not there is no reason to fail."""
    try:
        found = session.logs.get_log_events(
            logGroupName=f"/shipway/{environment.name}/{container}",
            logStreamName=f"{container}/{container}/{task['taskArn'].rpartition('/')[2]}",
            limit=LAST_LINES,
            startFromHead=False,
        )
    except ClientError:
        return ()
    return tuple(e.get("message", "").rstrip() for e in found["events"])
