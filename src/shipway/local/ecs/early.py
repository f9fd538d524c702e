"""When a rolling deployment is good enough (ECS: DeploymentEarlySuccessCriteria). Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shipway.local.ecs.deployment import Strategy

if TYPE_CHECKING:
    from shipway.local.ecs.deployment import ServiceDeployment
    from shipway.local.ecs.model import Service


@dataclass(frozen=True, slots=True)
class Enough:
    """How many tasks must be healthy, and whether the old ones may leave afterwards."""

    healthy: int
    deferred: bool
    early: bool


def enough(service: Service, current: ServiceDeployment | None) -> Enough:
    """Return what completes the deployment: all tasks, unless the criteria say fewer.

    A rollback always wants all tasks: its criteria are those of the configuration it leaves.
    """
    everything = Enough(service.desired, deferred=False, early=False)
    if current is None or current.strategy is not Strategy.ROLLING or current.rolling_back:
        return everything
    given = current.configuration.get("earlySuccessCriteria", {})
    if not given.get("enable"):
        return everything
    healthy = math.ceil(service.desired * int(given["healthyPercent"]) / 100)
    deferred = given["sourceServiceRevisionCleanup"] == "DEFERRED"
    return Enough(healthy, deferred=deferred, early=True)
