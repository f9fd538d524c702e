"""What a rollout decision rests on, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shipway.local.ecs.deployment import RolloutState
from shipway.local.ecs.task_life import Fit, Fitness

if TYPE_CHECKING:
    from shipway.local.ecs.breaker import Breaker
    from shipway.local.ecs.deployment import Deployment, ServiceDeployment
    from shipway.local.ecs.model import Service, Task


@dataclass(frozen=True, slots=True)
class Member:
    """A live task of the service, the verdict on it, and when its containers were looked at."""

    task: Task
    fitness: Fitness
    seen_at: float

    @property
    def healthy(self) -> bool:
        """Whether the task counts."""
        return self.fitness.fit is Fit.HEALTHY

    def held(self, steady_s: float) -> bool:
        """Whether the task has counted for so long that others may rely on it.

        Judged at the moment of the last look, never later: on a busy machine a crash may be
        some seconds old before it is seen.
        """
        since = self.task.healthy_since
        return self.healthy and since is not None and self.seen_at - since >= steady_s


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop this task, saying why."""

    task_arn: str
    code: str
    reason: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a decision rests on.

    `fallen`: tasks that ended by themselves and were not accounted for. `occupied`: ids of the
    deployments that still have tasks in any state but STOPPED. `firing`: names of the alarms that
    are in ALARM now.
    """

    service: Service
    current: ServiceDeployment | None
    members: tuple[Member, ...]
    fallen: tuple[Task, ...]
    occupied: frozenset[str]
    now: float
    steady_s: float
    backoff_base_s: float
    backoff_max_s: float
    firing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of the service; `launches` says for which deployment how many tasks."""

    service: Service
    current: ServiceDeployment | None
    launches: tuple[tuple[str, int], ...]
    stops: tuple[Stop, ...]
    messages: tuple[str, ...]


@dataclass(slots=True)
class Draft:
    """The decision while it is being made."""

    service: Service
    current: ServiceDeployment | None
    breaker: Breaker
    now: float
    launches: dict[str, int] = field(default_factory=dict)
    stops: list[Stop] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def say(self, message: str) -> None:
        """Add a service event."""
        self.messages.append(f"(service {self.service.name}) {message}")

    def say_of_primary(self, message: str) -> None:
        """Add a service event about the primary deployment."""
        self.say(f"(deployment {self.service.primary.id}) {message}")

    def set_primary(self, primary: Deployment) -> None:
        """Put another record in the primary deployment's place."""
        rest = self.service.deployments[1:]
        self.service = replace(self.service, deployments=(primary, *rest))

    @property
    def rolling(self) -> bool:
        """Whether the primary deployment is in progress."""
        return self.service.primary.state is RolloutState.IN_PROGRESS
