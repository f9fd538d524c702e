"""What CreateService and UpdateService are sent for each strategy, by botocore's own shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from shipway.adapters.aws.deployment_rules import deployment_configuration, load_balancers
from shipway.adapters.aws.ecs_update import create_request, update_request
from shipway.model.strategy import (
    Breaker,
    EarlySuccess,
    Hook,
    Pause,
    Steps,
    Strategy,
    StrategyRules,
    Threshold,
    Traffic,
)
from shipway.testing.builders import an_environment

MODEL = botocore.session.get_session().get_service_model("ecs")
TRAFFIC = Traffic("arn:b", "arn:rule", "arn:role", "arn:test-rule")
PAUSE = Pause(("POST_TEST_TRAFFIC_SHIFT",), 120, go_on=False)
HOOK = Hook("arn:function", "arn:hook-role", ("PRE_SCALE_UP", "POST_SCALE_UP"))
RULES = {
    "rolling": StrategyRules(),
    "rolling, all of it": StrategyRules(
        min_healthy=50,
        max=150,
        breaker=Breaker(Threshold.COUNT, 2, reset_on_healthy=False),
        alarms=("hot", "slow"),
        early_success=EarlySuccess(80, deferred=True),
    ),
    "blue_green": StrategyRules(
        kind=Strategy.BLUE_GREEN, bake_min=3, pause=PAUSE, hooks=(HOOK,), traffic=TRAFFIC
    ),
    "canary": StrategyRules(
        kind=Strategy.CANARY, bake_min=1, steps=Steps(0.5, 2), alarms=("hot",), traffic=TRAFFIC
    ),
    "linear": StrategyRules(
        kind=Strategy.LINEAR, bake_min=0, steps=Steps(25.0, 1), traffic=TRAFFIC
    ),
}
BREAKER = {"enable": True, "rollback": True}
WAY_IN: Any = {"targetGroupArn": "arn:a", "containerName": "sender", "containerPort": 3000}
LIVE: Any = {"taskDefinition": "sender:1", "desiredCount": 7, "loadBalancers": [WAY_IN]}


def fits(shape: str, request: Mapping[str, Any]) -> str:
    """What botocore has against a request; empty when it takes it."""
    report = ParamValidator().validate(request, MODEL.shape_for(shape))
    wrong = str(report.generate_report())
    return wrong + _wrong_words(request, MODEL.shape_for(shape))


def _wrong_words(value: Any, shape: Any) -> str:  # noqa: ANN401 - JSON and its untyped shape
    """Each word that is not of its enumeration: botocore leaves that to AWS."""
    match shape.type_name:
        case "structure":
            return "".join(_wrong_words(v, shape.members[k]) for k, v in value.items())
        case "list":
            return "".join(_wrong_words(item, shape.member) for item in value)
        case "string" if shape.enum and value not in shape.enum:
            return f"{value} is not of {shape.name}"
        case _:
            return ""


@pytest.mark.parametrize("name", RULES)
def test_requests_fit_the_api(name: str) -> None:
    """Every field and word of both requests is one that the ECS API knows."""
    environment = an_environment(strategy=RULES[name])
    updated = update_request(environment, "sender:2", LIVE, RULES[name].traffic)
    created = create_request(environment, "sender:2", WAY_IN, RULES[name].traffic)
    assert fits("UpdateServiceRequest", updated) == ""
    assert fits("CreateServiceRequest", created) == ""


@pytest.mark.parametrize("name", RULES)
def test_the_number_of_tasks_is_never_sent(name: str) -> None:
    """An update leaves the number of tasks, network, platform and capacity to others."""
    environment = an_environment(strategy=RULES[name])
    sent = update_request(environment, "sender:2", LIVE, RULES[name].traffic)
    assert set(sent) - {"loadBalancers"} == {
        "cluster",
        "service",
        "taskDefinition",
        "deploymentConfiguration",
        "healthCheckGracePeriodSeconds",
    }


def test_a_rolling_update_is_exactly_this() -> None:
    """Early success, breaker, alarms and percentages are sent as the API calls them."""
    assert deployment_configuration(RULES["rolling, all of it"]) == {
        "strategy": "ROLLING",
        "deploymentCircuitBreaker": {
            **BREAKER,
            "resetOnHealthyTask": False,
            "thresholdConfiguration": {"type": "COUNT", "value": 2},
        },
        "minimumHealthyPercent": 50,
        "maximumPercent": 150,
        "alarms": {"alarmNames": ["hot", "slow"], "enable": True, "rollback": True},
        "earlySuccessCriteria": {
            "enable": True,
            "healthyPercent": 80,
            "sourceServiceRevisionCleanup": "DEFERRED",
        },
    }


def test_a_blue_green_update_is_exactly_this() -> None:
    """Bake time, hooks and the pause are sent as the API calls them."""
    assert deployment_configuration(RULES["blue_green"]) == {
        "strategy": "BLUE_GREEN",
        "deploymentCircuitBreaker": BREAKER,
        "minimumHealthyPercent": 100,
        "maximumPercent": 200,
        "bakeTimeInMinutes": 3,
        "lifecycleHooks": [
            {
                "targetType": "AWS_LAMBDA",
                "hookTargetArn": "arn:function",
                "roleArn": "arn:hook-role",
                "lifecycleStages": ["PRE_SCALE_UP", "POST_SCALE_UP"],
            },
            {
                "targetType": "PAUSE",
                "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
                "timeoutConfiguration": {"timeoutInMinutes": 120, "action": "ROLLBACK"},
            },
        ],
    }


def test_steps_are_those_of_their_strategy() -> None:
    """CANARY has a first share, LINEAR equal steps; neither has the other's section."""
    canary = deployment_configuration(RULES["canary"])
    linear = deployment_configuration(RULES["linear"])
    assert canary["canaryConfiguration"] == {"canaryPercent": 0.5, "canaryBakeTimeInMinutes": 2}
    assert linear["linearConfiguration"] == {"stepPercent": 25.0, "stepBakeTimeInMinutes": 1}
    assert ("linearConfiguration" in canary, "canaryConfiguration" in linear) == (False, False)


