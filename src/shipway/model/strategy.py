"""How ECS replaces what runs: the strategy of an environment, and everything that belongs to it.

Times are whole minutes here, because the ECS API takes nothing finer. Source:
`DeploymentConfiguration` and `AdvancedConfiguration` of the ECS API (botocore 1.44.5).
"""

from __future__ import annotations

from enum import Enum

from shipway.model.lazy import dataclass


class Strategy(Enum):
    """How ECS replaces tasks; `CODE_DEPLOY` leaves it to AWS CodeDeploy."""

    ROLLING = "rolling"
    BLUE_GREEN = "blue_green"
    CANARY = "canary"
    LINEAR = "linear"
    CODE_DEPLOY = "code_deploy"

    @property
    def shifts_traffic(self) -> bool:
        """Whether ECS runs both versions and moves the load balancer's traffic between them."""
        return self in {Strategy.BLUE_GREEN, Strategy.CANARY, Strategy.LINEAR}


class Threshold(Enum):
    """How the circuit breaker counts: tasks, or per cent of the wanted tasks (bounded or not)."""

    COUNT = "COUNT"
    BOUNDED_PERCENT = "BOUNDED_PERCENT"
    UNBOUNDED_PERCENT = "UNBOUNDED_PERCENT"


@dataclass(frozen=True, slots=True)
class Steps:
    """How traffic moves: `percent` at a time, with `bake_min` minutes after each."""

    percent: float
    bake_min: int


@dataclass(frozen=True, slots=True)
class Breaker:
    """When ECS gives a rolling deployment up: after `value` failed tasks, counted as it says.

    `reset_on_healthy` starts the count again with each task that gets healthy.
    """

    threshold: Threshold
    value: int
    reset_on_healthy: bool


@dataclass(frozen=True, slots=True)
class EarlySuccess:
    """A rolling deployment has succeeded once `healthy_percent` of the tasks are healthy.

    `deferred`: the old tasks are drained after that, not before.
    """

    healthy_percent: int
    deferred: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for a person at each of the `stages` (names of the ECS API), `timeout_min` at most.

    `go_on` says what happens then: the deployment continues, else it is rolled back.
    """

    stages: tuple[str, ...]
    timeout_min: int
    go_on: bool


@dataclass(frozen=True, slots=True)
class Hook:
    """A Lambda function that ECS asks at each of the `stages`; `role` lets ECS call it."""

    function: str
    role: str
    stages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Traffic:
    """What ECS shifts traffic with: the second target group, the listener rules, its role.

    ARNs all; `test_rule` is absent where nobody looks at the new version before it is live.
    """

    alternate_target_group: str
    production_rule: str
    role: str
    test_rule: str | None = None


@dataclass(frozen=True, slots=True)
class CodeDeploy:
    """The application and group of AWS CodeDeploy; `config` is the group's own when absent."""

    application: str
    group: str
    config: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyRules:
    """A strategy and what belongs to it; what does not belong to its `kind` is absent.

    `bake_min` is how long both versions run after all traffic has moved. `min_healthy` and `max`
    are per cent of the wanted tasks. `alarms` are names of CloudWatch alarms that end the
    deployment. `traffic` absent means: as the infrastructure, or the embedded default, has it.
    """

    kind: Strategy = Strategy.ROLLING
    bake_min: int = 0
    steps: Steps | None = None
    min_healthy: int = 100
    max: int = 200
    breaker: Breaker | None = None
    alarms: tuple[str, ...] = ()
    early_success: EarlySuccess | None = None
    pause: Pause | None = None
    hooks: tuple[Hook, ...] = ()
    traffic: Traffic | None = None
    code_deploy: CodeDeploy | None = None
