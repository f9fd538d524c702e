"""What an observed deployment means: still going, waiting for a person, or ended, and how.

A pure function of one look. It knows no clock and no AWS, and remembers no look before.
"""

from __future__ import annotations

from typing import assert_never

from shipway.model.lazy import dataclass
from shipway.model.observed import (
    AwaitedHook,
    DeploymentStatus,
    LifecycleStage,
    ObservedDeployment,
)
from shipway.model.outcome import DeploymentOutcome


@dataclass(frozen=True, slots=True)
class Settling:
    """Not over, said in a sentence; `doomed` when ECS is already on its way back."""

    doomed: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Paused:
    """Not over until a person answers the hook, or it expires."""

    hook: AwaitedHook
    sentence: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Over, with ECS's own reason where it gave one."""

    outcome: DeploymentOutcome
    reason: str


REPLACED = "replaced by a new service deployment"
"""What ECS says of a deployment that a newer one has stopped: the API has no other sign of it."""

STAGES = {
    LifecycleStage.RECONCILE_SERVICE: "ECS looks at the service",
    LifecycleStage.PRE_SCALE_UP: "before new tasks start",
    LifecycleStage.SCALE_UP: "new tasks start",
    LifecycleStage.POST_SCALE_UP: "after new tasks started",
    LifecycleStage.TEST_TRAFFIC_SHIFT: "test traffic moves over",
    LifecycleStage.POST_TEST_TRAFFIC_SHIFT: "after test traffic moved",
    LifecycleStage.PRODUCTION_TRAFFIC_SHIFT: "production traffic moves over",
    LifecycleStage.POST_PRODUCTION_TRAFFIC_SHIFT: "after production traffic moved",
    LifecycleStage.BAKE_TIME: "bake time, the old tasks still stand by",
    LifecycleStage.CLEAN_UP: "old tasks go",
}
"""What each stage of a deployment is for people."""


def verdict(deployment: ObservedDeployment) -> Settling | Paused | Ended:  # noqa: PLR0911 - one per status
    """Judge one service deployment.

    Source: `ServiceDeploymentStatus` of the ECS API. What was only requested (a stop, a rollback)
    is no end, and neither is a rollback under way.
    """
    status, reason = deployment.status, deployment.reason
    match status:
        case DeploymentStatus.PENDING:
            return Settling(deployment.breaker_tripped, "ECS has not begun yet")
        case DeploymentStatus.IN_PROGRESS:
            return _under_way(deployment)
        case DeploymentStatus.STOP_REQUESTED:
            return Settling(_is_doomed(deployment), "somebody asked ECS to stop it")
        case DeploymentStatus.ROLLBACK_REQUESTED:
            return Settling(doomed=True, sentence="somebody asked ECS to roll it back")
        case DeploymentStatus.ROLLBACK_IN_PROGRESS:
            return Settling(doomed=True, sentence=f"ECS rolls it back{_because(deployment)}")
        case DeploymentStatus.SUCCESSFUL:
            return Ended(DeploymentOutcome.SUCCEEDED, reason)
        case DeploymentStatus.ROLLBACK_SUCCESSFUL:
            return Ended(DeploymentOutcome.ROLLED_BACK, reason)
        case DeploymentStatus.ROLLBACK_FAILED:
            return _not_back(deployment)
        case DeploymentStatus.STOPPED:
            return _stopped(deployment)
        case _:
            assert_never(status)


def _not_back(deployment: ObservedDeployment) -> Ended:
    """Tell a way back that failed from one that never was: there was nothing before."""
    if deployment.first:
        return Ended(DeploymentOutcome.FAILED, deployment.reason)
    return Ended(DeploymentOutcome.ROLLBACK_FAILED, deployment.reason)


def _stopped(deployment: ObservedDeployment) -> Ended:
    if REPLACED in deployment.reason.lower():
        return Ended(DeploymentOutcome.SUPERSEDED, deployment.reason)
    return Ended(DeploymentOutcome.FAILED, deployment.reason or "it was stopped before its end")


def _under_way(deployment: ObservedDeployment) -> Settling | Paused:
    hook = deployment.hook
    if _is_doomed(deployment):
        return Settling(doomed=True, sentence=f"ECS gives it up{_because(deployment)}")
    if hook is not None:
        return Paused(hook, f"waits for a person {_stage(hook.stage) or 'at a pause'}")
    return Settling(doomed=False, sentence=progress(deployment))


def progress(deployment: ObservedDeployment) -> str:
    """Say how far a deployment is: its tasks, its share of the traffic, and its stage."""
    said = f"{deployment.running} of {deployment.desired} tasks run"
    target = deployment.target
    if target is not None and target.weight is not None:
        said += f", {target.weight:g} % of the traffic"
    if target is not None and target.test_weight is not None:
        said += f", {target.test_weight:g} % of the test traffic"
    stage = _stage(deployment.stage)
    if stage:
        said += f", {stage}"
    return said


def _is_doomed(deployment: ObservedDeployment) -> bool:
    return deployment.breaker_tripped or bool(deployment.alarms.fired)


def _because(deployment: ObservedDeployment) -> str:
    if deployment.alarms.fired:
        return f": {', '.join(deployment.alarms.fired)} fired"
    if deployment.breaker_tripped:
        return ": too many tasks failed"
    return f": {deployment.reason}" if deployment.reason else ""


def _stage(stage: LifecycleStage | None) -> str:
    return "" if stage is None else STAGES[stage]
