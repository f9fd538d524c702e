"""A service to look after, in memory: what a test does not set is not there."""

from __future__ import annotations

from dataclasses import dataclass, field

from shipway.model.operations import (
    ContainerState,
    ExecPlace,
    ExecSession,
    LogEvent,
    LogPlace,
    ServiceEvent,
    TaskState,
)
from shipway.model.service import Environment


@dataclass
class FakeOperations:
    """`ports.operations.Operations`; each field is what the method of that meaning returns."""

    found: list[TaskState] = field(default_factory=list)
    said: list[ServiceEvent] = field(default_factory=list)
    places: list[LogPlace] = field(default_factory=list)
    written: list[LogEvent] = field(default_factory=list)

    def tasks(self, environment: Environment) -> tuple[TaskState, ...]:
        """Return the tasks."""
        del environment
        return tuple(self.found)

    def events(self, environment: Environment) -> tuple[ServiceEvent, ...]:
        """Return what ECS said, newest first."""
        del environment
        return tuple(self.said)

    def definition(self, environment: Environment) -> str:
        """Return a name for the definition."""
        return f"{environment.name}:1"

    def log_places(self, definition: str) -> tuple[LogPlace, ...]:
        """Return where containers log to."""
        del definition
        return tuple(self.places)

    def log_events(
        self, place: LogPlace, stream: str, *, since_ms: int, text: str
    ) -> tuple[LogEvent, ...]:
        """Return the events that were asked for, by time."""
        del place
        found = (
            event
            for event in self.written
            if event.at_ms >= since_ms and event.stream.startswith(stream) and text in event.text
        )
        return tuple(sorted(found, key=lambda event: event.at_ms))

    def last_lines(self, place: LogPlace, task_id: str, count: int) -> tuple[str, ...]:
        """Return the last lines of a task."""
        mine = [e.text for e in self.written if e.stream == place.stream(task_id)]
        return tuple(mine[-count:])

    def exec_place(self, environment: Environment, task: TaskState, container: str) -> ExecPlace:
        """Return a place that can be entered."""
        found = task.container(container) or ContainerState(container, "", "absent")
        return ExecPlace(environment.cluster, task, found, True, "role", False)  # noqa: FBT003 - facts

    def open_session(self, place: ExecPlace, command: str) -> ExecSession:
        """Return a session."""
        return ExecSession(f'{{"sessionId": "{command}"}}', place.task.id, "eu-central-1", "")
