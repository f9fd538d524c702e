"""The loop: observe the world, let the rollout decide, act on it through the ports.

Knows the order of things. Refuses to know what a good deployment is (rollout), what a container
is (runtime) and how anybody asks for anything (api). One lock guards the state; no port that may
block is called while it is held.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shipway.local.ecs.balancing import Layout, TargetHealth
from shipway.local.ecs.model import Event, Task, TaskStatus
from shipway.local.ecs.names import Arns, Ids
from shipway.local.ecs.ports import TaskSeen, TaskSpec
from shipway.local.ecs.registrations import Registrations
from shipway.local.ecs.steering import Steering
from shipway.local.ecs.task_life import (
    CRASHED,
    NOT_STARTED,
    asked_to_stop,
    ended,
    observed,
)
from shipway.local.ecs.task_records import TaskRecords

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.local.ecs.settings import Settings
    from shipway.local.ecs.state import State
    from shipway.local.ecs.world import World

EVENTS_KEPT = 100
"""ECS shows the last hundred service events."""


@dataclass(slots=True)
class _Acts:
    """What a step wants done, once the lock is released."""

    start: list[TaskSpec]
    stop: list[str]
    forget: list[str]


class Engine:
    """Moves the state on, step by step; `lock` must be held by whoever touches `state`."""

    def __init__(self, settings: Settings, world: World, state: State) -> None:
        self.settings = settings
        self.state = state
        self.lock = threading.RLock()
        self.ids = Ids(settings.seed)
        self.arns = Arns(settings.region, settings.account)
        self.wake = threading.Event()
        self.health: Mapping[str, TargetHealth] = {}
        self._world = world
        self.records = TaskRecords(state, self.ids, self.arns, lambda: self.now)
        self._registrations = Registrations(state, lambda: self.now, self.say)
        self._steering = Steering(self)
        self._layout = Layout()
        self._saved = -1
        self._stepping = threading.Lock()
        self._balancing = threading.Lock()

    @property
    def now(self) -> float:
        """The clock's time."""
        return self._world.clock.now()

    def recover(self) -> None:
        """After a restart: end the tasks of the former run; the rollout starts new ones."""
        with self.lock:
            for task in list(self.state.tasks.values()):
                if task.status is not TaskStatus.STOPPED:
                    stopped = asked_to_stop(
                        task, "TerminationNotice", "The local control plane restarted.", self.now
                    )
                    self._registrations.leave(stopped)
                    self.state.tasks[task.arn] = replace(ended(stopped, self.now), accounted=True)
            for key, target in list(self.state.targets.items()):
                if target.draining_since is not None:
                    del self.state.targets[key]

    def step(self) -> None:
        """Observe, decide, act once. Called by one loop; safe to call from others too."""
        with self._stepping:
            seen = self._world.runtime.observe()
            with self._balancing:
                health = self._world.balancer.health()
            with self.lock:
                self.health = health
                acts = self._advance(seen, health)
            self.balance()
            for arn in acts.stop:
                self._world.runtime.stop(arn)
            for arn in acts.forget:
                self._world.runtime.forget(arn)
            for spec in acts.start:
                self._world.runtime.start(spec)
            self.save()

    def balance(self) -> None:
        """Tell the balancer the layout, when it differs from the last one told."""
        with self._balancing:
            with self.lock:
                state = self.state
                layout = Layout(
                    tuple(state.target_groups.values()),
                    tuple(state.listeners.values()),
                    tuple(state.rules.values()),
                    tuple(state.targets.values()),
                )
            if layout != self._layout:
                self._world.balancer.apply(layout)
                self._layout = layout

    def claim_port(self, port: int) -> str | None:
        """Return why a listener cannot have `port`, or None."""
        return self._world.balancer.claim(port)

    def save(self) -> None:
        """Save the state when it has changed since the last save."""
        with self.lock:
            if self.state.changes != self._saved:
                self._world.store.save(self.state)
                self._saved = self.state.changes

    def say(self, service_arn: str, *messages: str) -> None:
        """Add service events, newest first, each with an id of its own."""
        service = self.state.services[service_arn]
        fresh = tuple(Event(self.ids.uuid(), self.now, text) for text in reversed(messages))
        self.state.services[service_arn] = replace(
            service, events=(fresh + service.events)[:EVENTS_KEPT]
        )

    def add_task(self, task: Task) -> None:
        """Take in a task that is to be started at the next step."""
        self.state.tasks[task.arn] = task
        self.wake.set()

    def stop_task(self, task: Task, code: str, reason: str) -> Task:
        """Ask a task to stop; return its record as it is now."""
        stopping = asked_to_stop(task, code, reason, self.now)
        self.state.tasks[task.arn] = stopping
        if stopping is not task:
            self._registrations.deregister(stopping)
        self.wake.set()
        return stopping

    def _advance(self, seen: Mapping[str, TaskSeen], health: Mapping[str, TargetHealth]) -> _Acts:
        acts = _Acts([], [], [])
        for task in list(self.state.tasks.values()):
            if task.arn in seen:
                self._see(task, seen[task.arn])
        for service in list(self.state.services.values()):
            if service.status != "INACTIVE":
                self._steering.decide(service, seen, health)
        self._registrations.drain(health, self.settings.drain_settle_s)
        for task in list(self.state.tasks.values()):
            self._act_on(task, seen, acts)
        return acts

    def _see(self, task: Task, seen: TaskSeen) -> None:
        now_task = observed(task, seen, self.now)
        if now_task == task:
            return
        self.state.tasks[task.arn] = now_task
        if now_task.stop_code in {CRASHED, NOT_STARTED}:
            self._registrations.leave(now_task)
        elif now_task.status is TaskStatus.RUNNING and task.status is not TaskStatus.RUNNING:
            self._registrations.register(now_task)

    def _act_on(self, task: Task, seen: Mapping[str, TaskSeen], acts: _Acts) -> None:
        """Turn a task's wanted state into calls of the runtime; each call is safe to repeat."""
        known = task.arn in seen
        if task.live and not known and task.status is TaskStatus.PROVISIONING:
            acts.start.append(self.records.spec(task))
        elif task.status is TaskStatus.DEACTIVATING and not self._registrations.has_targets(task):
            self.state.tasks[task.arn] = replace(task, status=TaskStatus.STOPPING)
            acts.stop.append(task.arn)
        elif task.status is TaskStatus.STOPPING:
            if known:
                acts.stop.append(task.arn)
            else:
                self.state.tasks[task.arn] = ended(task, self.now)
        elif task.status is TaskStatus.STOPPED:
            if known:
                acts.forget.append(task.arn)
            elif self.now - (task.stopped_at or 0.0) > self.settings.stopped_visible_s:
                del self.state.tasks[task.arn]
