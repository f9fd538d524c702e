"""Joins the deployment that is under way in an environment, whoever started it, and stays.

What the ledger knows as ours is watched as by the run that started it, and its end is written
down. What somebody else started is only looked at: nothing is written, stopped or taken over.
"""

from __future__ import annotations

from contextlib import ExitStack

from shipway.apply.attendance import attend
from shipway.apply.delivery import failure
from shipway.apply.runner import apply
from shipway.apply.world import World
from shipway.environments.health import Ended, verdict
from shipway.environments.plan import started_after
from shipway.errors import (
    DeploymentFailed,
    LeaseIsHeld,
    RollbackFailed,
    RolledBack,
    ShipwayError,
    Superseded,
    VerificationFailed,
)
from shipway.events.types import Warned
from shipway.ledger import Attempt, History
from shipway.model.lazy import dataclass
from shipway.model.observed import DeploymentArn, ObservedDeployment
from shipway.model.outcome import DeploymentOutcome, Outcome
from shipway.model.release import Release
from shipway.model.service import Environment
from shipway.pipeline import Stop
from shipway.plan.plan import Plan
from shipway.plan.steps import AdoptDeployment, Step, Watch


@dataclass(frozen=True, slots=True)
class Rejoined:
    """A deployment that was watched to a good end; `ours` when the ledger knows it.

    `deployment` is None, and nothing was watched, where none was under way. `release` is "" where
    nobody knows what is brought.
    """

    environment: str
    release: str
    deployment: DeploymentArn | None
    ours: bool


def rejoin(environment: Environment, world: World) -> Rejoined:
    """Follow what is under way in an environment; return at once when nothing is.

    Raises:
        DeploymentFailed, RolledBack, RollbackFailed, Superseded: it ended so.
        VerificationFailed: it succeeded, but what runs is not the release.
        StoppedWatching: the environment's time-out is over; the deployment goes on.
    """
    with ExitStack() as leases:
        try:
            name = f"{world.service}/{environment.name}"
            leases.enter_context(world.leases.hold(name, owner=f"{world.actor}, run {world.run}"))
        except LeaseIsHeld as busy:
            world.publish(Warned(environment.name, f"{busy.message}; it is only looked at here"))
            return _look_on(environment, world)
        history = world.history()
        found = _ours(environment, history, world)
        if found is None:
            return _look_on(environment, world)
        return _stay(environment, *found, world)


def _ours(
    environment: Environment, history: History, world: World
) -> tuple[Release, DeploymentArn, bool] | None:
    """Return the release and deployment that the ledger has no end of, and whether to adopt it."""
    attempt = history.last_attempt(environment.name)
    release = history.named(attempt.release) if attempt is not None else None
    if attempt is None or release is None or attempt.ended is not None:
        return None
    if attempt.deployment is not None:
        return release, attempt.deployment, False
    lost = _lost(environment, attempt, release, world)
    return (release, lost, True) if lost is not None else None


def _lost(
    environment: Environment, attempt: Attempt, release: Release, world: World
) -> DeploymentArn | None:
    """Find what a run asked ECS for before it died, and never wrote down."""
    seen = world.orchestrator.observe(environment)
    return started_after(attempt, seen, release) if seen is not None else None


def _stay(
    environment: Environment,
    release: Release,
    deployment: DeploymentArn,
    adopt: bool,  # noqa: FBT001 - handed through
    world: World,
) -> Rejoined:
    steps: tuple[Step, ...] = (Watch(environment, release, deployment),)
    if adopt:
        steps = (AdoptDeployment(environment, release, deployment), *steps)
    apply(Plan(steps, ""), world)
    history = world.history()
    attempt = history.last_attempt(environment.name, release.name)
    if attempt is not None and attempt.ended is not DeploymentOutcome.SUCCEEDED:
        live = history.live(environment.name)
        back = live.release if live is not None else None
        raise failure(Stop(environment, release, attempt, back_at=back))
    if attempt is not None and attempt.verified is Outcome.FAILED:
        hint = f"`shipway rollback {environment.name}` returns to what was good there"
        message = f"{release.name} was deployed, but: {attempt.verdict}"
        raise VerificationFailed(message, where=environment.name, hint=hint)
    return Rejoined(environment.name, release.name, deployment, ours=True)


def _look_on(environment: Environment, world: World) -> Rejoined:
    """Watch what is under way without any part in it."""
    seen = world.orchestrator.observe(environment)
    running = [d for d in seen.deployments if not _is_over(d)] if seen is not None else []
    if not running:
        return Rejoined(environment.name, "", None, ours=False)
    known = {a.deployment: a for a in world.history().attempts_in(environment.name)}
    attempt = known.get(running[0].arn)
    what = attempt.release if attempt is not None else "what somebody else deployed"
    if attempt is None:
        said = f"{running[0].arn} was not started by Shipway as this ledger knows it"
        world.publish(Warned(environment.name, f"{said}; it is only looked at here"))
    ended = attend(environment, running[0].arn, world, what=what, ours=False)
    problem = _as_seen(ended, what, environment.name)
    if problem is not None:
        raise problem
    release = attempt.release if attempt is not None else ""
    return Rejoined(environment.name, release, running[0].arn, ours=False)


def _is_over(deployment: ObservedDeployment) -> bool:
    return isinstance(verdict(deployment), Ended)


def _as_seen(ended: Ended, what: str, where: str) -> ShipwayError | None:
    """Say how it ended, as whoever started it is told."""
    match ended.outcome:
        case DeploymentOutcome.SUCCEEDED:
            return None
        case DeploymentOutcome.ROLLED_BACK:
            return RolledBack(f"{what} failed and was rolled back: {ended.reason}", where=where)
        case DeploymentOutcome.ROLLBACK_FAILED:
            return RollbackFailed(
                f"{what} failed, and so did the way back: {ended.reason}", where=where
            )
        case DeploymentOutcome.SUPERSEDED:
            return Superseded(f"a newer deployment replaced {what}", where=where)
        case _:
            return DeploymentFailed(f"{what} could not be deployed: {ended.reason}", where=where)
