"""What `shipway doctor` looks at: a service, its load balancer, image, roles, and a machine.

Facts only, word for word where AWS has a word. What could not be asked is absent, never guessed.
"""

from __future__ import annotations

from shipway.model.lazy import dataclass
from shipway.model.operations import ServiceEvent, TaskState


@dataclass(frozen=True, slots=True)
class Rollout:
    """One of a service's `deployments`; `state` and `reason` are ECS's `rolloutState*`."""

    status: str
    state: str
    reason: str
    definition: str
    failed: int


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """A target group with its targets, and what it sends them.

    `weights` are the weights of all listener rules and default actions that name it; empty where
    none does. `unhealthy` are AWS's reasons. Times in seconds.
    """

    name: str
    healthy: int
    unhealthy: tuple[str, ...]
    weights: tuple[int, ...]
    interval_s: int
    threshold: int
    delay_s: int


@dataclass(frozen=True, slots=True)
class ContainerRules:
    """A container as its task definition has it; `checks_every_s` absent without a health check."""

    name: str
    image: str
    stop_timeout_s: int | None
    checks_every_s: int | None
    essential: bool = True


@dataclass(frozen=True, slots=True)
class Needed:
    """A secret, parameter or role that a task needs; `there` is None where it may not be asked.

    `wrong` says what is amiss with one that is there; empty when nothing is.
    """

    kind: str
    name: str
    there: bool | None
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class ImageSize:
    """What a task pulls: compressed bytes, and whether its layers are zstd."""

    name: str
    size: int
    zstd: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """How deployments of a service go; `strategy` as ECS names it, `bake_min` in minutes."""

    strategy: str = "ROLLING"
    minimum: int = 100
    maximum: int = 200
    breaker: bool = False
    rollback: bool = False
    alarms: tuple[str, ...] = ()
    bake_min: int = 0
    step_percent: float = 0.0
    step_bake_min: int = 0
    early: bool = False
    grace_s: int = 0


@dataclass(frozen=True, slots=True)
class Examined:
    """All that was seen of one environment at one moment.

    `balanced` tells whether the service names a load balancer at all; `blind` are looks that AWS
    refused, in words.
    """

    desired: int
    running: int
    fargate: bool
    exec_enabled: bool
    rules: Rules
    rollouts: tuple[Rollout, ...] = ()
    events: tuple[ServiceEvent, ...] = ()
    tasks: tuple[TaskState, ...] = ()
    balanced: bool = False
    groups: tuple[TargetGroup, ...] = ()
    containers: tuple[ContainerRules, ...] = ()
    needed: tuple[Needed, ...] = ()
    task_role: str = ""
    image: ImageSize | None = None
    blind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """What was seen of this machine; a version is empty where the program does not answer.

    `pnpm_pin` is what package.json pins, empty without a pin; `git` is a problem of the checkout in
    words, empty when it is fit; `embedded` is None where the service is delivered to AWS.
    """

    docker: str
    node: str
    pnpm: str
    pnpm_pin: str
    git: str
    embedded: bool | None
    needs_node: bool = False
