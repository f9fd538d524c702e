"""Looks before a deployment whether it can go well, and refuses it while nothing has changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shipway.environments.findings import Finding, Weight
from shipway.environments.preflight import findings, needs_of, needs_of_return
from shipway.errors import PreflightRefused, RollbackFailed
from shipway.events.types import Warned
from shipway.model.outcome import Purpose
from shipway.plan.steps import Deploy

if TYPE_CHECKING:
    from shipway.apply.world import World
    from shipway.ledger import History
    from shipway.model.release import Release
    from shipway.model.service import Environment, Service
    from shipway.model.task_definition import TaskDefinition
    from shipway.pipeline import Journey
    from shipway.plan.plan import Plan
    from shipway.ports import Inspector


def look_before(plan: Plan, journey: Journey, history: History, world: World) -> None:
    """Look at what each deployment of a plan needs; warn of what is doubtful.

    A way back is held up by nothing but a missing image.

    Raises:
        PreflightRefused: it cannot go well; every reason is in the message.
        RollbackFailed: the same, of an automatic rollback.
    """
    for step in plan.steps:
        if isinstance(step, Deploy):
            found = _findings(step, journey, history, world)
            for finding in found:
                if finding.weight is Weight.WARN:
                    world.publish(Warned(f"pre-flight {finding.where}", finding.message))
            refusals = [finding for finding in found if finding.weight is Weight.REFUSE]
            if refusals:
                raise _refusal(step, refusals, journey)


def preflight(  # noqa: PLR0917 - six things that it compares, none of which is optional
    inspector: Inspector,
    service: Service,
    environment: Environment,
    release: Release,
    definition: TaskDefinition,
    history: History,
) -> tuple[Finding, ...]:
    """Return everything that stands in the way of a delivery, refusals first; changes nothing."""
    attempts = history.attempts_in(environment.name)
    ours = frozenset(a.deployment for a in attempts if a.deployment)
    needs = needs_of(release, environment, definition, aws=service.aws, ours=ours)
    return findings(needs, inspector.facts(environment, needs))


def _findings(
    step: Deploy, journey: Journey, history: History, world: World
) -> tuple[Finding, ...]:
    environment, release = step.environment, step.release
    if step.purpose is Purpose.ROLLBACK:
        needs = needs_of_return(release)
        return findings(needs, world.inspector.facts(environment, needs))
    found = preflight(
        world.inspector, journey.service, environment, release, step.definition, history
    )
    return tuple(
        replace(each, weight=Weight.WARN) if each.code in journey.despite else each
        for each in found
    )


def _refusal(
    step: Deploy, refusals: list[Finding], journey: Journey
) -> PreflightRefused | RollbackFailed:
    name, where = step.release.name, step.environment.name
    lines = "\n".join(finding.words() for finding in refusals)
    if step.purpose is Purpose.ROLLBACK and journey.purpose is Purpose.DELIVERY:
        hint = "a person is needed: `shipway status` shows what runs"
        return RollbackFailed(f"there is no way back to {name}:\n{lines}", where=where, hint=hint)
    hint = "nothing was changed; `shipway plan` looks again"
    return PreflightRefused(f"{name} cannot be deployed:\n{lines}", where=where, hint=hint)
