"""The ROLLING deployment as a pure step: situation in, decision out. It does nothing itself.

Called again and again; each call moves at most what the limits allow. Follows the ECS developer
guide on rolling updates and the deployment circuit breaker; it refuses to know containers,
load balancers and real time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shipway.local.ecs.breaker import breaker_of
from shipway.local.ecs.model import (
    Deployment,
    Revision,
    Rollback,
    RolloutState,
    Service,
    ServiceDeployment,
    Status,
    Task,
)
from shipway.local.ecs.scheduling import schedule
from shipway.local.ecs.situation import Decision, Draft, Member, Situation, Stop
from shipway.local.ecs.task_life import BY_SCHEDULER, Fit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FREE_FAILURES = 3
"""So many failed tasks in a row are replaced at once; after them starts are spread out."""


def restored(service: Service, revisions: Mapping[str, Revision]) -> Service:
    """Return the service as describing what its primary deployment runs.

    After a rollback that is the old configuration again, so the failed one is a change anew.
    """
    config = revisions[service.primary.revision_arn].config
    if service.document.get("taskDefinition") == config["taskDefinition"]:
        return service
    return replace(service, document={**service.document, **config})


def decide(situation: Situation, mint_id: Callable[[], str]) -> Decision:
    """Decide the next step; `mint_id` yields a deployment id when a rollback needs a new one."""
    draft = Draft(
        service=situation.service,
        current=_begun(situation.current, situation.now),
        breaker=breaker_of(situation.service),
        now=situation.now,
    )
    _account_for_the_fallen(draft, situation)
    members = _dismiss_the_unhealthy(draft, situation)
    _forgive(draft, situation, members)
    _consult_the_breaker(draft, mint_id)
    schedule(draft, situation, members)
    _complete(draft, situation, members)
    _forget_empty_deployments(draft, situation)
    _note_steadiness(draft, situation, members)
    return Decision(
        draft.service, draft.current, draft.launches, tuple(draft.stops), tuple(draft.messages)
    )


def _begun(current: ServiceDeployment | None, now: float) -> ServiceDeployment | None:
    if current is None or current.status is not Status.PENDING:
        return current
    return replace(current, status=Status.IN_PROGRESS, started_at=now, updated_at=now)


def _account_for_the_fallen(draft: Draft, situation: Situation) -> None:
    for task in situation.fallen:
        _count_failure(draft, situation, task)


def _dismiss_the_unhealthy(draft: Draft, situation: Situation) -> tuple[Member, ...]:
    kept = []
    for member in situation.members:
        if member.fitness.fit is not Fit.UNHEALTHY:
            kept.append(member)
            continue
        task_id = member.task.arn.rsplit("/", 1)[-1]
        draft.say(f"(task {task_id}) {member.fitness.cause}.")
        reason = f"Task {member.fitness.cause}"
        draft.stops.append(Stop(member.task.arn, BY_SCHEDULER, reason, failed=True))
        _count_failure(draft, situation, member.task)
    return tuple(kept)


def _count_failure(draft: Draft, situation: Situation, task: Task) -> None:
    row = draft.service.failed_in_a_row + 1
    beyond = row - FREE_FAILURES
    pause = situation.backoff_base_s * 2.0 ** min(beyond - 1, 30) if beyond > 0 else 0.0
    not_before = draft.now + min(pause, situation.backoff_max_s)
    draft.service = replace(draft.service, failed_in_a_row=row, launch_not_before=not_before)
    if beyond == 1:
        draft.say("is unable to consistently start tasks successfully.")
    primary = draft.service.primary
    if task.started_by == primary.id and draft.rolling:
        draft.set_primary(
            replace(
                primary,
                failed_tasks=primary.failed_tasks + 1,
                failures=primary.failures + 1,
                steady_since=None,
                updated_at=draft.now,
            )
        )


def _forgive(draft: Draft, situation: Situation, members: tuple[Member, ...]) -> None:
    """Reset the counts once a task of the primary has been healthy for the steady period.

    ECS resets on a task's first healthy moment; here that moment must last, or an application
    that dies seconds after each start would never trip the breaker.
    """
    held = [
        m
        for m in members
        if m.task.started_by == draft.service.primary.id and m.held(situation.steady_s)
    ]
    if not held:
        return
    draft.service = replace(draft.service, failed_in_a_row=0, launch_not_before=0.0)
    if draft.breaker.resets_on_healthy and draft.rolling and not _tripped(draft):
        draft.set_primary(replace(draft.service.primary, failures=0))


def _tripped(draft: Draft) -> bool:
    return draft.service.primary.failures >= draft.breaker.threshold


def _consult_the_breaker(draft: Draft, mint_id: Callable[[], str]) -> None:
    current, primary = draft.current, draft.service.primary
    if current is None or not draft.rolling:
        return
    if current.status is Status.IN_PROGRESS:
        draft.current = current = replace(
            current, failures=primary.failures, threshold=draft.breaker.threshold
        )
    if not draft.breaker.enabled or not _tripped(draft):
        return
    failed = replace(
        primary,
        state=RolloutState.FAILED,
        reason="ECS deployment circuit breaker: tasks failed to start.",
        updated_at=draft.now,
    )
    draft.set_primary(failed)
    draft.say(f"(deployment {failed.id}) deployment failed: tasks failed to start.")
    goal = draft.service.last_completed
    if current.status is Status.IN_PROGRESS and draft.breaker.rolls_back and goal is not None:
        _roll_back(draft, current, goal, mint_id)
    else:
        _give_up(draft, current)


def _roll_back(
    draft: Draft, current: ServiceDeployment, goal: str, mint_id: Callable[[], str]
) -> None:
    """Make the last completed revision primary again; its running tasks keep their deployment."""
    service = draft.service
    old = next((d for d in service.deployments[1:] if d.revision_arn == goal), None)
    new_id = old.id if old is not None else mint_id()
    reason = f"ECS deployment circuit breaker: rolling back to deploymentId {new_id}."
    primary = Deployment(
        id=new_id,
        revision_arn=goal,
        created_at=old.created_at if old is not None else draft.now,
        updated_at=draft.now,
        state=RolloutState.IN_PROGRESS,
        reason=reason,
    )
    others = tuple(d for d in service.deployments if d.id != new_id)
    draft.service = replace(
        service, deployments=(primary, *others), failed_in_a_row=0, launch_not_before=0.0
    )
    draft.say(f"rolling back to deployment {new_id}.")
    draft.current = replace(
        current,
        status=Status.ROLLBACK_IN_PROGRESS,
        reason="Service deployment rolled back because the circuit breaker threshold was exceeded.",
        rollback=Rollback(
            reason="Circuit breaker threshold exceeded.", started_at=draft.now, revision_arn=goal
        ),
        triggered=True,
        updated_at=draft.now,
    )


def _give_up(draft: Draft, current: ServiceDeployment) -> None:
    """End without a rollback: none was asked for, none is possible, or the rollback failed too."""
    wanted = draft.breaker.rolls_back
    status = Status.ROLLBACK_FAILED if wanted else Status.STOPPED
    what = "There is no completed deployment to roll back to." if wanted else "Rollback is off."
    if current.status is Status.ROLLBACK_IN_PROGRESS:
        what = "The rollback's tasks failed to start."
    draft.current = replace(
        current,
        status=status,
        reason=f"The circuit breaker threshold was exceeded. {what}",
        triggered=True,
        stopped_at=draft.now,
        finished_at=draft.now,
        updated_at=draft.now,
    )


def _complete(draft: Draft, situation: Situation, members: tuple[Member, ...]) -> None:
    service, primary = draft.service, draft.service.primary
    if not draft.rolling:
        return
    ours = [m for m in members if m.task.started_by == primary.id]
    full = len(ours) == service.desired and all(m.healthy for m in ours)
    if not full:
        draft.set_primary(replace(primary, steady_since=None))
        return
    since = primary.steady_since if primary.steady_since is not None else draft.now
    draft.set_primary(replace(primary, steady_since=since))
    old_ones_gone = situation.occupied <= {primary.id}
    looked_at = min((m.seen_at for m in ours), default=draft.now)
    if looked_at - since < situation.steady_s or not old_ones_gone:
        return
    draft.set_primary(
        replace(
            draft.service.primary,
            state=RolloutState.COMPLETED,
            reason=f"ECS deployment {primary.id} completed.",
            updated_at=draft.now,
        )
    )
    draft.service = replace(draft.service, last_completed=primary.revision_arn)
    draft.say(f"(deployment {primary.id}) deployment completed.")
    if draft.current is not None and not draft.current.status.final:
        rolled_back = draft.current.status is Status.ROLLBACK_IN_PROGRESS
        draft.current = replace(
            draft.current,
            status=Status.ROLLBACK_SUCCESSFUL if rolled_back else Status.SUCCESSFUL,
            finished_at=draft.now,
            updated_at=draft.now,
        )


def _forget_empty_deployments(draft: Draft, situation: Situation) -> None:
    primary, *others = draft.service.deployments
    kept = tuple(d for d in others if d.id in situation.occupied)
    draft.service = replace(draft.service, deployments=(primary, *kept))


def _note_steadiness(draft: Draft, situation: Situation, members: tuple[Member, ...]) -> None:
    """Say "steady state" once each time the service gets there."""
    service = draft.service
    steady = (
        service.primary.state is RolloutState.COMPLETED
        and len(members) == service.desired
        and all(m.healthy for m in members)
        and situation.occupied <= {service.primary.id}
    )
    if steady and not service.steady:
        draft.say("has reached a steady state.")
    draft.service = replace(draft.service, steady=steady)
