"""How a deployment ends badly: back to the last completed revision, or not at all. Pure.

Knows what becomes of the records. Refuses to know when a deployment is bad (rollout, alarms,
hooks, an operator's request).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shipway.local.ecs.deployment import (
    Deployment,
    Rollback,
    RolloutState,
    ServiceDeployment,
    Stage,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.local.ecs.situation import Draft


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a deployment fails, in the words of its records and events.

    `by`: what found out (`rolloutStateReason`). `what`: the event. `cause`: a clause for
    `statusReason`. `rollback`: the reason in the rollback's own record.
    """

    by: str
    what: str
    cause: str
    rollback: str


BREAKER = Failure(
    by="ECS deployment circuit breaker",
    what="tasks failed to start.",
    cause="the circuit breaker threshold was exceeded",
    rollback="Circuit breaker threshold exceeded.",
)
ALARM = Failure(
    by="ECS deployment alarm",
    what="alarm detected.",
    cause="an alarm went into the ALARM state",
    rollback="CloudWatch alarm triggered.",
)
HOOK = Failure(
    by="ECS lifecycle hook",
    what="lifecycle hook timed out.",
    cause="a lifecycle hook timed out",
    rollback="Lifecycle hook timed out.",
)
REQUEST = Failure(
    by="ECS deployment stop",
    what="rollback requested.",
    cause="a rollback was requested",
    rollback="Service deployment rolled back at the caller's request.",
)


def fail(draft: Draft, failure: Failure, mint_id: Callable[[], str], *, rolls_back: bool) -> None:
    """Fail the primary deployment: back to the last completed revision, or give up.

    A rollback that fails itself is given up: there is no rollback of a rollback.
    """
    current = draft.current
    if current is None:
        return
    failed = replace(
        draft.service.primary,
        state=RolloutState.FAILED,
        reason=f"{failure.by}: {failure.what}",
        updated_at=draft.now,
    )
    draft.set_primary(failed)
    draft.say_of_primary(f"deployment failed: {failure.what}")
    goal = draft.service.last_completed
    if rolls_back and goal is not None and not current.rolling_back:
        _roll_back(draft, current, goal, failure, mint_id)
    else:
        _give_up(draft, current, failure, wanted=rolls_back)


def abort(draft: Draft, current: ServiceDeployment) -> None:
    """Stop where the deployment is: nothing is started, stopped or shifted any more."""
    draft.set_primary(
        replace(
            draft.service.primary,
            state=RolloutState.FAILED,
            reason="ECS deployment stop: aborted.",
            updated_at=draft.now,
        )
    )
    draft.say_of_primary("deployment stopped.")
    draft.current = replace(
        current,
        status=Status.STOPPED,
        stopped_at=draft.now,
        finished_at=draft.now,
        updated_at=draft.now,
    )


def _roll_back(
    draft: Draft,
    current: ServiceDeployment,
    goal: str,
    failure: Failure,
    mint_id: Callable[[], str],
) -> None:
    """Make the last completed revision primary again; its running tasks keep their deployment."""
    service = draft.service
    old = next((d for d in service.deployments[1:] if d.revision_arn == goal), None)
    new_id = old.id if old is not None else mint_id()
    primary = Deployment(
        id=new_id,
        revision_arn=goal,
        created_at=old.created_at if old is not None else draft.now,
        updated_at=draft.now,
        state=RolloutState.IN_PROGRESS,
        reason=f"{failure.by}: rolling back to deploymentId {new_id}.",
    )
    others = tuple(d for d in service.deployments if d.id != new_id)
    draft.service = replace(
        service, deployments=(primary, *others), failed_in_a_row=0, launch_not_before=0.0
    )
    draft.say(f"rolling back to deployment {new_id}.")
    position = current.position
    if position is not None:
        # The old tasks are all there, so the traffic goes back at once.
        flipped = position.at(Stage.PRODUCTION_TRAFFIC_SHIFT, draft.now)
        position = replace(flipped, production=0.0, test=0.0)
    draft.current = replace(
        current,
        status=Status.ROLLBACK_IN_PROGRESS,
        reason=f"Service deployment rolled back because {failure.cause}.",
        rollback=Rollback(reason=failure.rollback, started_at=draft.now, revision_arn=goal),
        triggered=current.triggered or failure is BREAKER,
        position=position,
        updated_at=draft.now,
    )


def _give_up(draft: Draft, current: ServiceDeployment, failure: Failure, *, wanted: bool) -> None:
    """End without a rollback: none was asked for, none is possible, or the rollback failed too."""
    status = Status.ROLLBACK_FAILED if wanted else Status.STOPPED
    what = "There is no completed deployment to roll back to." if wanted else "Rollback is off."
    if current.rolling_back:
        what = "The rollback's tasks failed to start."
    cause = failure.cause[0].upper() + failure.cause[1:]
    draft.current = replace(
        current,
        status=status,
        reason=f"{cause}. {what}",
        triggered=current.triggered or failure is BREAKER,
        stopped_at=draft.now,
        finished_at=draft.now,
        updated_at=draft.now,
    )
