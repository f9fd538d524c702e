"""How deployments of the fake ECS end, and how they look on the way, look by look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import Enum

from shipway.model.observed import (
    DeploymentStatus,
    ObservedDeployment,
)


class Ending(Enum):
    """How a deployment ends.

    `WRONG_IMAGE` succeeds, but with tasks of another digest. `PAUSES` waits at a hook until it is
    continued, and then succeeds.
    """

    SUCCEEDS = "succeeds"
    ROLLS_BACK = "rolls back"
    ROLLBACK_FAILS = "rollback fails"
    FAILS = "fails"
    HANGS = "hangs"
    SUPERSEDED = "superseded"
    WRONG_IMAGE = "wrong image"
    PAUSES = "pauses"


_LAST = {
    Ending.SUCCEEDS: DeploymentStatus.SUCCESSFUL,
    Ending.WRONG_IMAGE: DeploymentStatus.SUCCESSFUL,
    Ending.PAUSES: DeploymentStatus.SUCCESSFUL,
    Ending.ROLLS_BACK: DeploymentStatus.ROLLBACK_SUCCESSFUL,
    Ending.ROLLBACK_FAILS: DeploymentStatus.ROLLBACK_FAILED,
    Ending.FAILS: DeploymentStatus.STOPPED,
    Ending.SUPERSEDED: DeploymentStatus.STOPPED,
}
REPLACED = "Replaced by a new service deployment."
_UNWELL = frozenset({Ending.ROLLS_BACK, Ending.ROLLBACK_FAILS, Ending.FAILS})


def looks(begun: ObservedDeployment, ending: Ending) -> Iterator[ObservedDeployment]:
    """Say how a deployment looks, look by look."""
    moving = replace(begun, status=DeploymentStatus.IN_PROGRESS, running=1)
    yield begun
    yield moving
    if ending in {Ending.HANGS, Ending.PAUSES}:
        return
    if ending in _UNWELL:
        moving = replace(moving, failures=1, running=0)
        yield moving
        moving = replace(moving, failures=2, breaker_tripped=True, reason="tasks failed to start")
        yield moving
    if ending in {Ending.ROLLS_BACK, Ending.ROLLBACK_FAILS}:
        yield replace(moving, status=DeploymentStatus.ROLLBACK_IN_PROGRESS)
    if ending in {Ending.SUCCEEDS, Ending.WRONG_IMAGE}:
        moving = replace(moving, running=moving.desired)
    if ending is Ending.SUPERSEDED:
        moving = replace(moving, reason=REPLACED)
    yield replace(moving, status=_LAST[ending])


def looks_back(now: ObservedDeployment) -> Iterator[ObservedDeployment]:
    """Say how a deployment looks that was turned back; the first one has nowhere to go."""
    moving = replace(now, reason="Stopped by a person.")
    yield replace(moving, status=DeploymentStatus.ROLLBACK_REQUESTED)
    yield replace(moving, status=DeploymentStatus.ROLLBACK_IN_PROGRESS)
    failed = DeploymentStatus.ROLLBACK_FAILED
    yield replace(moving, status=failed if now.first else DeploymentStatus.ROLLBACK_SUCCESSFUL)
