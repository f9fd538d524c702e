"""Scripted tasks and targets: a thirty-minute deployment in milliseconds, the same each time.

What a task does follows from its image's `Script`. `VirtualBalancer` judges targets by the same
scripts, so the rollout sees what it would see from containers behind a real load balancer.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shipway.local.ecs.balancing import Layout, TargetHealth, TargetState
from shipway.local.ecs.model import Health, PortBinding
from shipway.local.ecs.ports import ContainerSeen, TaskSeen, TaskSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipway.local.ecs.clock import Clock

PORTS_PER_TASK = 100
NO_CAPACITY = (
    "Capacity is unavailable at this time. Please try again later or in a different "
    "availability zone"
)
"""What a Fargate task's `stoppedReason` says when there is no place for it."""


@dataclass(frozen=True, slots=True)
class Script:
    """How tasks of an image behave; times in seconds, each counted from RUNNING but `start_s`.

    `healthy_after_s` None: never healthy, and unhealthy after `unhealthy_after_s`.
    `sick_after_s`: healthy first, unhealthy from then on. `no_capacity`: there is never a place
    for the task. `ignores_sigterm`: ends only by SIGKILL, after the container's stopTimeout.
    """

    start_s: float = 1.0
    healthy_after_s: float | None = 0.5
    unhealthy_after_s: float = 10.0
    exit_after_s: float | None = None
    exit_code: int = 1
    cannot_pull: bool = False
    no_capacity: bool = False
    sick_after_s: float | None = None
    health_status: int = 500
    drain_s: float = 0.0
    ignores_sigterm: bool = False


@dataclass(slots=True)
class _Run:
    spec: TaskSpec
    script: Script
    asked_at: float
    first_port: int
    killed_at: float | None = None
    stop_at: float | None = None
    exit_code: int | None = field(default=None)

    @property
    def running_at(self) -> float:
        return self.asked_at + self.script.start_s

    @property
    def end_at(self) -> float:
        ends = [self.stop_at, self.killed_at]
        if self.script.exit_after_s is not None:
            ends.append(self.running_at + self.script.exit_after_s)
        return min((e for e in ends if e is not None), default=math.inf)

    def health(self, now: float) -> Health:
        """Return what a check of the application finds at `now`."""
        age, script = now - self.running_at, self.script
        if script.healthy_after_s is None:
            return Health.UNHEALTHY if age >= script.unhealthy_after_s else Health.UNKNOWN
        if script.sick_after_s is not None and age >= script.sick_after_s:
            return Health.UNHEALTHY
        return Health.HEALTHY if age >= script.healthy_after_s else Health.UNKNOWN

    @property
    def start_failure(self) -> str | None:
        """Why the task never starts, in ECS's words, or None."""
        if self.script.no_capacity:
            return NO_CAPACITY
        if not self.script.cannot_pull:
            return None
        image = self.spec.definition["containerDefinitions"][0]["image"]
        return (
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
            f"failed to resolve ref {image}: not found"
        )


