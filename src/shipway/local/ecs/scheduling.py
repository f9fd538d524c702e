"""How many tasks to start and which to stop, within the percent limits. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.local.ecs.deployment import RolloutState
from shipway.local.ecs.early import enough
from shipway.local.ecs.situation import Draft, Member, Situation, Stop
from shipway.local.ecs.task_life import BY_SCHEDULER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.local.ecs.model import Service


def schedule(draft: Draft, situation: Situation, members: tuple[Member, ...]) -> None:
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
        draft.launches[service.primary.id] = min(missing, room)
    for member in _least_useful(ours)[: max(0, -missing)]:
        _retire(draft, member)
    blocked = missing > 0 and room < missing and not waiting
    reliable = sum(m.held(situation.steady_s) for m in ours)
    goal = enough(service, draft.current)
    gone = _dispensable(service, reliable, others, blocked=blocked)
    if goal.early and not goal.deferred and reliable >= goal.healthy:
        gone = others  # enough new ones are healthy, and the deployment ends only without these
    for member in gone:
        _retire(draft, member)


def staff(draft: Draft, members: tuple[Member, ...], wanted: Mapping[str, int]) -> None:
    """Bring each deployment in `wanted` to its number of tasks at once, and all others to none.

    So work the strategies that shift traffic: the old tasks are not touched before the end.
    """
    waiting = draft.now < draft.service.launch_not_before
    for deployment_id in dict.fromkeys((*wanted, *(m.task.started_by or "" for m in members))):
        ours = [m for m in members if m.task.started_by == deployment_id]
        missing = wanted.get(deployment_id, 0) - len(ours)
        if missing > 0 and not waiting:
            draft.launches[deployment_id] = missing
        for member in _least_useful(ours)[: max(0, -missing)]:
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


def _retire(draft: Draft, member: Member) -> None:
    reason = f"Scaling activity initiated by (deployment {draft.service.primary.id})"
    draft.stops.append(Stop(member.task.arn, BY_SCHEDULER, reason))
