"""The ports through which an engine acts, together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shipway.local.ecs.balancing import Balancer
    from shipway.local.ecs.clock import Clock
    from shipway.local.ecs.ports import TaskRuntime
    from shipway.local.ecs.store import Store


@dataclass(frozen=True, slots=True)
class World:
    """The ports of one engine."""

    runtime: TaskRuntime
    balancer: Balancer
    clock: Clock
    store: Store