class VirtualRuntime:
    """Runs scripted tasks on a virtual clock; unknown images behave well (`Script()`)."""

    def __init__(self, clock: Clock, scripts: Mapping[str, Script] | None = None) -> None:
        self.scripts = dict(scripts or {})
        self.busy = False
        """Whether the machine has no time to look: what was seen last is all that is known."""
        self.capacity: int | None = None
        """How many tasks there is a place for; None for any number."""
        self._clock = clock
        self._last: Mapping[str, TaskSeen] = {}
        self._runs: dict[str, _Run] = {}
        self._next_port = 20000

    def open(self, wake: Callable[[], None]) -> None:
        """Nothing to open: observations are computed when asked for."""
        del wake

    def start(self, task: TaskSpec) -> None:
        """Begin the script of the first container's image."""
        image = task.definition["containerDefinitions"][0]["image"]
        script = self.scripts.get(image, Script())
        if self.capacity is not None and len(self._alive()) >= self.capacity:
            script = replace(script, no_capacity=True)
        self._runs[task.arn] = _Run(task, script, self._clock.now(), self._next_port)
        self._next_port += PORTS_PER_TASK

    def stop(self, task_arn: str) -> None:
        """End the task, now or after its stopTimeout."""
        run = self._runs.get(task_arn)
        if run is None or run.stop_at is not None:
            return
        first = run.spec.definition["containerDefinitions"][0]
        patience = float(first.get("stopTimeout", 30)) if run.script.ignores_sigterm else 0.2
        run.stop_at = self._clock.now() + patience

    def kill(self, task_arn: str, exit_code: int = 137) -> None:
        """Make the task's containers die now, as if something outside had killed them."""
        run = self._runs[task_arn]
        run.killed_at, run.exit_code = self._clock.now(), exit_code

    def observe(self) -> Mapping[str, TaskSeen]:
        """Return what each script says for this moment, or said when there last was time."""
        if not self.busy:
            now = self._clock.now()
            self._last = {
                arn: replace(self._seen(run), seen_at=now) for arn, run in self._runs.items()
            }
        return self._last

    def forget(self, task_arn: str) -> None:
        """Drop the run."""
        self._runs.pop(task_arn, None)

    def close(self, timeout_s: float) -> None:
        """Drop all runs."""
        del timeout_s
        self._runs.clear()

    def next_change(self) -> float:
        """Return the next moment at which an observation will differ; infinity if none."""
        now = self._clock.now()
        moments = [
            moment
            for run in self._runs.values()
            for moment in (
                run.running_at,
                run.end_at,
                run.running_at + (run.script.healthy_after_s or 0.0),
                run.running_at + run.script.unhealthy_after_s,
                run.running_at + (run.script.sick_after_s or 0.0),
            )
            if moment > now
        ]
        return min(moments, default=math.inf)

    def target(self, port: int) -> TargetHealth:
        """Return the health of the task that listens on `port`."""
        run = self._on(port)
        now = self._clock.now()
        if run is None or now >= run.end_at:
            return TargetHealth(
                TargetState.UNHEALTHY, "Target.FailedHealthChecks", "Health checks failed"
            )
        script = run.script
        health = run.health(now)
        if health is Health.HEALTHY:
            return TargetHealth(TargetState.HEALTHY)
        if health is Health.UNHEALTHY:
            return TargetHealth(
                TargetState.UNHEALTHY,
                "Target.ResponseCodeMismatch",
                f"Health checks failed with these codes: [{script.health_status}]",
            )
        return TargetHealth(TargetState.INITIAL, "Elb.InitialHealthChecking")

    def drain_s(self, port: int) -> float:
        """Return how long the task on `port` keeps its sessions when it is drained."""
        run = self._on(port)
        return run.script.drain_s if run is not None else 0.0

    def _alive(self) -> list[_Run]:
        now = self._clock.now()
        return [r for r in self._runs.values() if r.start_failure is None and now < r.end_at]

    def _on(self, port: int) -> _Run | None:
        runs = self._runs.values()
        return next((r for r in runs if 0 <= port - r.first_port < PORTS_PER_TASK), None)

    def _seen(self, run: _Run) -> TaskSeen:
        now = self._clock.now()
        definitions = run.spec.definition["containerDefinitions"]
        if run.start_failure is not None:
            done = now >= run.running_at
            return TaskSeen(start_failure=run.start_failure if done else None, stopped=done)
        if now < run.running_at:
            stopped = run.stop_at is not None and now >= run.stop_at
            return TaskSeen(pull_started_at=run.asked_at, stopped=stopped)
        over = now >= run.end_at
        containers = tuple(
            self._container(run, index, over=over) for index in range(len(definitions))
        )
        return TaskSeen(
            containers=containers,
            running=not over,
            stopped=over,
            pull_started_at=run.asked_at,
            pull_stopped_at=run.running_at,
        )

    def _container(self, run: _Run, index: int, *, over: bool) -> ContainerSeen:
        definition = run.spec.definition["containerDefinitions"][index]
        ports = tuple(
            PortBinding(p["containerPort"], run.first_port + 10 * index + n)
            for n, p in enumerate(definition.get("portMappings", ()))
        )
        by_itself = run.stop_at is None or run.end_at < run.stop_at
        code = run.exit_code if run.exit_code is not None else run.script.exit_code
        return ContainerSeen(
            name=definition["name"],
            status="STOPPED" if over else "RUNNING",
            runtime_id=hashlib.sha256(f"{run.spec.arn}{index}".encode()).hexdigest(),
            digest="sha256:" + hashlib.sha256(definition["image"].encode()).hexdigest(),
            exit_code=(code if by_itself else 143) if over else None,
            health=self._health(run) if definition.get("healthCheck") else Health.UNKNOWN,
            ports=ports,
        )

    def _health(self, run: _Run) -> Health:
        return run.health(self._clock.now())


class VirtualBalancer:
    """Moves no request; says of each target what its script says."""

    def __init__(self, runtime: VirtualRuntime, clock: Clock) -> None:
        self.layout = Layout()
        self._runtime = runtime
        self._clock = clock

    def start(self) -> None:
        """Nothing to start."""

    def apply(self, layout: Layout) -> None:
        """Remember the layout."""
        self.layout = layout

    def health(self) -> Mapping[str, TargetHealth]:
        """Return each target's scripted health; a draining one keeps its sessions for a while."""
        return {
            target.key: self._runtime.target(target.port)
            if target.draining_since is None
            else self._draining(target.port, target.draining_since)
            for target in self.layout.targets
        }

    def claim(self, port: int) -> str | None:
        """Grant any port."""
        del port
        return None

    def close(self) -> None:
        """Nothing to close."""

    def _draining(self, port: int, since: float) -> TargetHealth:
        busy = self._clock.now() - since < self._runtime.drain_s(port)
        return TargetHealth(TargetState.DRAINING, sessions=int(busy))
