"""The loop: observe the world, let the rollout decide, act on it through the ports.

Knows the order of things. Refuses to know what a good deployment is (rollout), what a container
is (runtime) and how anybody asks for anything (api). One lock guards the state; no port that may
block is called while it is held.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shipway.local.ecs import rollout
from shipway.local.ecs.balancing import Layout, Target, TargetHealth
from shipway.local.ecs.model import Event, Service, Task, TaskStatus
from shipway.local.ecs.names import Arns, Ids
from shipway.local.ecs.ports import TaskSeen, TaskSpec
from shipway.local.ecs.registrations import Registrations
from shipway.local.ecs.situation import Decision, Member, Situation
from shipway.local.ecs.task_life import (
    CRASHED,
    NOT_STARTED,
    Fit,
    Fitness,
    asked_to_stop,
    ended,
    fitness,
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
                self._decide(service, seen, health)
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

    def _decide(
        self,
        service: Service,
        seen: Mapping[str, TaskSeen],
        health: Mapping[str, TargetHealth],
    ) -> None:
        tasks = self.state.tasks_of(service.arn)
        members = tuple(
            Member(self._note_health(task, verdict), verdict, looked_at)
            for task in tasks
            if task.live
            for verdict in (self._judge(task, service, health),)
            for looked_at in (seen[task.arn].seen_at if task.arn in seen else 0.0,)
        )
        fallen = tuple(
            t for t in tasks if not t.accounted and t.stop_code in {CRASHED, NOT_STARTED}
        )
        situation = Situation(
            service=service,
            current=self.state.service_deployments.get(service.current or ""),
            members=members,
            fallen=fallen,
            occupied=frozenset(
                t.started_by or "" for t in tasks if t.status is not TaskStatus.STOPPED
            ),
            now=self.now,
            steady_s=self.settings.steady_s,
            backoff_base_s=self.settings.backoff_base_s,
            backoff_max_s=self.settings.backoff_max_s,
        )
        decision = rollout.decide(situation, lambda: f"ecs-svc/{self.ids.digits()}")
        for task in fallen:
            self.state.tasks[task.arn] = replace(task, accounted=True)
        self._follow(decision)

    def _follow(self, decision: Decision) -> None:
        service = rollout.restored(decision.service, self.state.revisions)
        self.state.services[service.arn] = service
        if decision.current is not None:
            self.state.service_deployments[decision.current.arn] = decision.current
        self.say(service.arn, *decision.messages)
        for stop in decision.stops:
            stopped = self.stop_task(self.state.tasks[stop.task_arn], stop.code, stop.reason)
            self.state.tasks[stop.task_arn] = replace(stopped, accounted=True)
        gone = [stop.task_arn for stop in decision.stops]
        if gone:
            names = " ".join(f"(task {arn.rsplit('/', 1)[-1]})" for arn in gone)
            text = f"(service {service.name}) has stopped {len(gone)} running tasks: {names}."
            self.say(service.arn, text)
        if decision.launches:
            self._launch(service, decision.launches)
        self._finish_deletion(service)

    def _launch(self, service: Service, count: int) -> None:
        revision = self.state.revisions[service.primary.revision_arn]
        started = []
        for _ in range(count):
            task = self.records.new_task(
                revision.task_definition,
                service.cluster_arn,
                f"service:{service.name}",
                revision.config,
            )
            self.add_task(
                replace(
                    task,
                    started_by=service.primary.id,
                    service_arn=service.arn,
                    revision_arn=revision.arn,
                    tags=self.records.propagated(service, revision.task_definition),
                )
            )
            started.append(f"(task {task.arn.rsplit('/', 1)[-1]})")
        names = " ".join(started)
        self.say(service.arn, f"(service {service.name}) has started {count} tasks: {names}.")

    def _finish_deletion(self, service: Service) -> None:
        left = any(t.status is not TaskStatus.STOPPED for t in self.state.tasks_of(service.arn))
        if service.status == "DRAINING" and not left:
            latest = self.state.services[service.arn]
            self.state.services[service.arn] = replace(latest, status="INACTIVE", deployments=())

    def _judge(self, task: Task, service: Service, health: Mapping[str, TargetHealth]) -> Fitness:
        own = {}
        for target in task.targets:
            key = Target(target.group_arn, target.host, target.port, 0.0).key
            if key in health:
                own[target.group_arn] = health[key]
        return fitness(
            task,
            own,
            checks_health=self.state.definitions[task.definition_arn].checks_health,
            settle_s=self.settings.settle_s,
            grace_s=service.grace_s,
            now=self.now,
        )

    def _note_health(self, task: Task, verdict: Fitness) -> Task:
        since = (task.healthy_since or self.now) if verdict.fit is Fit.HEALTHY else None
        noted = replace(task, healthy_since=since)
        self.state.tasks[task.arn] = noted
        return noted

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