def test_what_the_service_had_is_switched_off_in_words() -> None:
    """Alarms, hooks and early success of before do not stay: absence would mean "unchanged"."""
    had: Any = deployment_configuration(RULES["rolling, all of it"])
    had["lifecycleHooks"] = [{"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]}]
    now = deployment_configuration(StrategyRules(), had)
    assert now["alarms"] == {"alarmNames": [], "enable": False, "rollback": False}
    assert (now["lifecycleHooks"], now["earlySuccessCriteria"]) == ([], {"enable": False})
    assert fits("DeploymentConfiguration", now) == ""


def test_load_balancers_are_sent_only_when_they_change() -> None:
    """A way in that shifts traffic already, or is not to, is left alone."""
    changed = load_balancers(TRAFFIC, [WAY_IN])
    assert changed is not None
    assert changed[0].get("targetGroupArn") == "arn:a"
    assert changed[0].get("advancedConfiguration") == {
        "alternateTargetGroupArn": "arn:b",
        "productionListenerRule": "arn:rule",
        "testListenerRule": "arn:test-rule",
        "roleArn": "arn:role",
    }
    assert load_balancers(TRAFFIC, changed) is None
    assert load_balancers(None, [WAY_IN]) is None
    assert load_balancers(TRAFFIC, []) is None


@pytest.mark.parametrize(
    ("definition", "more"),
    [("sender:2", {}), ("sender:1", {"forceNewDeployment": True})],
    ids=["other", "same"],
)
def test_a_deployment_is_forced_only_where_nothing_else_starts_one(
    definition: str, more: dict[str, bool]
) -> None:
    """The same definition again needs force; another one starts a deployment by itself."""
    sent = update_request(an_environment(), definition, LIVE, None)
    assert {k: v for k, v in sent.items() if k == "forceNewDeployment"} == more
