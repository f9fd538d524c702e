"""How many tasks a service has, and who else decides on it; facts only."""

from __future__ import annotations

from shipway.model.lazy import dataclass


@dataclass(frozen=True, slots=True)
class ScalableTarget:
    """The bounds of Application Auto Scaling, and the names of the policies that move between.

    `suspended` when neither scaling in nor out is allowed at the moment.
    """

    minimum: int
    maximum: int
    policies: tuple[str, ...] = ()
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many tasks a service wants and has; `target` is absent where nothing scales it.

    `daemon` when there is one task for each instance, whatever anybody wants; `deploying` while a
    deployment is in flight.
    """

    desired: int
    running: int
    pending: int
    deploying: bool
    daemon: bool = False
    target: ScalableTarget | None = None
