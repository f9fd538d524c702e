"""Takes a journey from phase to phase until it ends, holding the lease of each place it is at."""

from __future__ import annotations

from contextlib import ExitStack
from typing import NoReturn, assert_never

from shipway.apply.preflight import look_before
from shipway.apply.runner import apply
from shipway.apply.world import World
from shipway.errors import (
    DeploymentFailed,
    GateSaidNo,
    RegistryDidNotAnswer,
    RollbackFailed,
    RolledBack,
    ShipwayError,
    Superseded,
    VerificationFailed,
    VerificationIsInconclusive,
)
from shipway.events.types import GateAnswered
from shipway.image.plan import move_steps
from shipway.image.tags import immutable_tag
from shipway.ledger import History
from shipway.model.outcome import DeploymentOutcome, Purpose
from shipway.model.release import Release
from shipway.model.service import Environment
from shipway.pipeline import (
    Bring,
    Build,
    Done,
    End,
    Examine,
    Follow,
    Journey,
    Stop,
    Wait,
    Work,
    next_phase,
    plan,
    plan_known,
)
from shipway.plan.plan import Plan
from shipway.plan.steps import Deploy
from shipway.promotion.gate import No, may_enter


def travel(journey: Journey, world: World) -> Release:
    """Run a journey to its end and return the release that arrived.

    Raises:
        GateSaidNo, LeaseIsHeld, CheckFailed, DeploymentFailed, RolledBack, RollbackFailed and
        what the ports raise; the ledger then says where the journey stood.
    """
    builds = 0
    with ExitStack() as leases:
        held: set[str] = set()
        while True:
            history = world.history()
            phase = next_phase(journey, history)
            place = _place(phase)
            if place is not None and place not in held:
                name = f"{world.service}/{place}"
                leases.enter_context(world.leases.hold(name, owner=_owner(world)))
                held.add(place)
                continue  # what was true before the lease was ours may not be true any more
            match phase:
                case Build():
                    builds += 1
                    _refuse_third_build(builds)
                    apply(_plan_image(journey, history, world), world)
                case Bring():
                    planned = _plan_deployment(phase, journey, history, world)
                    _pass_the_gate(planned, phase, journey, history, world)
                    look_before(planned, journey, history, world)
                    apply(planned, world)
                case Follow() | Examine():
                    apply(plan_known(phase), world)
                case Wait():
                    _wait(phase, world)
                case Stop():
                    raise failure(phase)
                case Done(release):
                    if journey.nightly and not builds:  # the release was there before
                        moves = move_steps(journey.service, release, journey.nightly)
                        apply(Plan(moves), world)
                    return release
                case _:
                    assert_never(phase)


def _place(phase: Work | End) -> str | None:
    """Return what the phase works on, which nobody else may meanwhile; None for an end."""
    match phase:
        case Build():
            return "build"
        case Bring() | Follow() | Examine():
            return phase.environment.name
        case _:
            return None


def _owner(world: World) -> str:
    return f"{world.actor}, run {world.run}"


def _refuse_third_build(builds: int) -> None:
    """Publish once and record once: a registry that forgets would make this go round for ever."""
    if builds > 2:  # noqa: PLR2004 - publish, then record
        raise RegistryDidNotAnswer(
            "the registry took the image but does not show it", hint="run the command again"
        )


def _plan_image(journey: Journey, history: History, world: World) -> Plan:
    repository = journey.service.image.repository
    found = world.registry.digest(repository, immutable_tag(journey.source.commit))
    return plan(Build(), journey, history, repository=world.registry.name(repository), image=found)


def _plan_deployment(phase: Bring, journey: Journey, history: History, world: World) -> Plan:
    world.orchestrator.ensure_place(phase.environment)
    seen = world.orchestrator.observe(phase.environment)
    return plan(phase, journey, history, service=seen)


def _pass_the_gate(
    planned: Plan, phase: Bring, journey: Journey, history: History, world: World
) -> None:
    """Ask the gate at the last moment before ECS is asked, and write its answer down.

    A request that a dead run wrote down but ECS never got is asked about anew: somebody may have
    rejected the release since.
    """
    environment, release = phase.environment, phase.release
    asks_ecs = any(isinstance(step, Deploy) for step in planned.steps)
    if phase.purpose is Purpose.ROLLBACK or not asks_ecs:
        return
    answer = may_enter(journey.service, environment, release, history)
    if isinstance(answer, No):
        _refuse(environment, release, answer.reasons, world)
    if environment.gate:
        world.publish(
            GateAnswered(environment.name, release.name, allowed=True, reasons=()),
        )


def _wait(wait: Wait, world: World) -> NoReturn:
    """Stop for what only people change: an approval, or a judgement."""
    if not wait.unsure:
        _refuse(wait.environment, wait.release, wait.reasons, world)
    raise VerificationIsInconclusive(
        "\n".join(wait.reasons),
        where=wait.environment.name,
        hint="then run the delivery again; without an answer it probes anew",
    )


def _refuse(
    environment: Environment, release: Release, reasons: tuple[str, ...], world: World
) -> NoReturn:
    world.publish(GateAnswered(environment.name, release.name, allowed=False, reasons=reasons))
    go_on = f"then `shipway promote {environment.name} --release {release.name}`"
    raise GateSaidNo("\n".join(reasons), where=environment.name, hint=go_on)


def failure(stop: Stop) -> ShipwayError:  # noqa: PLR0911 - one sentence for each end
    """Say how a journey failed, in words and by its exit status."""
    attempt, where = stop.attempt, stop.environment.name
    name, why = stop.release.name, attempt.verdict or attempt.reason
    over = {DeploymentOutcome.SUCCEEDED, DeploymentOutcome.SUPERSEDED}
    if attempt.release != name and attempt.ended not in over:
        message = f"{name} failed verification and still runs: {attempt.release} did not replace it"
        hint = "a person is needed: `shipway status` shows what runs"
        return RollbackFailed(f"{message}: {why}", where=where, hint=hint)
    match attempt.ended:
        case DeploymentOutcome.ROLLED_BACK if attempt.purpose is Purpose.ROLLBACK:
            message = f"the way back to {name} failed; {stop.back_at or 'nothing'} still runs"
            return RollbackFailed(f"{message}: {why}", where=where)
        case DeploymentOutcome.ROLLED_BACK:
            back = f"; {stop.back_at} runs there again" if stop.back_at else ""
            return RolledBack(f"{name} failed and was rolled back{back}: {why}", where=where)
        case DeploymentOutcome.ROLLBACK_FAILED:
            hint = "a person is needed: `shipway status` shows what runs"
            return RollbackFailed(
                f"{name} failed, and so did the way back: {why}", where=where, hint=hint
            )
        case DeploymentOutcome.SUPERSEDED:
            return Superseded(f"a newer deployment replaced {name}", where=where)
        case DeploymentOutcome.SUCCEEDED if stop.back_at:
            message = f"{name} failed verification and was rolled back to {stop.back_at}: {why}"
            return RolledBack(message, where=where)
        case DeploymentOutcome.SUCCEEDED if attempt.purpose is Purpose.ROLLBACK:
            return RollbackFailed(
                f"{attempt.release} was to replace {name}, but: {why}", where=where
            )
        case DeploymentOutcome.SUCCEEDED:
            hint = "nothing was verified here before, so there is nothing to return to"
            return VerificationFailed(f"{name} failed verification: {why}", where=where, hint=hint)
        case _:
            return DeploymentFailed(f"{name} could not be deployed: {why}", where=where)
