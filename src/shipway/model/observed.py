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


class RolloutKind(Enum):
    """`DeploymentStrategy` of the ECS API (botocore 1.44.5), word for word."""

    ROLLING = "ROLLING"
    BLUE_GREEN = "BLUE_GREEN"
    LINEAR = "LINEAR"
    CANARY = "CANARY"


class LifecycleStage(Enum):
    """`ServiceDeploymentLifecycleStage` of the ECS API, word for word, in ECS's order.

    Stages are positions: between two looks any number of them may pass, and LINEAR and CANARY
    repeat the shifts of production traffic. ROLLING has none.
    """

    RECONCILE_SERVICE = "RECONCILE_SERVICE"
    PRE_SCALE_UP = "PRE_SCALE_UP"
    SCALE_UP = "SCALE_UP"
    POST_SCALE_UP = "POST_SCALE_UP"
    TEST_TRAFFIC_SHIFT = "TEST_TRAFFIC_SHIFT"
    POST_TEST_TRAFFIC_SHIFT = "POST_TEST_TRAFFIC_SHIFT"
    PRODUCTION_TRAFFIC_SHIFT = "PRODUCTION_TRAFFIC_SHIFT"
    POST_PRODUCTION_TRAFFIC_SHIFT = "POST_PRODUCTION_TRAFFIC_SHIFT"
    BAKE_TIME = "BAKE_TIME"
    CLEAN_UP = "CLEAN_UP"

    @property
    def position(self) -> int:
        """How far a deployment is; 0 is the first stage."""
        return tuple(LifecycleStage).index(self)


@dataclass(frozen=True, slots=True)
class RevisionCount:
    """A service revision inside a deployment: its tasks, and its share of the traffic.

    Weights are percents of the requests to the production and the test listener; None where ECS
    shifts no traffic, as in ROLLING.
    """

    arn: str
    requested: int = 0
    running: int = 0
    pending: int = 0
    weight: float | None = None
    test_weight: float | None = None


@dataclass(frozen=True, slots=True)
class AwaitedHook:
    """A PAUSE hook that waits for a person; `expires_at` by AWS's clock, seconds since the epoch.

    `at_expiry` is what ECS does when nobody answers: ROLLBACK or CONTINUE.
    """

    id: str
    stage: LifecycleStage | None
    expires_at: float | None
    at_expiry: str


@dataclass(frozen=True, slots=True)
class Alarms:
    """The CloudWatch alarms that may roll a deployment back, and those that have fired."""

    names: tuple[str, ...] = ()
    fired: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moments:
    """When ECS made, started and finished a deployment, in seconds since the epoch by AWS's clock.

    To be compared with other times of AWS only, never with a clock of ours.
    """

    created: float | None = None
    started: float | None = None
    finished: float | None = None


@dataclass(frozen=True, slots=True)
class ObservedDeployment:
    """One service deployment.

    `reason` is ECS's own sentence and may be empty; `images` are what its target revision runs,
    as written in the task definition, and empty where many deployments are read at once;
    `failures` counts the tasks that the circuit breaker has seen fail, of `threshold` (0 where
    ECS does not say); `first` says that there was nothing before to return to. `target` is the
    revision that it brings, `sources` those that it replaces.
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
    kind: RolloutKind = RolloutKind.ROLLING
    stage: LifecycleStage | None = None
    target: RevisionCount | None = None
    sources: tuple[RevisionCount, ...] = ()
    threshold: int = 0
    alarms: Alarms = Alarms()
    hook: AwaitedHook | None = None
    moments: Moments = Moments()


@dataclass(frozen=True, slots=True)
class StoppedTask:
    """A task that ended, and why; `exit_code` is absent when the container never started.

    `code` is `TaskStopCode` of the ECS API, "" where it gives none.
    """

    arn: str
    reason: str
    exit_code: int | None
    last_lines: tuple[str, ...]
    code: str = ""


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """A sentence of ECS about a service; `at` by AWS's clock, seconds since the epoch."""

    id: str
    at: float
    message: str


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
