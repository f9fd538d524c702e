"""What was seen of the world at one moment; facts only, no judgement."""

from __future__ import annotations

from enum import Enum
from typing import NewType

from shipway.model.lazy import dataclass
from shipway.model.release import Digest
from shipway.model.task_definition import TaskDefinition

DeploymentArn = NewType("DeploymentArn", str)
"""The ARN of one ECS *service deployment*: what Shipway starts, watches and remembers."""


class DeploymentStatus(Enum):
    """`ServiceDeploymentStatus` of the ECS API (botocore 1.44.5), word for word."""

    PENDING = "PENDING"
    SUCCESSFUL = "SUCCESSFUL"
    STOPPED = "STOPPED"
    STOP_REQUESTED = "STOP_REQUESTED"
    IN_PROGRESS = "IN_PROGRESS"
    ROLLBACK_REQUESTED = "ROLLBACK_REQUESTED"
    ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
    ROLLBACK_SUCCESSFUL = "ROLLBACK_SUCCESSFUL"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"


@dataclass(frozen=True, slots=True)
class ObservedDeployment:
    """One service deployment.

    `reason` is ECS's own sentence and may be empty; `images` are what its target revision runs,
    as written in the task definition; `failures` counts the tasks that the circuit
    breaker has seen fail; `first` says that there was nothing before to return to.
    """

    arn: DeploymentArn
    status: DeploymentStatus
    reason: str
    images: tuple[str, ...]
    desired: int
    running: int
    failures: int
    breaker_tripped: bool
    first: bool


@dataclass(frozen=True, slots=True)
class StoppedTask:
    """A task that ended, and why; `exit_code` is absent when the container never started."""

    arn: str
    reason: str
    exit_code: int | None
    last_lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunningTask:
    """A task that runs; `digest` is absent while ECS has not resolved the image yet."""

    arn: str
    digest: Digest | None


@dataclass(frozen=True, slots=True)
class ObservedService:
    """An ECS service and the deployments it remembers, newest first.

    `definition` is what its primary deployment runs.
    """

    arn: str
    task_definition: str
    definition: TaskDefinition
    desired: int
    running: int
    deployments: tuple[ObservedDeployment, ...]


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """What one HTTP probe got: the status, or the reason why there was none.

    `body` is empty where nobody wanted it. `reached` is false when the request never got to any
    server: then the answer says nothing about the service.
    """

    status: int | None
    seconds: float
    problem: str
    body: str = ""
    reached: bool = True
