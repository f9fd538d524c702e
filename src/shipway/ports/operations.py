"""What a person who looks after a service may ask for. A part of `shipway.ports`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # for annotations alone: not every command pays for loading them
    from shipway.model.examined import Examined
    from shipway.model.live import LiveService
    from shipway.model.operations import (
        ExecPlace,
        ExecSession,
        LogEvent,
        LogPlace,
        ServiceEvent,
        TaskState,
    )
    from shipway.model.scaling import Capacity
    from shipway.model.service import Environment


class Operations(Protocol):
    """A service's tasks and their output, for people; nothing here changes what runs.

    Raises everywhere:
        WrongUsage: there is no such ECS service.
    """

    def tasks(self, environment: Environment) -> tuple[TaskState, ...]:
        """Return all tasks, however many, in no order; stopped ones for as long as ECS knows."""

    def events(self, environment: Environment) -> tuple[ServiceEvent, ...]:
        """Return what ECS said about the service, newest first; at most a hundred."""

    def definition(self, environment: Environment) -> str:
        """Return the ARN of the task definition that the service wants to run."""

    def log_places(self, definition: str) -> tuple[LogPlace, ...]:
        """Return where each container of a task definition logs to, in its order."""

    def log_events(
        self, place: LogPlace, stream: str, *, since_ms: int, text: str
    ) -> tuple[LogEvent, ...]:
        """Return every event since then (inclusive) of the streams that begin so, by time.

        `text` restricts it to events that contain it, when not empty. A group that does not exist
        has no events.
        """

    def last_lines(self, place: LogPlace, task_id: str, count: int) -> tuple[str, ...]:
        """Return the last lines that a task wrote there; empty where nothing is to be had."""

    def exec_place(self, environment: Environment, task: TaskState, container: str) -> ExecPlace:
        """Return what ECS Exec needs to know of a task's container; the first when not named so."""

    def open_session(self, place: ExecPlace, command: str) -> ExecSession:
        """Ask ECS to run a command in a container; not repeatable, each call is a session.

        Raises:
            WrongUsage: ECS says that the container cannot be entered.
        """


class Scaling(Protocol):
    """The number of tasks of a service, and what else decides on it.

    Raises everywhere:
        WrongUsage: there is no such ECS service.
    """

    def capacity(self, environment: Environment) -> Capacity:
        """Return how many tasks there are, and the scalable target where there is one."""

    def set_bounds(self, environment: Environment, minimum: int, maximum: int) -> None:
        """Move the bounds of autoscaling. Repeatable; all else of the scalable target stays."""

    def set_count(self, environment: Environment, count: int) -> None:
        """Ask for a number of tasks, in a request that changes nothing else. Repeatable."""


class Examination(Protocol):
    """A thorough look at an environment that changes nothing and reads no secret value."""

    def examine(self, environment: Environment) -> Examined | None:
        """Return what is to be seen; None where there is no service.

        A look that AWS refuses leaves its facts out and is named in `blind`; only the service
        itself must be seen.
        """


class LiveServices(Protocol):
    """Services that run already, whoever made them."""

    def live(self, cluster: str, name: str) -> LiveService:
        """Return a service, whole. Only reads.

        Raises:
            WrongUsage: there is none of that name.
        """
