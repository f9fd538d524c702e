"""What a deployment needs of the outside, and what was seen of it; facts only, no judgement.

It refuses to know values: of a secret it knows the name and whether there is one.
"""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias, TypeVar

from shipway.model.lazy import dataclass
from shipway.model.release import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What one deployment needs.

    `repository` is the registry's own name of the repository. `platform` is `os/architecture` as
    the task definition asks for it, "" where any will do. `secrets` are `valueFrom` as the task
    definition writes them, `roles` and `alarms` ARNs and names; each without repetition;
    `groups` and `rules` the target groups and listener rules that the strategy names. `tasks`
    is how many there will be at most at the same time where the service does not exist yet, `cpu`
    their size in CPU units. `ours` are deployments that the ledger knows. `creates` when the
    service may be missing; `only_image` for a way back, which nothing else may hold up.
    """

    container: str
    port: int
    repository: str
    digest: Digest
    platform: str = ""
    roles: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    tasks: int = 1
    cpu: int = 256
    ours: frozenset[str] = frozenset()
    creates: bool = False
    only_image: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """It could not be asked; `why` says what the answer was instead."""

    why: str


Fact = TypeVar("Fact")
Seen: TypeAlias = Fact | Unknown | None
"""A fact; or nobody could say; or, None, there is no such thing."""


@dataclass(frozen=True, slots=True)
class Balancer:
    """How a service stands behind a load balancer.

    `group` is the ARN of a target group, `other` that of the second one in a blue/green service,
    `rules` the ARNs of the listener rules that ECS shifts between the two; empty in any other.
    """

    group: str
    container: str
    port: int
    other: str = ""
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """The ECS service before a deployment.

    `in_flight` are the ARNs of service deployments that have not ended, newest first; `alarms`
    those that its deployment configuration names.
    """

    status: str
    desired: int
    fargate: bool
    network: str
    balancers: tuple[Balancer, ...] = ()
    in_flight: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """A target group; `target` is `ip`, `instance` or `lambda`, `forwarded`: a listener uses it.

    `healthy` counts the targets that pass the health check now.
    """

    arn: str
    target: str
    forwarded: bool
    healthy: int | Unknown


@dataclass(frozen=True, slots=True)
class Weights:
    """A listener rule and the share that each target group has, as (ARN, weight)."""

    rule: str
    shares: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Role:
    """A role: `arn` as IAM has it, `trusts` the services that may assume it."""

    arn: str
    trusts: frozenset[str]


class Keeping(Enum):
    """How a secret or parameter stands."""

    THERE = "there"
    EMPTY = "empty"
    DELETED = "deleted"
    NO_SUCH_VERSION = "no such version"


class AlarmState(Enum):
    """`StateValue` of the CloudWatch API, word for word."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was seen of the outside before a deployment.

    Each pair begins with what was asked for, in the order of `Needs`; what was not asked is not
    there. `cluster` is its status. `platforms` are those of the image, as `os/architecture`.
    `quotas` are names and values, as Service Quotas has them.
    """

    platforms: Seen[tuple[str, ...]]
    cluster: Seen[str] = None
    service: Seen[Place] = None
    groups: tuple[tuple[str, Seen[Group]], ...] = ()
    weights: tuple[tuple[str, Seen[Weights]], ...] = ()
    roles: tuple[tuple[str, Seen[Role]], ...] = ()
    secrets: tuple[tuple[str, Seen[Keeping]], ...] = ()
    alarms: tuple[tuple[str, Seen[AlarmState]], ...] = ()
    quotas: Seen[tuple[tuple[str, float], ...]] = ()
