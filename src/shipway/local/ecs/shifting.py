"""BLUE_GREEN, CANARY and LINEAR as a pure step: from stage to stage, one at a time.

Follows the ECS developer guide on deployments with managed traffic shifting. The new revision
(green) gets tasks of its own beside the old one's (blue); then traffic moves; then blue goes.
Refuses to know listeners and target groups: it only says who gets how many percent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shipway.local.ecs.deployment import Position, ServiceDeployment, Stage, Strategy
from shipway.local.ecs.hooks import hooks_of, lapsed
from shipway.local.ecs.reversal import HOOK, fail
from shipway.local.ecs.scheduling import staff

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipway.local.ecs.document import JsonObject
    from shipway.local.ecs.model import Service
    from shipway.local.ecs.situation import Draft, Member, Situation

ALL = 100.0
_ORDER = tuple(Stage)
_BEFORE_GREEN = {Stage.RECONCILE_SERVICE, Stage.PRE_SCALE_UP}


def first_position(service: Service, now: float) -> Position:
    """Return where a new deployment begins.

    RECONCILE_SERVICE only when more than one revision has tasks: then the production traffic goes
    to the stable one first, and the others leave.
    """
    several = len({d.revision_arn for d in service.deployments[1:]}) > 1
    stage = Stage.RECONCILE_SERVICE if several else Stage.PRE_SCALE_UP
    return Position(stage, stage, now, stable=service.last_completed)


def shift(
    draft: Draft,
    current: ServiceDeployment,
    situation: Situation,
    members: tuple[Member, ...],
    mint_id: Callable[[], str],
) -> None:
    """Move at most one stage on, and keep both revisions' tasks as that stage wants them."""
    position = current.position
    if position is None:
        return
    if current.rolling_back:
        position = _back(position, draft.now)
    else:
        position = replace(position, hooks=lapsed(position.hooks, draft.now))
        if any(h.rolls_back for h in position.hooks):
            draft.current = replace(current, position=position)
            fail(draft, HOOK, mint_id, rolls_back=True)
            return
        if not any(h.open for h in position.hooks):
            position = _next(draft, current, position, situation, members)
    draft.current = replace(
        current,
        position=position,
        updated_at=current.updated_at if position == current.position else draft.now,
    )
    staff(draft, members, wanted_tasks(draft.service, draft.current))


def wanted_tasks(service: Service, current: ServiceDeployment) -> Mapping[str, int]:
    """Return how many tasks each deployment of `service` is to have in the current stage."""
    position, primary = current.position, service.primary
    if position is None or current.rolling_back:
        return {primary.id: service.desired}
    wanted = {}
    if position.stage not in _BEFORE_GREEN:
        wanted[primary.id] = service.desired
    blue = stable_id(service, position)
    if blue is not None and position.stage is not Stage.CLEAN_UP:
        wanted[blue] = service.desired
    return wanted


def stable_id(service: Service, position: Position) -> str | None:
    """Return the id of the deployment that serves until the traffic has moved, or None."""
    others = service.deployments[1:]
    return next((d.id for d in others if d.revision_arn == position.stable), None)


def _back(position: Position, now: float) -> Position:
    done = position.stage is Stage.CLEAN_UP or position.since == now
    return position if done else position.at(Stage.CLEAN_UP, now)


def _next(
    draft: Draft,
    current: ServiceDeployment,
    position: Position,
    situation: Situation,
    members: tuple[Member, ...],
) -> Position:
    if position.since == draft.now or not _done(draft, current, position, situation, members):
        return position
    partly = position.stage is Stage.PRODUCTION_TRAFFIC_SHIFT and position.production < ALL
    if partly:
        position = replace(position, step=position.step + 1)
        stage = Stage.PRE_PRODUCTION_TRAFFIC_SHIFT
    else:
        stage = _ORDER[_ORDER.index(position.stage) + 1]
    return enter(current, position, stage, draft.now)


def enter(current: ServiceDeployment, position: Position, stage: Stage, now: float) -> Position:
    """Return the position on entry to `stage`: its hooks wait, its share of traffic moves."""
    first = position.stable is None
    entered = position.at(stage, now, () if first else hooks_of(current, stage, position.step, now))
    if stage is Stage.TEST_TRAFFIC_SHIFT:
        return replace(entered, test=ALL)
    if stage is Stage.PRODUCTION_TRAFFIC_SHIFT:
        share = ALL if first else share_after(current.configuration, position.step)
        return replace(entered, production=share)
    return entered


def _done(
    draft: Draft,
    current: ServiceDeployment,
    position: Position,
    situation: Situation,
    members: tuple[Member, ...],
) -> bool:
    """Return whether nothing keeps the deployment in its stage but its hooks."""
    lasted = draft.now - position.since
    match position.stage:
        case Stage.RECONCILE_SERVICE:
            return situation.occupied <= {stable_id(draft.service, position)}
        case Stage.SCALE_UP:
            ours = [m for m in members if m.task.started_by == draft.service.primary.id]
            held = all(m.held(situation.steady_s) for m in ours)
            return len(ours) == draft.service.desired and held
        case Stage.PRODUCTION_TRAFFIC_SHIFT:
            return position.production >= ALL or lasted >= step_bake_s(current.configuration)
        case Stage.BAKE_TIME:
            return position.stable is None or lasted >= current.bake_s
        case Stage.CLEAN_UP:
            return False  # the rollout completes it, once blue's last task is gone
        case _:
            return True


def share_after(configuration: JsonObject, step: int) -> float:
    """Return the percent of production traffic that the new revision has after shift `step`.

    Steps count from 0; the last one yields 100.
    """
    match Strategy(configuration["strategy"]):
        case Strategy.CANARY if step == 0:
            return float(configuration.get("canaryConfiguration", {}).get("canaryPercent", 5.0))
        case Strategy.LINEAR:
            each = float(configuration.get("linearConfiguration", {}).get("stepPercent", 10.0))
            return min(ALL, round(each * (step + 1), 1))
        case _:
            return ALL


def step_bake_s(configuration: JsonObject) -> float:
    """Return how long a share of less than 100 percent is kept before the next shift."""
    match Strategy(configuration["strategy"]):
        case Strategy.CANARY:
            given = configuration.get("canaryConfiguration", {}).get("canaryBakeTimeInMinutes", 10)
        case Strategy.LINEAR:
            given = configuration.get("linearConfiguration", {}).get("stepBakeTimeInMinutes", 6)
        case _:
            given = 0
    return float(given) * 60
