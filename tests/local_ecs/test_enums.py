"""A newer SDK with a value that we do not know is a failing test, not a surprise in production."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shipway.local.ecs.balancing import TargetState
from shipway.local.ecs.deployment import (
    HookAction,
    HookStatus,
    RolloutState,
    Stage,
    Status,
    StopType,
    Strategy,
)
from shipway.local.ecs.dispatch import CLOUDWATCH, ECS, ELB
from shipway.local.ecs.model import Health
from shipway.local.ecs.wire.shapes import shapes_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HOOK_STAGES = set(Stage) - {
    Stage.SCALE_UP,
    Stage.BAKE_TIME,
    Stage.CLEAN_UP,
}
SHOWN_STAGES = set(Stage) - {Stage.PRE_PRODUCTION_TRAFFIC_SHIFT}


@pytest.mark.parametrize(
    ("service", "shape", "known"),
    [
        ("ecs", "ServiceDeploymentStatus", Status),
        ("ecs", "DeploymentStrategy", Strategy),
        ("ecs", "ServiceDeploymentLifecycleStage", SHOWN_STAGES),
        ("ecs", "DeploymentLifecycleHookStage", HOOK_STAGES),
        ("ecs", "DeploymentLifecycleHookStatus", HookStatus),
        ("ecs", "DeploymentLifecycleHookAction", HookAction),
        ("ecs", "DeploymentLifecycleHookTargetType", ("AWS_LAMBDA", "PAUSE")),
        ("ecs", "StopServiceDeploymentStopType", StopType),
        ("ecs", "DeploymentRolloutState", RolloutState),
        ("ecs", "HealthStatus", Health),
        ("ecs", "ThresholdType", ("COUNT", "BOUNDED_PERCENT", "UNBOUNDED_PERCENT")),
        ("ecs", "ServiceRevisionCleanup", ("BLOCKING", "DEFERRED")),
        (
            "ecs",
            "ServiceDeploymentRollbackMonitorsStatus",
            ("TRIGGERED", "MONITORING", "MONITORING_COMPLETE", "DISABLED"),
        ),
        ("cloudwatch", "StateValue", ("OK", "ALARM", "INSUFFICIENT_DATA")),
        (
            "elbv2",
            "TargetHealthStateEnum",
            (*TargetState, "unhealthy.draining", "unavailable"),
        ),
    ],
)
def test_every_value_of_the_sdk_is_known(service: str, shape: str, known: Iterable[str]) -> None:
    """The SDK's enum and ours are the same set."""
    assert set(shapes_of(service).model.shape_for(shape).metadata["enum"]) == set(known)


@pytest.mark.parametrize(
    ("service", "handlers"), [("ecs", ECS), ("elbv2", ELB), ("cloudwatch", CLOUDWATCH)]
)
def test_every_operation_has_the_shapes_it_is_checked_by(
    service: str, handlers: Mapping[str, object]
) -> None:
    """No operation is answered that botocore cannot check both ways."""
    assert {name for name in handlers if shapes_of(service).operation(name) is None} == set()
