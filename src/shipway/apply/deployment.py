"""Asks ECS for a deployment once, and watches our own one to its end."""

from __future__ import annotations

from shipway.apply.verification import running_wrong
from shipway.apply.waiting import wait_for
from shipway.apply.world import World
from shipway.environments.health import Ended, verdict
from shipway.environments.plan import state_of
from shipway.errors import PlanIsStale, StoppedWatching
from shipway.events.types import (
    DeploymentEnded,
    DeploymentMoved,
    DeploymentRequested,
    DeploymentStarted,
    TaskStopped,
    VerificationEnded,
)
from shipway.model.observed import ObservedDeployment
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
    """
    start = world.clock.monotonic()
    watcher = _Watcher(step, world)
    ended = wait_for(
        watcher.look, clock=world.clock, every_s=world.poll_s, within_s=step.environment.timeout_s
    )
    name = step.environment.name
    if ended is None:
        raise StoppedWatching(
            f"{step.release.name} is still rolling out after {step.environment.timeout_s:g} s",
            where=name,
            hint="the deployment goes on; the same command watches it again",
        )
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


class _Watcher:
    """Looks at one deployment and tells each thing once."""

    def __init__(self, step: Watch, world: World) -> None:
        self._step, self._world = step, world
        self._last: ObservedDeployment | None = None
        self._told: set[str] = set()

    def look(self) -> Ended | None:
        step, world = self._step, self._world
        now = world.orchestrator.deployment(step.deployment)
        if now != self._last:
            moved = DeploymentMoved(
                environment=step.environment.name,
                status=now.status.value,
                running=now.running,
                desired=now.desired,
                failures=now.failures,
            )
            world.publish(moved)
        judged = verdict(now)
        if now.failures and (self._last is None or now.failures != self._last.failures):
            self._tell_stopped_tasks()
        self._last = now
        return judged if isinstance(judged, Ended) else None

    def _tell_stopped_tasks(self) -> None:
        step, world = self._step, self._world
        for task in world.orchestrator.stopped_tasks(step.environment, step.deployment):
            if task.arn not in self._told:
                self._told.add(task.arn)
                world.publish(
                    TaskStopped(
                        environment=step.environment.name,
                        task=task.arn.rpartition("/")[2],
                        reason=task.reason,
                        exit_code=task.exit_code,
                        last_lines=task.last_lines,
                    )
                )
