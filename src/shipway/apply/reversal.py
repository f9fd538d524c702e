"""Answers a deployment that is under way: let it go on, or turn it back and see it through.

A deployment that waits at a pause is answered there; any other is stopped with a rollback. While
both versions stand by, as in the bake time, going back is nothing but traffic that moves.
"""

from __future__ import annotations

from contextlib import ExitStack

from shipway.apply.deployment import watch
from shipway.apply.waiting import wait_for
from shipway.apply.world import World
from shipway.environments.health import Ended, verdict
from shipway.errors import LeaseIsHeld, NothingIsUnderWay, StoppedWatching
from shipway.events.steering import DeploymentSteered
from shipway.model.observed import DeploymentArn
from shipway.model.outcome import DeploymentOutcome
from shipway.model.release import Release
from shipway.model.service import Environment
from shipway.plan.steps import Watch


def go_on(environment: Environment, release: Release, arn: DeploymentArn, world: World) -> None:
    """Let a deployment go on that waits at a pause.

    Raises:
        NothingIsUnderWay: it does not wait, or has ended.
    """
    _refuse_ended(environment, arn, world)
    _tell("continue", environment, release, arn, world)
    if not world.orchestrator.continue_deployment(arn, go_on=True):
        raise NothingIsUnderWay(
            f"the deployment of {release.name} does not wait for anybody",
            where=environment.name,
            hint=f"`shipway watch {environment.name}` shows how it goes",
        )


def turn_back(environment: Environment, release: Release, arn: DeploymentArn, world: World) -> None:
    """Ask ECS to turn a deployment back: by its pause where it waits, else by stopping it.

    Raises:
        NothingIsUnderWay: it has ended.
    """
    _refuse_ended(environment, arn, world)
    _tell("rollback", environment, release, arn, world)
    if not world.orchestrator.continue_deployment(arn, go_on=False):
        world.orchestrator.stop_deployment(arn)


def see_through(
    environment: Environment, release: Release, arn: DeploymentArn, world: World
) -> DeploymentOutcome:
    """Watch a deployment to its end; whoever holds the environment's lease writes the end down.

    Raises:
        StoppedWatching: the environment's time-out is over.
    """
    with ExitStack() as leases:
        try:
            name = f"{world.service}/{environment.name}"
            owner = f"{world.actor}, run {world.run}"
            leases.enter_context(world.leases.hold(name, owner=owner))
        except LeaseIsHeld:  # the run that asked for the deployment watches it, and writes
            return _look_on(environment, release, arn, world)
        watch(Watch(environment, release, arn), world)
        attempt = world.history().last_attempt(environment.name, release.name)
        ended = attempt.ended if attempt else None
        return ended or _look_on(environment, release, arn, world)


def _look_on(
    environment: Environment, release: Release, arn: DeploymentArn, world: World
) -> DeploymentOutcome:
    def look() -> Ended | None:
        judged = verdict(world.orchestrator.deployment(arn))
        return judged if isinstance(judged, Ended) else None

    within_s = environment.timeout_s
    ended = wait_for(look, clock=world.clock, every_s=world.poll_s, within_s=within_s)
    if ended is None:
        raise StoppedWatching(
            f"{release.name} is still on its way back after {within_s:g} s",
            where=environment.name,
            hint=f"`shipway watch {environment.name}` goes on watching",
        )
    return ended.outcome


def _refuse_ended(environment: Environment, arn: DeploymentArn, world: World) -> None:
    judged = verdict(world.orchestrator.deployment(arn))
    if isinstance(judged, Ended):
        raise NothingIsUnderWay(
            f"the deployment has ended: {judged.outcome.value}",
            where=environment.name,
            hint="`shipway status` shows what is live",
        )


def _tell(
    action: str, environment: Environment, release: Release, arn: DeploymentArn, world: World
) -> None:
    """Write down who it was before it is done: what is asked of ECS must not be lost."""
    name, by = environment.name, world.actor
    world.publish(DeploymentSteered(name, release.name, arn, action, by))
