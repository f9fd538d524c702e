"""One service's turn: gather what a decision rests on, let the rollout decide, follow it.

Knows how a decision becomes records. Refuses to know what a good deployment is (rollout) and how
tasks are really started and stopped (engine).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from shipway.local.ecs import rollout
from shipway.local.ecs.balancing import Target, TargetHealth
from shipway.local.ecs.model import Service, Task, TaskStatus
from shipway.local.ecs.situation import Decision, Member, Situation
from shipway.local.ecs.task_life import CRASHED, NOT_STARTED, Fit, Fitness, fitness
from shipway.local.ecs.traffic import direct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.local.ecs.names import Ids
    from shipway.local.ecs.ports import TaskSeen
    from shipway.local.ecs.settings import Settings
    from shipway.local.ecs.state import State
    from shipway.local.ecs.task_records import TaskRecords


class Hands(Protocol):
    """What steering needs of the engine, whose lock is held."""

    state: State
    settings: Settings
    ids: Ids
    records: TaskRecords

    @property
    def now(self) -> float:
        """The clock's time."""
        ...

    def say(self, service_arn: str, *messages: str) -> None:
        """Add service events."""
        ...

    def add_task(self, task: Task) -> None:
        """Take in a task that is to be started."""
        ...

    def stop_task(self, task: Task, code: str, reason: str) -> Task:
        """Ask a task to stop."""
        ...


class Steering:
    """Moves services on; keeps nothing itself."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._state = hands.state

    def decide(
        self,
        service: Service,
        seen: Mapping[str, TaskSeen],
        health: Mapping[str, TargetHealth],
    ) -> None:
        """Decide for `service` and make the decision's records."""
        tasks = self._state.tasks_of(service.arn)
        fallen = tuple(
            t for t in tasks if not t.accounted and t.stop_code in {CRASHED, NOT_STARTED}
        )
        settings = self._hands.settings
        situation = Situation(
            service=service,
            current=self._state.service_deployments.get(service.current or ""),
            members=self._members(tasks, service, seen, health),
            fallen=fallen,
            occupied=frozenset(
                t.started_by or "" for t in tasks if t.status is not TaskStatus.STOPPED
            ),
            now=self._hands.now,
            steady_s=settings.steady_s,
            backoff_base_s=settings.backoff_base_s,
            backoff_max_s=settings.backoff_max_s,
            firing=frozenset(
                alarm.name for alarm in self._state.alarms.values() if alarm.state == "ALARM"
            ),
        )
        decision = rollout.decide(situation, lambda: f"ecs-svc/{self._hands.ids.digits()}")
        for task in fallen:
            self._state.tasks[task.arn] = replace(task, accounted=True)
        self._follow(decision)

    def _members(
        self,
        tasks: list[Task],
        service: Service,
        seen: Mapping[str, TaskSeen],
        health: Mapping[str, TargetHealth],
    ) -> tuple[Member, ...]:
        return tuple(
            Member(self._note_health(task, verdict), verdict, looked_at)
            for task in tasks
            if task.live
            for verdict in (self._judge(task, service, health),)
            for looked_at in (seen[task.arn].seen_at if task.arn in seen else 0.0,)
        )

    def _follow(self, decision: Decision) -> None:
        service = rollout.restored(decision.service, self._state.revisions)
        self._state.services[service.arn] = service
        if decision.current is not None:
            known = self._state.service_deployments.get(decision.current.arn)
            self._state.service_deployments[decision.current.arn] = decision.current
            if known is None or known.position != decision.current.position:
                direct(self._state, decision.current)
        self._hands.say(service.arn, *decision.messages)
        for stop in decision.stops:
            task = self._state.tasks[stop.task_arn]
            stopped = self._hands.stop_task(task, stop.code, stop.reason)
            self._state.tasks[stop.task_arn] = replace(stopped, accounted=True)
        gone = [stop.task_arn for stop in decision.stops]
        if gone:
            names = " ".join(f"(task {arn.rsplit('/', 1)[-1]})" for arn in gone)
            text = f"(service {service.name}) has stopped {len(gone)} running tasks: {names}."
            self._hands.say(service.arn, text)
        for deployment_id, count in decision.launches:
            self._launch(service, deployment_id, count)
        self._finish_deletion(service)

    def _launch(self, service: Service, deployment_id: str, count: int) -> None:
        deployment = next(d for d in service.deployments if d.id == deployment_id)
        revision = self._state.revisions[deployment.revision_arn]
        started = []
        for _ in range(count):
            task = self._hands.records.new_task(
                revision.task_definition,
                service.cluster_arn,
                f"service:{service.name}",
                revision.config,
            )
            self._hands.add_task(
                replace(
                    task,
                    started_by=deployment_id,
                    service_arn=service.arn,
                    revision_arn=revision.arn,
                    tags=self._hands.records.propagated(service, revision.task_definition),
                )
            )
            started.append(f"(task {task.arn.rsplit('/', 1)[-1]})")
        names = " ".join(started)
        text = f"(service {service.name}) has started {count} tasks: {names}."
        self._hands.say(service.arn, text)

    def _finish_deletion(self, service: Service) -> None:
        left = any(t.status is not TaskStatus.STOPPED for t in self._state.tasks_of(service.arn))
        if service.status == "DRAINING" and not left:
            latest = self._state.services[service.arn]
            self._state.services[service.arn] = replace(latest, status="INACTIVE", deployments=())

    def _judge(self, task: Task, service: Service, health: Mapping[str, TargetHealth]) -> Fitness:
        own = {}
        for target in task.targets:
            key = Target(target.group_arn, target.host, target.port, 0.0).key
            if key in health:
                own[target.group_arn] = health[key]
        return fitness(
            task,
            own,
            checks_health=self._state.definitions[task.definition_arn].checks_health,
            settle_s=self._hands.settings.settle_s,
            grace_s=service.grace_s,
            now=self._hands.now,
        )

    def _note_health(self, task: Task, verdict: Fitness) -> Task:
        since = (task.healthy_since or self._hands.now) if verdict.fit is Fit.HEALTHY else None
        noted = replace(task, healthy_since=since)
        self._state.tasks[task.arn] = noted
        return noted
