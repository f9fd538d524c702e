"""The state records of the ELBv2 side, and the port to whatever moves the requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from shipway.local.ecs.document import JsonObject

if TYPE_CHECKING:
    from collections.abc import Mapping


class TargetState(StrEnum):
    """TargetHealthStateEnum, as far as it is used."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """A load balancer; `document` is its description as ELBv2 shows it."""

    arn: str
    name: str
    document: JsonObject
    tags: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """A target group: how its targets are checked and drained."""

    arn: str
    name: str
    document: JsonObject
    attributes: dict[str, str]
    tags: tuple[JsonObject, ...] = ()

    @property
    def deregistration_delay_s(self) -> float:
        """The longest time a draining target keeps its sessions."""
        return float(self.attributes.get("deregistration_delay.timeout_seconds", "300"))


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener: its load balancer, local port and default actions (inside `document`)."""

    arn: str
    load_balancer_arn: str
    document: JsonObject
    tags: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A listener's rule that is not its default one."""

    arn: str
    listener_arn: str
    priority: int
    document: JsonObject
    tags: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """A registered target; `draining_since` once it was deregistered."""

    group_arn: str
    host: str
    port: int
    registered_at: float
    draining_since: float | None = None
    idle_since: float | None = None
    """Since when a draining target has had no sessions."""

    @property
    def key(self) -> str:
        """What names the target among all groups."""
        return f"{self.group_arn}|{self.host}|{self.port}"


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """What the balancer says about a target; `sessions` are requests in flight on it."""

    state: TargetState
    reason: str | None = None
    description: str | None = None
    sessions: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """All that the balancer must bring about: a complete picture, never a difference."""

    groups: tuple[TargetGroup, ...] = ()
    listeners: tuple[Listener, ...] = ()
    rules: tuple[Rule, ...] = field(default=())
    targets: tuple[Target, ...] = ()


class Balancer(Protocol):
    """Moves requests from listeners to targets and checks the targets' health.

    `start` once, then `apply` and `health` in any order from one thread at a time, then `close`.
    """

    def start(self) -> None:
        """Start; afterwards `apply` may be called."""
        ...

    def apply(self, layout: Layout) -> None:
        """Bring about `layout`; safe to repeat; returns when new requests follow it.

        A new target gets no request before its first passed health check, a draining one none.
        """
        ...

    def health(self) -> Mapping[str, TargetHealth]:
        """Return what is known of each target by `Target.key`; targets may be missing."""
        ...

    def claim(self, port: int) -> str | None:
        """Return why a listener cannot have `port`, or None when it can."""
        ...

    def close(self) -> None:
        """Stop; leaves no process. Never raises; safe to repeat."""
        ...
