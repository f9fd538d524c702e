"""A deployment as a pure step: situation in, decision out. It does nothing itself.

Called again and again; each call moves at most what the limits allow. Follows the ECS developer
guide on rolling updates, the deployment circuit breaker and alarms; strategies that shift traffic
have their own module (shifting). It refuses to know containers, load balancers and real time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeGuard

from shipway.local.ecs.alarms import firing_at_start, watch_alarms
from shipway.local.ecs.breaker import breaker_of
from shipway.local.ecs.deployment import (
    RolloutState,
    ServiceDeployment,
    Stage,
    Status,
    Strategy,
)
from shipway.local.ecs.early import enough
from shipway.local.ecs.reversal import BREAKER, REQUEST, abort, fail
from shipway.local.ecs.scheduling import schedule
from shipway.local.ecs.shifting import enter, first_position, shift, stable_id
from shipway.local.ecs.situation import Decision, Draft, Member, Situation, Stop
from shipway.local.ecs.task_life import BY_SCHEDULER, Fit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipway.local.ecs.model import Revision, Service, Task

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
        current=_begun(situation),
        breaker=breaker_of(situation.service),
        now=situation.now,
    )
    _account_for_the_fallen(draft, situation)
    members = _dismiss_the_unhealthy(draft, situation)
    _forgive(draft, situation, members)
    _heed_requests(draft, mint_id)
    watch_alarms(draft, situation.firing, mint_id)
    _consult_the_breaker(draft, mint_id)
    if _shifting(draft.current):
        shift(draft, draft.current, situation, members, mint_id)
    else:
        schedule(draft, situation, members)
    _complete(draft, situation, members)
    _forget_empty_deployments(draft, situation)
    _note_steadiness(draft, situation, members)
    return Decision(
        draft.service,
        draft.current,
        tuple(draft.launches.items()),
        tuple(draft.stops),
        tuple(draft.messages),
    )


def _begun(situation: Situation) -> ServiceDeployment | None:
    current, now = situation.current, situation.now
    if current is None or current.status is not Status.PENDING:
        return current
    position = None
    if current.strategy is not Strategy.ROLLING:
        first = first_position(situation.service, now)
        position = enter(current, first, first.stage, now)
    return replace(
        current,
        status=Status.IN_PROGRESS,
        started_at=now,
        updated_at=now,
        position=position,
        ignored_alarms=firing_at_start(current, situation.firing),
    )


def _shifting(current: ServiceDeployment | None) -> TypeGuard[ServiceDeployment]:
    return current is not None and current.position is not None and not current.status.final


def _heed_requests(draft: Draft, mint_id: Callable[[], str]) -> None:
    match draft.current:
        case ServiceDeployment(status=Status.ROLLBACK_REQUESTED):
            fail(draft, REQUEST, mint_id, rolls_back=True)
        case ServiceDeployment(status=Status.STOP_REQUESTED) as current:
            abort(draft, current)
        case _:
            pass


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
    fail(draft, BREAKER, mint_id, rolls_back=draft.breaker.rolls_back)


def _complete(draft: Draft, situation: Situation, members: tuple[Member, ...]) -> None:
    service, primary = draft.service, draft.service.primary
    if not draft.rolling or _before_clean_up(draft.current):
        return
    goal = enough(service, draft.current)
    ours = [m for m in members if m.task.started_by == primary.id]
    healthy = [m for m in ours if m.healthy]
    full = len(healthy) >= goal.healthy and (goal.early or len(ours) == service.desired)
    if not full or (not goal.early and len(healthy) < len(ours)):
        draft.set_primary(replace(primary, steady_since=None))
        return
    since = primary.steady_since if primary.steady_since is not None else draft.now
    draft.set_primary(replace(primary, steady_since=since))
    old_ones_gone = goal.deferred or situation.occupied <= {primary.id}
    looked_at = min((m.seen_at for m in healthy), default=draft.now)
    patience = max(situation.steady_s, _bake_s(draft.current))
    if looked_at - since >= patience and old_ones_gone:
        _succeed(draft)


def _before_clean_up(current: ServiceDeployment | None) -> bool:
    """Return whether traffic has still to move."""
    if not _shifting(current) or current.rolling_back or current.position is None:
        return False
    return current.position.stage is not Stage.CLEAN_UP


def _bake_s(current: ServiceDeployment | None) -> float:
    """Return how long a rolling deployment is watched after it is healthy."""
    if current is None or current.strategy is not Strategy.ROLLING or current.rolling_back:
        return 0.0
    return current.bake_s


def _succeed(draft: Draft) -> None:
    primary = replace(
        draft.service.primary,
        state=RolloutState.COMPLETED,
        reason=f"ECS deployment {draft.service.primary.id} completed.",
        updated_at=draft.now,
    )
    draft.set_primary(primary)
    draft.service = replace(draft.service, last_completed=primary.revision_arn)
    draft.say_of_primary("deployment completed.")
    if draft.current is not None and not draft.current.status.final:
        rolled_back = draft.current.rolling_back
        draft.current = replace(
            draft.current,
            status=Status.ROLLBACK_SUCCESSFUL if rolled_back else Status.SUCCESSFUL,
            finished_at=draft.now,
            updated_at=draft.now,
        )


def _forget_empty_deployments(draft: Draft, situation: Situation) -> None:
    primary, *others = draft.service.deployments
    current = draft.current
    stable = None
    if _shifting(current) and current.position is not None:
        stable = stable_id(draft.service, current.position)
    kept = tuple(d for d in others if d.id in situation.occupied or d.id == stable)
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
