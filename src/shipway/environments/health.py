"""What an observed deployment means: still settling, or ended, and how. No clock, no AWS."""

from __future__ import annotations

from typing import assert_never

from shipway.model.lazy import dataclass
from shipway.model.observed import DeploymentStatus, ObservedDeployment
from shipway.model.outcome import DeploymentOutcome


@dataclass(frozen=True, slots=True)
class Settling:
    """Not over; `doomed` when ECS is already on its way back."""

    doomed: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """Over, with ECS's own reason where it gave one."""

    outcome: DeploymentOutcome
    reason: str


def verdict(deployment: ObservedDeployment) -> Settling | Ended:  # noqa: PLR0911 - one per status
    """Judge one service deployment by its status.

    Source: `ServiceDeploymentStatus` of the ECS API. STOP_REQUESTED passes; STOPPED is final,
    and means "replaced by a newer one" unless the circuit breaker had tripped.
    """
    status, reason = deployment.status, deployment.reason
    match status:
        case (
            DeploymentStatus.PENDING
            | DeploymentStatus.IN_PROGRESS
            | DeploymentStatus.STOP_REQUESTED
        ):
            return Settling(doomed=deployment.breaker_tripped)
        case DeploymentStatus.ROLLBACK_REQUESTED | DeploymentStatus.ROLLBACK_IN_PROGRESS:
            return Settling(doomed=True)
        case DeploymentStatus.SUCCESSFUL:
            return Ended(DeploymentOutcome.SUCCEEDED, reason)
        case DeploymentStatus.ROLLBACK_SUCCESSFUL:
            return Ended(DeploymentOutcome.ROLLED_BACK, reason)
        case DeploymentStatus.ROLLBACK_FAILED:
            if deployment.first:
                return Ended(DeploymentOutcome.FAILED, reason)
            return Ended(DeploymentOutcome.ROLLBACK_FAILED, reason)
        case DeploymentStatus.STOPPED:
            if deployment.breaker_tripped:
                return Ended(DeploymentOutcome.FAILED, reason)
            return Ended(DeploymentOutcome.SUPERSEDED, reason)
        case _:
            assert_never(status)
