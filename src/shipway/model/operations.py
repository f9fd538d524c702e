"""What people look at who look after a service: its tasks, and what they wrote; facts only."""

from __future__ import annotations

from shipway.model.lazy import dataclass
from shipway.model.release import Digest


@dataclass(frozen=True, slots=True)
class ContainerState:
    """One container of a task, as ECS describes it.

    `digest` is absent until ECS has resolved the image, `exit_code` until it ended. `reason` is
    ECS's own and may be empty. `agent` is the status of the agent for ECS Exec, empty where the
    task has none. `at` is where it listens, `address:port`, empty where nobody knows.
    """

    name: str
    image: str
    status: str
    digest: Digest | None = None
    health: str = "UNKNOWN"
    exit_code: int | None = None
    reason: str = ""
    runtime_id: str = ""
    agent: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class TaskState:
    """One task, as ECS describes it; all moments in seconds since the epoch by AWS's own clock.

    `stop_code` and `reason` are ECS's own words, empty while it runs. `definition` is the ARN of
    its task definition; `exec_enabled` whether ECS Exec was on when it started.
    """

    arn: str
    status: str
    desired: str
    definition: str
    health: str = "UNKNOWN"
    created_at: float | None = None
    started_at: float | None = None
    stopped_at: float | None = None
    stop_code: str = ""
    reason: str = ""
    ip: str = ""
    zone: str = ""
    exec_enabled: bool = False
    containers: tuple[ContainerState, ...] = ()

    @property
    def id(self) -> str:
        """The last part of its ARN, by which people name it."""
        return self.arn.rpartition("/")[2]

    def container(self, name: str) -> ContainerState | None:
        """Return the container of that name, else the first; None where ECS tells of none."""
        named = next((c for c in self.containers if c.name == name), None)
        return named or (self.containers[0] if self.containers else None)


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """One of the last hundred sentences that ECS said about a service; `at` as in TaskState."""

    id: str
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Where the output of one container goes.

    `driver` is the log driver; the rest is empty unless it is `awslogs`. `prefix` is empty where
    the streams do not carry the task's id.
    """

    container: str
    driver: str
    group: str = ""
    region: str = ""
    prefix: str = ""

    def stream(self, task_id: str = "") -> str:
        """Return the name of a task's stream, or what the names of all its streams begin with.

        Source: Amazon ECS Developer Guide, awslogs: `prefix-name/container-name/ecs-task-id`.
        """
        return f"{self.prefix}/{self.container}/{task_id}" if self.prefix else ""


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event of CloudWatch Logs; `at_ms` in milliseconds since the epoch, `id` its own."""

    id: str
    at_ms: int
    stream: str
    text: str

    @property
    def task_id(self) -> str:
        """The task that wrote it, from the name of its stream."""
        return self.stream.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class ExecPlace:
    """A container that somebody wants to enter, and what ECS Exec needs of it.

    `service_enabled` is the service's `enableExecuteCommand`; `task_role` is empty where the task
    definition has none.
    """

    cluster: str
    task: TaskState
    container: ContainerState
    service_enabled: bool
    task_role: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class ExecSession:
    """What ExecuteCommand answered, as `session-manager-plugin` takes it: JSON, region, end point.

    `session` holds a token: it is handed on, never shown.
    """

    session: str
    request: str
    region: str
    endpoint: str
