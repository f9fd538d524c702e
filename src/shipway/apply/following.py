"""Follows deployments to their ends, many with the same requests, and tells each thing once.

Two requests are made at a tick, however many deployments are followed (ten; one more for each
further ten or twenty): one for the deployments, and at times one for what ECS says of their
services. Stopped tasks cost more, and are asked for only when the count of failures changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from shipway.apply.waiting import wait_for
from shipway.apply.world import World
from shipway.environments.health import Ended, Paused, Settling, verdict
from shipway.environments.pace import NEAR, intervals
from shipway.environments.stops import cause_of, is_trouble
from shipway.errors import AccessIsDenied, OutsideDidNotAnswer
from shipway.events.types import Warned
from shipway.events.watching import DeploymentMoved, DeploymentPaused, EcsSaid, TaskStopped
from shipway.model.lazy import dataclass
from shipway.model.observed import DeploymentArn, ObservedDeployment, ServiceEvent
from shipway.model.outcome import DeploymentOutcome
from shipway.model.service import Environment

EVENTS_EVERY = 10.0
"""Shortest intervals between two looks at what ECS says of the services."""

BACK_OFF = 32.0
"""Shortest intervals that pass at most between two looks which get no answer."""

JITTER = 0.2
"""So much more or less than the pace says, or a hundred watchers would all ask at once."""

TOLD_AFTER = 2
"""Lost looks in a row after which the silence is told, once."""

_WELL = frozenset({DeploymentOutcome.SUCCEEDED, DeploymentOutcome.SUPERSEDED})

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Watched:
    """A deployment that is followed, and where."""

    environment: Environment
    deployment: DeploymentArn


OnEnd = Callable[[Watched, Ended], None]


def follow(
    watched: tuple[Watched, ...], world: World, *, within_s: float, on_end: OnEnd
) -> tuple[Watched, ...]:
    """Follow deployments to their ends; return those that have not ended when the time is over.

    `on_end` is called once for each, after everything about it was told. A look that is lost
    never ends the wait: throttling and silence say nothing about a deployment.

    Raises:
        AccessIsDenied: this identity may not look at deployments.
    """
    watcher = _Watcher(watched, world, within_s, on_end)
    wait_for(
        watcher.tick,
        clock=world.clock,
        every_s=watcher.pause_s,
        within_s=within_s,
        on_silence=watcher.lost,
    )
    return tuple(f.watched for f in watcher.open)


class _Watcher:
    """The ticks: what is asked, and how soon again."""

    def __init__(
        self, watched: tuple[Watched, ...], world: World, within_s: float, on_end: OnEnd
    ) -> None:
        self._world, self._within_s, self._on_end = world, within_s, on_end
        self.open = [Follower(one, world) for one in watched]
        self._start = world.clock.monotonic()
        self._heard_at: float | None = None
        self._lost, self._lost_since, self._deaf = 0, 0.0, False

    def tick(self) -> bool | None:
        """Look at everything that is open; true when nothing is any more."""
        seen = self._world.orchestrator.look([f.watched.deployment for f in self.open])
        self._answered()
        ends: list[tuple[Follower, Ended]] = []
        for follower in self.open:
            now = seen.get(follower.watched.deployment)
            ended = follower.see(now) if now is not None else None
            if ended is not None:
                ends.append((follower, ended))
        ill = [follower for follower, ended in ends if ended.outcome not in _WELL]
        self._hear(self.open if self._is_time_to_hear() else ill)
        for follower, ended in ends:
            self.open.remove(follower)
            self._on_end(follower.watched, ended)
        return None if self.open else True

    def pause_s(self) -> float:
        """Return how long to wait now: no longer than the time that is left."""
        world = self._world
        pace = min((f.intervals() for f in self.open), default=NEAR)
        if self._lost:
            pace = max(pace, min(2.0**self._lost, BACK_OFF))
        pause_s = pace * world.poll_s * (1 - JITTER + 2 * JITTER * world.chance())
        left_s = self._within_s - (world.clock.monotonic() - self._start)
        return min(pause_s, left_s) if left_s > 0 else pause_s

    def lost(self, problem: OutsideDidNotAnswer) -> None:
        """Note that a look got no answer; the second in a row is told, and no further one."""
        self._lost += 1
        if self._lost == 1:
            self._lost_since = self._world.clock.monotonic()
        if self._lost == TOLD_AFTER:
            said = f"ECS does not answer, the deployment and the wait go on: {problem.message}"
            self._world.publish(Warned("", said))

    def _answered(self) -> None:
        if self._lost >= TOLD_AFTER:
            silent_s = self._world.clock.monotonic() - self._lost_since
            self._world.publish(Warned("", f"ECS answers again, after {silent_s:.0f} s"))
        self._lost = 0

    def _is_time_to_hear(self) -> bool:
        now = self._world.clock.monotonic()
        if self._heard_at is None or now - self._heard_at >= EVENTS_EVERY * self._world.poll_s:
            self._heard_at = now
            return True
        return False

    def _hear(self, followers: list[Follower]) -> None:
        """Ask what ECS says; whoever may not know that still learns the end."""
        if self._deaf or not followers:
            return
        try:
            said = self._world.orchestrator.said([f.watched.environment for f in followers])
        except AccessIsDenied as problem:
            self._deaf = True
            self._world.publish(Warned("", f"events of services are left out: {problem.message}"))
        except OutsideDidNotAnswer:
            self._heard_at = None  # with the next look
        else:
            for follower in followers:
                follower.hear(said.get(follower.watched.environment.name, ()))


class Follower:
    """What was told of one deployment, so that nothing is told twice."""

    def __init__(self, watched: Watched, world: World) -> None:
        self.watched, self._world = watched, world
        self._now: ObservedDeployment | None = None
        self._judged: Settling | Paused = Settling(doomed=False, sentence="")
        self._changed_at = world.clock.monotonic()
        self._moved: DeploymentMoved | None = None
        self._failures, self._blind = 0, False
        self._hooks: set[str] = set()
        self._tasks: set[str] = set()
        self._events: set[str] = set()

    def see(self, now: ObservedDeployment) -> Ended | None:
        """Tell what is new about the deployment; return its end, if that is it."""
        judged = verdict(now)
        if now != self._now:
            self._changed_at = self._world.clock.monotonic()
        self._now = now
        self._tell_move(now, judged)
        if isinstance(judged, Ended):
            if judged.outcome not in _WELL:
                self._tell_stopped_tasks(now)
            return judged
        self._judged = judged
        if isinstance(judged, Paused):
            self._tell_pause(judged)
        if now.failures != self._failures:
            self._tell_stopped_tasks(now)
        return None

    def hear(self, events: Iterable[ServiceEvent]) -> None:
        """Tell what ECS said since the deployment was made, by AWS's own clock on both sides."""
        since = self._now.moments.created if self._now is not None else None
        for event in events:
            if event.id in self._events or (since is not None and event.at < since):
                continue
            self._events.add(event.id)
            name, message = self.watched.environment.name, event.message
            self._world.publish(EcsSaid(name, message, trouble=is_trouble(message)))

    def intervals(self) -> float:
        """Return how many shortest intervals may pass before the next look."""
        if self._now is None:
            return NEAR
        calm_s = self._world.clock.monotonic() - self._changed_at
        return intervals(self._now, self._judged, calm_s)

    def _tell_move(self, now: ObservedDeployment, judged: Settling | Paused | Ended) -> None:
        target = now.target
        moved = DeploymentMoved(
            environment=self.watched.environment.name,
            status=now.status.value,
            running=now.running,
            desired=now.desired,
            failures=now.failures,
            sentence="" if isinstance(judged, Ended) else judged.sentence,
            strategy=now.kind.value,
            stage=now.stage.value if now.stage else "",
            weight=target.weight if target else None,
            test_weight=target.test_weight if target else None,
            threshold=now.threshold,
            alarms=now.alarms.names,
            alarms_fired=now.alarms.fired,
        )
        if moved != self._moved:
            self._moved = moved
            self._world.publish(moved)

    def _tell_pause(self, paused: Paused) -> None:
        hook, name = paused.hook, self.watched.environment.name
        if hook.id in self._hooks:
            return
        self._hooks.add(hook.id)
        self._world.publish(
            DeploymentPaused(
                environment=name,
                hook=hook.id,
                stage=hook.stage.value if hook.stage else "",
                expires_at=hook.expires_at,
                at_expiry=hook.at_expiry,
                goes_on=f"shipway continue {name}",
                goes_back=f"shipway continue {name} --rollback",
            )
        )

    def _tell_stopped_tasks(self, now: ObservedDeployment) -> None:
        """Capture why tasks stopped, while ECS and their logs still know."""
        if self._blind:
            return
        environment = self.watched.environment
        try:
            tasks = self._world.orchestrator.stopped_tasks(environment, self.watched.deployment)
        except AccessIsDenied as problem:
            self._blind = True
            said = f"why tasks stopped is left out: {problem.message}"
            self._world.publish(Warned(environment.name, said))
            return
        except OutsideDidNotAnswer:
            return  # with the next look
        self._failures = now.failures
        for task in tasks:
            if task.arn not in self._tasks:
                self._tasks.add(task.arn)
                self._world.publish(
                    TaskStopped(
                        environment=environment.name,
                        task=task.arn.rpartition("/")[2],
                        reason=task.reason,
                        exit_code=task.exit_code,
                        last_lines=task.last_lines,
                        cause=cause_of(task).value,
                        code=task.code,
                    )
                )
