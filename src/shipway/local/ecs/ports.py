"""What the control plane needs of the world: something that runs tasks, secrets, a log sink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from shipway.local.ecs.model import Health, PortBinding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipway.local.ecs.document import JsonObject


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A task to run: its definition with overrides already applied."""

    arn: str
    family: str
    definition: JsonObject
    service: str | None


@dataclass(frozen=True, slots=True)
class ContainerSeen:
    """A container as observed; `exit_code` once it has ended."""

    name: str
    status: str
    runtime_id: str | None = None
    digest: str | None = None
    exit_code: int | None = None
    reason: str | None = None
    health: Health = Health.UNKNOWN
    ports: tuple[PortBinding, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """A task as observed.

    `stopped` only when every container has ended and its last log line has been delivered.
    `start_failure` says why the task could not start, in ECS's words. `seen_at` is when the look
    began: nothing may be concluded for any later moment.
    """

    containers: tuple[ContainerSeen, ...] = ()
    running: bool = False
    stopped: bool = False
    start_failure: str | None = None
    pull_started_at: float | None = None
    pull_stopped_at: float | None = None
    seen_at: float = 0.0


class TaskRuntime(Protocol):
    """Runs tasks. No call blocks for long: outcomes show up in `observe`."""

    def open(self, wake: Callable[[], None]) -> None:
        """Begin; `wake` may be called from any thread when an observation changed."""
        ...

    def start(self, task: TaskSpec) -> None:
        """Begin to start the task's containers; failure is an observation, never an exception."""
        ...

    def stop(self, task_arn: str) -> None:
        """SIGTERM, then SIGKILL after each container's stopTimeout; safe to repeat."""
        ...

    def observe(self) -> Mapping[str, TaskSeen]:
        """Return the latest facts of all tasks not forgotten, by task ARN."""
        ...

    def forget(self, task_arn: str) -> None:
        """Remove what is left of a stopped task; safe to repeat."""
        ...

    def close(self, timeout_s: float) -> None:
        """Stop everything, granting `timeout_s` after SIGTERM; leaves no container or thread."""
        ...


class SecretResolver(Protocol):
    """Turns a `valueFrom` into a value."""

    def resolve(self, value_from: str) -> str:
        """Return the value; raise LookupError when there is none (the task then fails to start)."""
        ...


class LogSink(Protocol):
    """Takes log lines; calls come from many threads, in order within a stream."""

    def write(self, group: str, stream: str, timestamp_ms: int, line: str) -> None:
        """Take one line, without its newline. Must not raise."""
        ...


class NoSecrets:
    """A resolver that has nothing."""

    def resolve(self, value_from: str) -> str:
        """Raise LookupError, always."""
        raise LookupError(f"no secret {value_from}")
