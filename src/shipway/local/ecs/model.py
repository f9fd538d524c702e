"""The state records of the ECS side: frozen; a change is a new record.

Knows names and relations. Refuses to know how a state is reached (rollout) or spoken (wire).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from shipway.local.ecs.deployment import Deployment
from shipway.local.ecs.document import JsonObject


class TaskStatus(StrEnum):
    """`lastStatus` of a task (ECS task lifecycle); the order is the order of life."""

    PROVISIONING = "PROVISIONING"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DEACTIVATING = "DEACTIVATING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"


class Health(StrEnum):
    """A container's or task's `healthStatus`."""

    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster; `document` keeps settings and configuration as given."""

    arn: str
    name: str
    status: str
    document: JsonObject
    tags: tuple[JsonObject, ...]


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """One revision of a family; `document` is what was registered, unchanged."""

    arn: str
    family: str
    revision: int
    status: str
    document: JsonObject
    tags: tuple[JsonObject, ...]
    registered_at: float
    deregistered_at: float | None = None

    @property
    def containers(self) -> list[JsonObject]:
        """The container definitions, in order; never empty."""
        containers: list[JsonObject] = self.document["containerDefinitions"]
        return containers

    @property
    def checks_health(self) -> bool:
        """Whether an essential container has a health check."""
        return any(c.get("healthCheck") and c.get("essential", True) for c in self.containers)


@dataclass(frozen=True, slots=True)
class Revision:
    """A service revision: the workload configuration that a deployment brings about."""

    arn: str
    service_arn: str
    cluster_arn: str
    created_at: float
    config: JsonObject
    resolved: tuple[JsonObject, ...] = ()
    """For each load balancer the target group that the revision's tasks are really in."""

    @property
    def task_definition(self) -> str:
        """The task definition's ARN."""
        return str(self.config["taskDefinition"])

    @property
    def load_balancers(self) -> list[JsonObject]:
        """The load balancers as they were asked for; may be empty."""
        return list(self.config.get("loadBalancers", ()))

    @property
    def target_groups(self) -> tuple[str, ...]:
        """The target group of each of `load_balancers`, in their order."""
        given = self.resolved or self.load_balancers
        return tuple(str(balanced.get("targetGroupArn")) for balanced in given)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A CloudWatch alarm; `state` is one of StateValue; nobody here computes it."""

    name: str
    state: str
    reason: str
    updated_at: float
    document: JsonObject


@dataclass(frozen=True, slots=True)
class Event:
    """A service event; ids are unique."""

    id: str
    created_at: float
    message: str


@dataclass(frozen=True, slots=True)
class Service:
    """A service: what is wanted, its deployments in progress, its recent events (newest first)."""

    arn: str
    name: str
    cluster_arn: str
    status: str
    desired: int
    created_at: float
    document: JsonObject
    tags: tuple[JsonObject, ...]
    deployments: tuple[Deployment, ...]
    current: str | None
    """The ARN of the latest service deployment."""
    last_completed: str | None = None
    """The revision of the last deployment that completed: where a rollback goes."""
    events: tuple[Event, ...] = ()
    steady: bool = False
    failed_in_a_row: int = 0
    launch_not_before: float = 0.0

    @property
    def primary(self) -> Deployment:
        """The deployment that tasks are started for."""
        return self.deployments[0]

    @property
    def configuration(self) -> JsonObject:
        """The deployment configuration with ECS's defaults filled in."""
        given: JsonObject = self.document.get("deploymentConfiguration", {})
        return {"maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING", **given}

    @property
    def maximum(self) -> int:
        """The most tasks that may be pending or running: percent rounded down."""
        return self.desired * int(self.configuration["maximumPercent"]) // 100

    @property
    def minimum(self) -> int:
        """The fewest tasks that must stay healthy: percent rounded up."""
        return math.ceil(self.desired * int(self.configuration["minimumHealthyPercent"]) / 100)

    @property
    def grace_s(self) -> float:
        """How long after a task's start its bad health is ignored."""
        return float(self.document.get("healthCheckGracePeriodSeconds") or 0)


@dataclass(frozen=True, slots=True)
class PortBinding:
    """A container port and where it is reached on this machine."""

    container_port: int
    host_port: int
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a task, as last observed."""

    name: str
    arn: str
    image: str
    essential: bool
    status: str = "PENDING"
    digest: str | None = None
    runtime_id: str | None = None
    exit_code: int | None = None
    reason: str | None = None
    health: Health = Health.UNKNOWN
    ports: tuple[PortBinding, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskTarget:
    """A task's place in a target group."""

    group_arn: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Task:
    """A task; `accounted` once its end has been weighed by the rollout."""

    arn: str
    cluster_arn: str
    definition_arn: str
    group: str
    created_at: float
    status: TaskStatus
    desired: TaskStatus
    containers: tuple[Container, ...]
    document: JsonObject
    tags: tuple[JsonObject, ...] = ()
    started_by: str | None = None
    service_arn: str | None = None
    revision_arn: str | None = None
    targets: tuple[TaskTarget, ...] = ()
    started_at: float | None = None
    pull_started_at: float | None = None
    pull_stopped_at: float | None = None
    stopping_at: float | None = None
    stopped_at: float | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    healthy_since: float | None = None
    accounted: bool = False
    version: int = 1
    overrides: JsonObject = field(default_factory=dict)

    @property
    def health(self) -> Health:
        """The health of the essential containers that have a health check, taken together."""
        seen = {c.health for c in self.containers if c.essential}
        if Health.UNHEALTHY in seen:
            return Health.UNHEALTHY
        return Health.HEALTHY if Health.HEALTHY in seen else Health.UNKNOWN

    @property
    def live(self) -> bool:
        """Whether the task is wanted and has not ended."""
        return self.desired is TaskStatus.RUNNING and self.status is not TaskStatus.STOPPED
