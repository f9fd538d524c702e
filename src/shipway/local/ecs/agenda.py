"""When something is next due by the clock alone, so that virtual time may pass in long steps. Pure.

Knows every wait of this package that no task's script decides: bake times, hooks, grace periods,
pauses between starts. Refuses to know what happens then.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from shipway.local.ecs.deployment import ServiceDeployment, Stage
from shipway.local.ecs.model import TaskStatus
from shipway.local.ecs.shifting import step_bake_s

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.local.ecs.model import Task
    from shipway.local.ecs.settings import Settings
    from shipway.local.ecs.state import State


def next_moment(state: State, settings: Settings, now: float) -> float:
    """Return the first moment after `now` at which a decision may differ; infinity if none.

    A draining target makes it `now`: its sessions end whenever they like.
    """
    if any(target.draining_since is not None for target in state.targets.values()):
        return now
    return min((moment for moment in _moments(state, settings) if moment > now), default=math.inf)


def _moments(state: State, settings: Settings) -> Iterator[float]:
    for service in state.services.values():
        yield service.launch_not_before
        current = state.service_deployments.get(service.current or "")
        if current is not None and not current.status.final:
            yield from _stage_moments(current)
            if service.deployments and service.primary.steady_since is not None:
                yield service.primary.steady_since + settings.steady_s
                yield service.primary.steady_since + current.bake_s
    graces = {s.arn: s.grace_s for s in state.services.values()}
    for task in state.tasks.values():
        yield from _task_moments(task, settings, graces.get(task.service_arn or "", 0.0))


def _stage_moments(current: ServiceDeployment) -> Iterator[float]:
    position = current.position
    yield current.visible_from
    if position is None:
        return
    yield from (hook.expires_at for hook in position.hooks if hook.open)
    if position.stage is Stage.PRODUCTION_TRAFFIC_SHIFT:
        yield position.since + step_bake_s(current.configuration)
    if position.stage is Stage.BAKE_TIME:
        yield position.since + current.bake_s


def _task_moments(task: Task, settings: Settings, grace_s: float) -> Iterator[float]:
    if task.status is TaskStatus.STOPPED:
        yield (task.stopped_at or 0.0) + settings.stopped_visible_s
        return
    if task.started_at is not None:
        yield task.started_at + settings.settle_s
        yield task.started_at + grace_s
    if task.healthy_since is not None:
        yield task.healthy_since + settings.steady_s
