"""Tasks as targets: registered when they run, drained when they are stopped, dropped when dead."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shipway.local.ecs.balancing import Target, TargetHealth, TargetState
from shipway.local.ecs.model import Task, TaskTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipway.local.ecs.state import State


class Registrations:
    """Keeps the target records in step with the tasks; its caller holds the engine's lock."""

    def __init__(
        self, state: State, now: Callable[[], float], say: Callable[[str, str], None]
    ) -> None:
        self._state = state
        self._now = now
        self._say = say

    def register(self, task: Task) -> None:
        """Register the task's ports in its service's target groups."""
        if task.revision_arn is None or task.service_arn is None:
            return
        targets = []
        revision = self._state.revisions[task.revision_arn]
        for balanced, group in zip(revision.load_balancers, revision.target_groups, strict=True):
            port = _host_port(task, balanced.get("containerName"), balanced.get("containerPort"))
            if group in self._state.target_groups and port is not None:
                targets.append(TaskTarget(group, "127.0.0.1", port))
        self._state.tasks[task.arn] = replace(task, targets=tuple(targets))
        for target in targets:
            record = Target(target.group_arn, target.host, target.port, self._now())
            self._state.targets[record.key] = record
            name = self._state.services[task.service_arn].name
            where = f"(target-group {target.group_arn})"
            self._say(task.service_arn, f"(service {name}) registered 1 targets in {where}")

    def deregister(self, task: Task) -> None:
        """Let the task's targets drain."""
        for target in task.targets:
            key = Target(target.group_arn, target.host, target.port, 0.0).key
            record = self._state.targets.get(key)
            if record is not None and record.draining_since is None:
                self._state.targets[key] = replace(record, draining_since=self._now())
        if task.targets and task.service_arn is not None:
            name = self._state.services[task.service_arn].name
            text = f"(service {name}) has begun draining connections on 1 tasks."
            self._say(task.service_arn, text)

    def leave(self, task: Task) -> None:
        """Drop the task's targets at once: there is nothing left to drain."""
        for target in task.targets:
            key = Target(target.group_arn, target.host, target.port, 0.0).key
            if key in self._state.targets:
                del self._state.targets[key]

    def drain(self, health: Mapping[str, TargetHealth], settle_s: float) -> None:
        """Remove draining targets that are idle, or whose delay is over."""
        for key, target in list(self._state.targets.items()):
            if target.draining_since is None:
                continue
            seen = health.get(key)
            busy = seen is not None and (
                seen.sessions > 0 or seen.state is not TargetState.DRAINING
            )
            idle_since = None if busy else (target.idle_since or self._now())
            group = self._state.target_groups.get(target.group_arn)
            delay = group.deregistration_delay_s if group else 0.0
            over = self._now() - target.draining_since >= delay
            idle = idle_since is not None and self._now() - idle_since >= settle_s
            if over or idle:
                del self._state.targets[key]
            else:
                self._state.targets[key] = replace(target, idle_since=idle_since)

    def has_targets(self, task: Task) -> bool:
        """Return whether a target of the task is still registered or draining."""
        return any(
            Target(t.group_arn, t.host, t.port, 0.0).key in self._state.targets
            for t in task.targets
        )


def _host_port(task: Task, container: object, port: object) -> int | None:
    return next(
        (
            binding.host_port
            for seen in task.containers
            if seen.name == container
            for binding in seen.ports
            if binding.container_port == port
        ),
        None,
    )
