"""Asks ECS for a deployment once, and watches our own one to its end."""

from __future__ import annotations

from shipway.apply.attendance import attend
from shipway.apply.verification import running_wrong
from shipway.apply.world import World
from shipway.environments.plan import state_of
from shipway.errors import PlanIsStale
from shipway.events.types import (
    DeploymentEnded,
    DeploymentRequested,
    DeploymentStarted,
    VerificationEnded,
)
from shipway.model.outcome import DeploymentOutcome, Outcome
from shipway.model.spec import Spec, encode
from shipway.plan.steps import AdoptDeployment, Deploy, Watch


def deploy(step: Deploy, world: World, made_from: str) -> None:
    """Write the intention down, then ask ECS, once.

    Raises:
        PlanIsStale: the service changed since the plan was made.
    """
    seen = world.orchestrator.observe(step.environment)
    if state_of(seen) != made_from:
        raise PlanIsStale(
            f"the service in {step.environment.name} changed while this was being planned",
            where=step.environment.name,
            hint="run the command again; it plans from what is there now",
        )
    release = step.release
    world.publish(
        DeploymentRequested(
            environment=step.environment.name,
            release=release.name,
            digest=release.digest,
            purpose=step.purpose.value,
            by=world.actor,
            after=step.after,
            spec=encode(Spec(step.definition, step.environment.container.grace_s)),
        )
    )
    tags = (
        ("shipway:actor", world.actor),
        ("shipway:commit", release.commit),
        ("shipway:digest", release.digest),
        ("shipway:release", release.name),
        ("shipway:run", world.run),
    )
    arn = world.orchestrator.deploy(
        step.environment, step.definition, tags=tags, create=step.create
    )
    world.publish(DeploymentStarted(step.environment.name, release.name, arn))


def adopt(step: AdoptDeployment, world: World) -> None:
    """Write down that a deployment, asked for by a run that died, is ours."""
    world.publish(DeploymentStarted(step.environment.name, step.release.name, step.deployment))


def watch(step: Watch, world: World) -> Outcome:
    """Watch a deployment to its end and write the end down; passed only when it succeeded.

    A deployment that succeeds is compared with the release at once: what is not the digest that
    was asked for is a failed verification, whatever ECS calls it.

    Raises:
        StoppedWatching: the environment's time-out is over; the deployment goes on.
        Interrupted, Terminated: a signal came first, with how to come back.
    """
    start = world.clock.monotonic()
    name = step.environment.name
    ended = attend(step.environment, step.deployment, world, what=step.release.name, ours=True)
    world.publish(
        DeploymentEnded(
            environment=name,
            release=step.release.name,
            deployment=step.deployment,
            outcome=ended.outcome.value,
            reason=ended.reason,
            seconds=round(world.clock.monotonic() - start, 3),
        )
    )
    if ended.outcome is DeploymentOutcome.SUCCEEDED:
        wrong = running_wrong(step.environment, step.release, world)
        if wrong:
            failed = Outcome.FAILED
            world.publish(VerificationEnded(name, step.release.name, failed.value, wrong))
            return failed
        return Outcome.PASSED
    return Outcome.FAILED
