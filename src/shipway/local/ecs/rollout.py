"""The ROLLING deployment as a pure step: situation in, decision out. It does nothing itself.

Called again and again; each call moves at most what the limits allow. Follows the ECS developer
guide on rolling updates and the deployment circuit breaker; it refuses to know containers,
load balancers and real time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shipway.local.ecs.breaker import Breaker, breaker_of
from shipway.local.ecs.model import (
    Deployment,
    Rollback,
    RolloutState,
    Service,
    ServiceDeployment,
    Status,
    Task,
)
from shipway.local.ecs.situation import Decision, Member, Situation, Stop
from shipway.local.ecs.task_life import BY_SCHEDULER, Fit

if TYPE_CHECKING:
    from collections.abc import Callable

FREE_FAILURES = 3
"""So many failed tasks in a row are replaced at once; after them starts are spread out."""


@dataclass(slots=True)
class _Draft:
    """The decision while it is being made."""

    service: Service
    current: ServiceDeployment | None
    breaker: Breaker
    now: float
    launches: int = 0
    stops: list[Stop] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def say(self, message: str) -> None:
        self.messages.append(f"(service {self.service.name}) {message}")

    def set_primary(self, primary: Deployment) -> None:
        rest = self.service.deployments[1:]
        self.service = replace(self.service, deployments=(primary, *rest))

    @property
    def rolling(self) -> bool:
        return self.service.primary.state is RolloutState.IN_PROGRESS


def decide(situation: Situation, mint_id: Callable[[], str]) -> Decision:
    """Decide the next step; `mint_id` yields a deployment id when a rollback needs a new one."""
    draft = _Draft(
        service=situation.service,
        current=_begun(situation.current, situation.now),
        breaker=breaker_of(situation.service),
        now=situation.now,
    )
    _account_for_the_fallen(draft, situation)
    members = _dismiss_the_unhealthy(draft, situation)
    _forgive(draft, situation, members)
    _consult_the_breaker(draft, mint_id)
    _schedule(draft, situation, members)
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


def _account_for_the_fallen(draft: _Draft, situation: Situation) -> None:
    for task in situation.fallen:
        _count_failure(draft, situation, task)


def _dismiss_the_unhealthy(draft: _Draft, situation: Situation) -> tuple[Member, ...]:
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


def _count_failure(draft: _Draft, situation: Situation, task: Task) -> None:
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


def _forgive(draft: _Draft, situation: Situation, members: tuple[Member, ...]) -> None:
    """Reset the counts once a task of the primary has been healthy for the steady period.

    ECS resets on a task's first healthy moment; here that moment must last, or an application
    that dies seconds after each start would never trip the breaker.
    """
    held = [
        m
        for m in members
        if m.task.started_by == draft.service.primary.id and m.held(situation.steady_s, draft.now)
    ]
    if not held:
        return
    draft.service = replace(draft.service, failed_in_a_row=0, launch_not_before=0.0)
    if draft.breaker.resets_on_healthy and draft.rolling and not _tripped(draft):
        draft.set_primary(replace(draft.service.primary, failures=0))


def _tripped(draft: _Draft) -> bool:
    return draft.service.primary.failures >= draft.breaker.threshold


def _consult_the_breaker(draft: _Draft, mint_id: Callable[[], str]) -> None:
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
    draft: _Draft, current: ServiceDeployment, goal: str, mint_id: Callable[[], str]
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


def _give_up(draft: _Draft, current: ServiceDeployment) -> None:
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


def _schedule(draft: _Draft, situation: Situation, members: tuple[Member, ...]) -> None:
    """Start and stop within the limits: room first by surplus, then down to the minimum."""
    service = draft.service
    ours = [m for m in members if m.task.started_by == service.primary.id]
    others = [m for m in members if m.task.started_by != service.primary.id]
    if service.primary.state is RolloutState.FAILED:
        return
    missing = service.desired - len(ours)
    room = max(0, service.maximum - len(members))
    waiting = draft.now < service.launch_not_before
    if missing > 0 and not waiting:
        draft.launches = min(missing, room)
    for member in _least_useful(ours)[: max(0, -missing)]:
        _retire(draft, member)
    blocked = missing > 0 and room < missing and not waiting
    reliable = sum(m.held(situation.steady_s, draft.now) for m in ours)
    for member in _dispensable(service, reliable, others, blocked=blocked):
        _retire(draft, member)


def _dispensable(
    service: Service, reliable: int, others: list[Member], *, blocked: bool
) -> list[Member]:
    """Return the old tasks that may go now: the useless ones, then healthy ones to spare.

    ECS lets an old task go for each new one that is healthy; here the new one must have been so
    for the steady period, so that an application that dies at once never costs the old tasks.
    """
    healthy_old = [m for m in others if m.healthy]
    healthy = reliable + len(healthy_old)
    floor = service.minimum if blocked else max(service.minimum, service.desired)
    spare = max(0, healthy - floor)
    useless = [m for m in others if not m.healthy]
    if not blocked and reliable < service.desired:
        useless = []  # nobody needs their room yet, and they may still become healthy
    return useless + healthy_old[:spare]


def _least_useful(members: list[Member]) -> list[Member]:
    """Return unhealthy and starting tasks first, then the youngest."""
    return sorted(members, key=lambda m: (m.healthy, -m.task.created_at))


def _retire(draft: _Draft, member: Member) -> None:
    reason = f"Scaling activity initiated by (deployment {draft.service.primary.id})"
    draft.stops.append(Stop(member.task.arn, BY_SCHEDULER, reason))


def _complete(draft: _Draft, situation: Situation, members: tuple[Member, ...]) -> None:
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
    if draft.now - since < situation.steady_s or not old_ones_gone:
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


def _forget_empty_deployments(draft: _Draft, situation: Situation) -> None:
    primary, *others = draft.service.deployments
    kept = tuple(d for d in others if d.id in situation.occupied)
    draft.service = replace(draft.service, deployments=(primary, *kept))


def _note_steadiness(draft: _Draft, situation: Situation, members: tuple[Member, ...]) -> None:
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
