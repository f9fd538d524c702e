"""Deployment alarms: an alarm that goes off fails the deployment. Pure.

Follows DeploymentAlarms and "How CloudWatch alarms detect Amazon ECS deployment failures". An
alarm that fires already when the deployment begins is ignored to its end, even if it recovers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shipway.local.ecs.deployment import Status
from shipway.local.ecs.reversal import ALARM, fail

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.local.ecs.deployment import ServiceDeployment
    from shipway.local.ecs.situation import Draft


def alarm_names(current: ServiceDeployment) -> tuple[str, ...]:
    """Return the alarms that the deployment heeds, in the order given; empty when off."""
    given = current.configuration.get("alarms", {})
    return tuple(given.get("alarmNames", ())) if given.get("enable") else ()


def firing_at_start(current: ServiceDeployment, firing: frozenset[str]) -> tuple[str, ...]:
    """Return the alarms that are in ALARM before anything was deployed."""
    return tuple(name for name in alarm_names(current) if name in firing)


def watch_alarms(draft: Draft, firing: frozenset[str], mint_id: Callable[[], str]) -> None:
    """Fail the deployment when one of its alarms fires; a rollback is not watched."""
    current = draft.current
    if current is None or current.status is not Status.IN_PROGRESS:
        return
    names = (n for n in alarm_names(current) if n not in current.ignored_alarms)
    fresh = tuple(name for name in names if name in firing)
    if fresh:
        draft.current = replace(current, triggered_alarms=fresh)
        rolls_back = bool(current.configuration["alarms"].get("rollback"))
        fail(draft, ALARM, mint_id, rolls_back=rolls_back)
