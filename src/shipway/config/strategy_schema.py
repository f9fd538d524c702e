"""The keys of `strategy`, a part of `config.schema`: one word, or a section."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from shipway.config.shapes import Flag, Part, People

Kind = Literal["rolling", "blue_green", "canary", "linear", "code_deploy"]
HookStage = Literal[
    "reconcile_service",
    "pre_scale_up",
    "post_scale_up",
    "test_traffic_shift",
    "post_test_traffic_shift",
    "pre_production_traffic_shift",
    "production_traffic_shift",
    "post_production_traffic_shift",
]
PauseStage = Literal[
    "reconcile_service",
    "pre_scale_up",
    "post_scale_up",
    "post_test_traffic_shift",
    "pre_production_traffic_shift",
    "post_production_traffic_shift",
]
_TENTHS = re.compile(r"(0|[1-9][0-9]*)(\.[0-9])?\Z")


def _tenths(value: object) -> object:
    """Refuse what ECS does not take: it moves traffic by tenths of a per cent."""
    if isinstance(value, str) and not _TENTHS.match(value):
        raise PydanticCustomError("tenths", "not a number with at most one decimal place")
    return value


def _kind_alone(value: object) -> object:
    """Let the kind alone stand for a strategy of that kind."""
    if value is not None and not isinstance(value, str | dict | Part):
        raise PydanticCustomError("kind_alone", "neither the kind of a strategy nor a section")
    return {"kind": value} if isinstance(value, str) else value


Percent = Annotated[float, BeforeValidator(_tenths)]
Arn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d*:.+$")]


class CanaryPart(Part):
    """The first share of the traffic, alone for a while."""

    percent: Percent = Field(
        default=5.0, ge=0.1, le=100.0, description="Per cent of the traffic that moves first."
    )
    bake: int = Field(default=10, ge=0, le=1440, description="Minutes until the rest follows.")


class LinearPart(Part):
    """The traffic moves in equal steps."""

    percent: Percent = Field(
        default=10.0, ge=3.0, le=100.0, description="Per cent of the traffic in each step."
    )
    bake: int = Field(default=6, ge=0, le=1440, description="Minutes between two steps.")


class BreakerPart(Part):
    """When ECS gives a rolling deployment up; either `count` or a percentage."""

    count: int | None = Field(default=None, ge=1, le=10000, description="Tasks that failed.")
    percent: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="Failed tasks as per cent of the wanted ones, at least 3 and at most 200 "
        "tasks; ECS takes 50 when nothing is said.",
    )
    unbounded_percent: int | None = Field(
        default=None, ge=1, le=10000, description="The same without these limits."
    )
    reset_on_healthy: Flag = Field(
        default=True, description="Count from 0 again when a task gets healthy."
    )


class EarlySuccessPart(Part):
    """A rolling deployment that need not wait for the last task."""

    healthy_percent: int = Field(
        default=100, ge=0, le=100, description="It succeeded when so many new tasks are healthy."
    )
    cleanup: Literal["deferred", "blocking"] = Field(
        default="deferred",
        description="`deferred`: old tasks are drained after the success; `blocking`: before it.",
    )


class HookPart(Part):
    """A Lambda function that ECS asks on the way."""

    function: Arn = Field(description="ARN of the Lambda function.")
    role: Arn = Field(description="ARN of the role with which ECS calls it.")
    stages: list[HookStage] = Field(min_length=1, description="Stages at which it is asked.")


class TrafficPart(Part):
    """What ECS shifts the traffic with, where the infrastructure does not say it already."""

    alternate_target_group: Arn = Field(description="ARN of the second target group.")
    production_rule: Arn = Field(description="ARN of the listener rule for real traffic.")
    test_rule: Arn | None = Field(
        default=None, description="ARN of the listener rule for test traffic."
    )
    role: Arn = Field(description="ARN of the role with which ECS changes the rules.")


class CodeDeployPart(Part):
    """The CodeDeploy group that replaces the tasks."""

    application: str = Field(min_length=1, description="Name of the CodeDeploy application.")
    group: str = Field(min_length=1, description="Name of the deployment group.")
    config: str | None = Field(
        default=None, description="Deployment configuration, instead of the group's own."
    )


class StrategyPart(Part):
    """How tasks are replaced."""

    kind: Kind = Field(
        default="rolling",
        description="`strategy: rolling` is short for a section with this key alone.",
    )
    bake: int | None = Field(
        default=None,
        ge=0,
        le=1440,
        description="Minutes that both versions run after all traffic has moved; 5 when not given.",
    )
    canary: CanaryPart | None = Field(default=None, description="With `canary`: the first share.")
    linear: LinearPart | None = Field(default=None, description="With `linear`: the steps.")
    min_healthy: int = Field(
        default=100, ge=0, le=100, description="With `rolling`: per cent of tasks that must run."
    )
    max: int = Field(
        default=200, ge=100, le=200, description="With `rolling`: per cent of tasks that may run."
    )
    breaker: BreakerPart | None = Field(
        default=None, description="With `rolling`: how many failed tasks end it."
    )
    alarms: People = Field(
        default=[], description="Names of CloudWatch alarms; one that fires rolls back."
    )
    early_success: EarlySuccessPart | None = Field(
        default=None, description="With `rolling`: succeed before the last old task is gone."
    )
    pause: list[PauseStage] = Field(
        default=[], description="Stages before which a person says `shipway continue`."
    )
    pause_timeout: int = Field(
        default=1440, ge=1, le=20160, description="Minutes that a pause lasts at most."
    )
    pause_then: Literal["rollback", "continue"] = Field(
        default="rollback", description="What happens when nobody has said anything by then."
    )
    hooks: list[HookPart] = Field(default=[], description="Lambda functions asked on the way.")
    traffic: TrafficPart | None = Field(
        default=None,
        description="What moves the traffic; not needed where the service has it already, "
        "nor on the embedded default.",
    )
    code_deploy: CodeDeployPart | None = Field(
        default=None, description="With `code_deploy`: whose deployment it is."
    )


StrategyKey = Annotated[
    StrategyPart, BeforeValidator(_kind_alone, json_schema_input_type=Kind | StrategyPart)
]
