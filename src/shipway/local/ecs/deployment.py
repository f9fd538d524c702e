"""The records of a deployment: which stage it is in, who may go on, where its traffic goes.

Knows names and relations, as ECS spells them. Refuses to know how a state is reached (rollout,
shifting) or spoken (wire).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from shipway.local.ecs.document import JsonObject


class RolloutState(StrEnum):
    """`rolloutState` of an entry in a service's `deployments`."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class Status(StrEnum):
    """`status` of a service deployment (ServiceDeploymentStatus)."""

    PENDING = "PENDING"
    SUCCESSFUL = "SUCCESSFUL"
    STOPPED = "STOPPED"
    STOP_REQUESTED = "STOP_REQUESTED"
    IN_PROGRESS = "IN_PROGRESS"
    ROLLBACK_REQUESTED = "ROLLBACK_REQUESTED"
    ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
    ROLLBACK_SUCCESSFUL = "ROLLBACK_SUCCESSFUL"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return self in {
            Status.SUCCESSFUL,
            Status.STOPPED,
            Status.ROLLBACK_SUCCESSFUL,
            Status.ROLLBACK_FAILED,
        }


class Strategy(StrEnum):
    """How a deployment replaces what runs (DeploymentStrategy)."""

    ROLLING = "ROLLING"
    BLUE_GREEN = "BLUE_GREEN"
    LINEAR = "LINEAR"
    CANARY = "CANARY"


class Stage(StrEnum):
    """Where a deployment that shifts traffic is; the order is the order of its life.

    ServiceDeploymentLifecycleStage, and the one stage that only hooks know:
    PRE_PRODUCTION_TRAFFIC_SHIFT (DeploymentLifecycleHookStage).
    """

    RECONCILE_SERVICE = "RECONCILE_SERVICE"
    PRE_SCALE_UP = "PRE_SCALE_UP"
    SCALE_UP = "SCALE_UP"
    POST_SCALE_UP = "POST_SCALE_UP"
    TEST_TRAFFIC_SHIFT = "TEST_TRAFFIC_SHIFT"
    POST_TEST_TRAFFIC_SHIFT = "POST_TEST_TRAFFIC_SHIFT"
    PRE_PRODUCTION_TRAFFIC_SHIFT = "PRE_PRODUCTION_TRAFFIC_SHIFT"
    PRODUCTION_TRAFFIC_SHIFT = "PRODUCTION_TRAFFIC_SHIFT"
    POST_PRODUCTION_TRAFFIC_SHIFT = "POST_PRODUCTION_TRAFFIC_SHIFT"
    BAKE_TIME = "BAKE_TIME"
    CLEAN_UP = "CLEAN_UP"


class HookStatus(StrEnum):
    """`status` of a lifecycle hook (DeploymentLifecycleHookStatus)."""

    AWAITING_ACTION = "AWAITING_ACTION"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"


class HookAction(StrEnum):
    """What follows a hook (DeploymentLifecycleHookAction)."""

    ROLLBACK = "ROLLBACK"
    CONTINUE = "CONTINUE"


class StopType(StrEnum):
    """How a deployment is stopped (StopServiceDeploymentStopType)."""

    ABORT = "ABORT"
    ROLLBACK = "ROLLBACK"


@dataclass(frozen=True, slots=True)
class Hook:
    """A lifecycle hook of the stage that a deployment is in; `expires_at` is the clock's time."""

    id: str
    kind: str
    status: HookStatus
    expires_at: float
    timeout_action: HookAction

    @property
    def open(self) -> bool:
        """Whether the deployment waits for it."""
        return self.status in {HookStatus.AWAITING_ACTION, HookStatus.IN_PROGRESS}

    @property
    def rolls_back(self) -> bool:
        """Whether it ended in a way that rolls the deployment back."""
        timed_out = self.status is HookStatus.TIMED_OUT
        return self.status is HookStatus.FAILED or (
            timed_out and self.timeout_action is HookAction.ROLLBACK
        )


@dataclass(frozen=True, slots=True)
class Position:
    """Where a deployment that shifts traffic is, and what it has shifted so far.

    `step` counts the shifts of production traffic. `production` and `test` are the target
    revision's share in percent; the rest goes to the `stable` revision, which is None when the
    service never completed a deployment. `shown` is the stage as clients see it: the one that
    only hooks know keeps its forerunner's name.
    """

    stage: Stage
    shown: Stage
    since: float
    stable: str | None = None
    step: int = 0
    production: float = 0.0
    test: float = 0.0
    hooks: tuple[Hook, ...] = ()

    def at(self, stage: Stage, now: float, hooks: tuple[Hook, ...] = ()) -> Position:
        """Return the position on entry to `stage`."""
        hidden = stage is Stage.PRE_PRODUCTION_TRAFFIC_SHIFT
        return replace(
            self, stage=stage, shown=self.shown if hidden else stage, since=now, hooks=hooks
        )


@dataclass(frozen=True, slots=True)
class Deployment:
    """An entry of a service's `deployments`; the first in the service is PRIMARY."""

    id: str
    revision_arn: str
    created_at: float
    updated_at: float
    state: RolloutState
    reason: str
    failed_tasks: int = 0
    failures: int = 0
    """Failed tasks that the circuit breaker counts; a steadily healthy task resets it."""
    steady_since: float | None = None
    """When the healthy count last reached the desired count, and has held since."""


@dataclass(frozen=True, slots=True)
class Rollback:
    """Why and to what a service deployment rolls back."""

    reason: str
    started_at: float
    revision_arn: str


@dataclass(frozen=True, slots=True)
class ServiceDeployment:
    """One service deployment, from request to its final status; kept as history.

    `position` is None for ROLLING. `ignored_alarms` were firing when the deployment began.
    """

    arn: str
    service_arn: str
    cluster_arn: str
    target_revision: str
    source_revisions: tuple[str, ...]
    status: Status
    created_at: float
    updated_at: float
    configuration: JsonObject
    deployment_id: str
    started_at: float | None = None
    finished_at: float | None = None
    stopped_at: float | None = None
    reason: str | None = None
    rollback: Rollback | None = None
    failures: int = 0
    threshold: int = 3
    triggered: bool = False
    position: Position | None = None
    ignored_alarms: tuple[str, ...] = ()
    triggered_alarms: tuple[str, ...] = ()
    visible_from: float = 0.0
    """Until then it cannot be listed or described (eventual consistency)."""

    @property
    def strategy(self) -> Strategy:
        """How it replaces what runs."""
        return Strategy(self.configuration.get("strategy", "ROLLING"))

    @property
    def rolling_back(self) -> bool:
        """Whether the old revision is on its way back."""
        return self.status is Status.ROLLBACK_IN_PROGRESS

    @property
    def bake_s(self) -> float:
        """How long the new revision must have done well before the end."""
        return float(self.configuration.get("bakeTimeInMinutes") or 0) * 60
