"""What a control plane may be told: names, places, and how patient it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of one local control plane; all times in seconds of its clock.

    `settle_s`: a task with neither load balancer nor container health check counts as healthy
    this long after RUNNING (ECS: 40). `steady_s`: the healthy count must hold this long before a
    deployment completes, so an application that dies within it can never complete one.
    `health_interval_cap_s`: an upper bound on a target group's check interval, for a quick laptop;
    None keeps the interval as asked. `drain_settle_s`: how long a drained target must be without
    sessions before its task gets SIGTERM. `shutdown_s`: the longest stopTimeout that `stop()` of
    the plane itself grants to containers. `seed` makes all ids repeatable (for tests).
    """

    instance: str = "default"
    region: str = "eu-central-1"
    account: str = "000000000000"
    port: int = 0
    settle_s: float = 40.0
    steady_s: float = 4.0
    tick_s: float = 0.1
    health_interval_cap_s: float | None = None
    drain_settle_s: float = 0.3
    shutdown_s: float = 5.0
    backoff_base_s: float = 1.0
    backoff_max_s: float = 60.0
    stopped_visible_s: float = 3600.0
    seed: str | None = None
