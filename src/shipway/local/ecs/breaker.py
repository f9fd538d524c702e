"""The deployment circuit breaker's arithmetic (DeploymentCircuitBreaker in the ECS API)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shipway.local.ecs.model import Service

FEWEST, MOST = 3, 200
"""Bounds of the default threshold (BOUNDED_PERCENT)."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """Whether to count failures, when to trip, and what then."""

    enabled: bool
    rolls_back: bool
    threshold: int
    resets_on_healthy: bool


def breaker_of(service: Service) -> Breaker:
    """Return the service's breaker; the threshold follows the latest desired count."""
    given = service.configuration.get("deploymentCircuitBreaker", {})
    threshold = given.get("thresholdConfiguration", {})
    return Breaker(
        enabled=bool(given.get("enable", False)),
        rolls_back=bool(given.get("rollback", False)),
        threshold=threshold_for(
            str(threshold.get("type", "BOUNDED_PERCENT")),
            int(threshold.get("value", 50)),
            service.desired,
        ),
        resets_on_healthy=bool(given.get("resetOnHealthyTask", True)),
    )


def threshold_for(kind: str, value: int, desired: int) -> int:
    """Return how many failed tasks trip the breaker; at least 1."""
    if kind == "COUNT":
        return max(1, value)
    share = math.ceil(desired * value / 100)
    if kind == "UNBOUNDED_PERCENT":
        return max(1, share)
    return min(MOST, max(FEWEST, share))
