"""A task's life: what an observation, or the wish to stop it, makes of its record. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from shipway.local.ecs.balancing import TargetHealth, TargetState
from shipway.local.ecs.model import Container, Health, Task, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.local.ecs.ports import ContainerSeen, TaskSeen

CRASHED = "EssentialContainerExited"
NOT_STARTED = "TaskFailedToStart"
BY_SCHEDULER = "ServiceSchedulerInitiated"
BY_USER = "UserInitiated"


def observed(task: Task, seen: TaskSeen, now: float) -> Task:
    """Return `task` as `seen` shows it; a stopped task never changes again."""
    if task.status is TaskStatus.STOPPED:
        return task
    task = replace(
        task,
        containers=_merge(task.containers, seen.containers),
        pull_started_at=seen.pull_started_at,
        pull_stopped_at=seen.pull_stopped_at,
    )
    if seen.start_failure is not None:
        task = asked_to_stop(task, NOT_STARTED, seen.start_failure, now)
    elif any(c.essential and c.status == "STOPPED" for c in task.containers):
        task = asked_to_stop(task, CRASHED, "Essential container in task exited", now)
    if seen.stopped:
        return ended(task, now)
    if seen.running and task.status in {TaskStatus.PROVISIONING, TaskStatus.PENDING}:
        return replace(task, status=TaskStatus.RUNNING, started_at=now, version=task.version + 1)
    if seen.containers and task.status is TaskStatus.PROVISIONING:
        return replace(task, status=TaskStatus.PENDING, version=task.version + 1)
    return task


def asked_to_stop(task: Task, code: str, reason: str, now: float) -> Task:
    """Return `task` with STOPPED as its wanted state; the first reason given stays."""
    if not task.live:
        return task
    # A crashed task has nobody to drain for; the others keep their sessions until they end.
    drains = bool(task.targets) and code not in {CRASHED, NOT_STARTED}
    return replace(
        task,
        desired=TaskStatus.STOPPED,
        status=TaskStatus.DEACTIVATING if drains else TaskStatus.STOPPING,
        stop_code=code,
        stopped_reason=reason,
        stopping_at=now,
        healthy_since=None,
        version=task.version + 1,
    )


def ended(task: Task, now: float) -> Task:
    """Return `task` as STOPPED, with every container STOPPED."""
    return replace(
        task,
        status=TaskStatus.STOPPED,
        desired=TaskStatus.STOPPED,
        stopping_at=task.stopping_at or now,
        stopped_at=now,
        containers=tuple(replace(c, status="STOPPED") for c in task.containers),
        healthy_since=None,
        version=task.version + 1,
    )


def _merge(
    containers: tuple[Container, ...], seen: tuple[ContainerSeen, ...]
) -> tuple[Container, ...]:
    by_name = {s.name: s for s in seen}
    return tuple(_seen(c, by_name[c.name]) if c.name in by_name else c for c in containers)


def _seen(container: Container, seen: ContainerSeen) -> Container:
    return replace(
        container,
        status=seen.status,
        digest=seen.digest or container.digest,
        runtime_id=seen.runtime_id or container.runtime_id,
        exit_code=seen.exit_code,
        reason=seen.reason,
        health=seen.health,
        ports=seen.ports or container.ports,
    )


class Fit(StrEnum):
    """Whether a task counts."""

    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class Fitness:
    """A verdict on a task and, when it is unhealthy, the words of the service event."""

    fit: Fit
    cause: str = ""


_STARTING, _HEALTHY = Fitness(Fit.STARTING), Fitness(Fit.HEALTHY)


def fitness(
    task: Task,
    targets: Mapping[str, TargetHealth],
    *,
    checks_health: bool,
    settle_s: float,
    grace_s: float,
    now: float,
) -> Fitness:
    """Judge a live task.

    Container health and target health must both be good where they exist; with neither, RUNNING
    for `settle_s` counts. Bad health within `grace_s` of the start is ignored, as ECS does.
    `targets` holds the health of the task's own targets by group ARN.
    """
    if task.status is not TaskStatus.RUNNING or task.started_at is None:
        return _STARTING
    age = now - task.started_at
    bad = _container_cause(task) if checks_health else ""
    bad = bad or next((c for t in task.targets if (c := _target_cause(t.group_arn, targets))), "")
    if bad:
        return Fitness(Fit.UNHEALTHY, bad) if age >= grace_s else _STARTING
    if checks_health and task.health is not Health.HEALTHY:
        return _STARTING
    if task.targets and not all(_is_healthy(targets.get(t.group_arn)) for t in task.targets):
        return _STARTING
    if not checks_health and not task.targets and age < settle_s:
        return _STARTING
    return _HEALTHY


def _container_cause(task: Task) -> str:
    return "failed container health checks" if task.health is Health.UNHEALTHY else ""


def _target_cause(group_arn: str, targets: Mapping[str, TargetHealth]) -> str:
    health = targets.get(group_arn)
    if health is None or health.state is not TargetState.UNHEALTHY:
        return ""
    why = health.description or "Health checks failed"
    return f"is unhealthy in (target-group {group_arn}) due to (reason {why})"


def _is_healthy(health: TargetHealth | None) -> bool:
    return health is not None and health.state is TargetState.HEALTHY
