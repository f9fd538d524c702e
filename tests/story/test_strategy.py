"""The `strategy` key: each kind as it is meant, and what does not go together, in words."""

from __future__ import annotations

import pytest

from shipway.config.load import load
from shipway.errors import ConfigurationIsInvalid
from shipway.model.strategy import (
    Breaker,
    EarlySuccess,
    Pause,
    Steps,
    Strategy,
    StrategyRules,
    Threshold,
)

FILE = """\
service: sender
owner: team
image: { repository: sender }
environments:
  preprod: { cluster: c, strategy: %s }
"""


def rules(strategy: str) -> StrategyRules:
    """The strategy that a text means."""
    return load(FILE % strategy).environments[0].strategy


def problem(strategy: str) -> str:
    """What is wrong with a text, which is not right."""
    with pytest.raises(ConfigurationIsInvalid) as caught:
        load(FILE % strategy)
    return "\n".join(caught.value.problems)


def test_without_the_key_tasks_are_replaced_one_after_the_other() -> None:
    """An environment that says nothing rolls, as it always did."""
    text = FILE.replace(", strategy: %s", "")
    assert load(text).environments[0].strategy == StrategyRules()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("rolling", StrategyRules()),
        ("{ kind: rolling }", StrategyRules()),
        ("{}", StrategyRules()),
        ("blue_green", StrategyRules(kind=Strategy.BLUE_GREEN, bake_min=5)),
        (
            "{ kind: blue_green, bake: 0 }",
            StrategyRules(kind=Strategy.BLUE_GREEN),
        ),
        ("canary", StrategyRules(kind=Strategy.CANARY, bake_min=5, steps=Steps(5.0, 10))),
        (
            "{ kind: canary, canary: { percent: 0.1, bake: 3 }, alarms: hot }",
            StrategyRules(kind=Strategy.CANARY, bake_min=5, steps=Steps(0.1, 3), alarms=("hot",)),
        ),
        (
            "{ kind: linear, bake: 1440, linear: { percent: 100 } }",
            StrategyRules(kind=Strategy.LINEAR, bake_min=1440, steps=Steps(100.0, 6)),
        ),
        (
            "{ breaker: { count: 2, reset_on_healthy: false } }",
            StrategyRules(breaker=Breaker(Threshold.COUNT, 2, reset_on_healthy=False)),
        ),
        (
            "{ breaker: {} }",
            StrategyRules(breaker=Breaker(Threshold.BOUNDED_PERCENT, 50, reset_on_healthy=True)),
        ),
        (
            "{ early_success: { cleanup: blocking, healthy_percent: 80 }, min_healthy: 0 }",
            StrategyRules(early_success=EarlySuccess(80, deferred=False), min_healthy=0),
        ),
        (
            "{ kind: blue_green, bake: 1, pause: [post_test_traffic_shift] }",
            StrategyRules(
                kind=Strategy.BLUE_GREEN,
                bake_min=1,
                pause=Pause(("POST_TEST_TRAFFIC_SHIFT",), 1440, go_on=False),
            ),
        ),
    ],
)
def test_a_strategy_is_what_it_says(text: str, meant: StrategyRules) -> None:
    """A word or a section becomes rules, with what its kind needs filled in."""
    assert rules(text) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{ kind: blue_green, early_success: {} }", "strategy.early_success belongs to 'rolling'"),
        ("{ pause: [pre_scale_up] }", "strategy.pause belongs to 'blue_green', 'canary', 'linear'"),
        ("{ bake: 3 }", "strategy.bake belongs to 'blue_green', 'canary', 'linear'"),
        ("{ kind: blue_green, canary: {} }", "strategy.canary belongs to 'canary', not to"),
        ("{ kind: canary, breaker: { count: 1 } }", "strategy.breaker belongs to 'rolling'"),
        ("{ kind: canary, canary: { percent: 0 } }", "canary.percent input should be greater"),
        ("{ kind: canary, canary: { percent: 100.1 } }", "canary.percent input should be less"),
        ("{ kind: canary, canary: { percent: 0.25 } }", "at most one decimal place"),
        ("{ kind: linear, linear: { percent: 2.9 } }", "linear.percent input should be greater"),
        ("{ kind: blue_green, bake: 1441 }", "bake input should be less than or equal to 1440"),
        ("{ kind: blue_green, bake: 5m }", "bake not a whole number in plain digits"),
        ("{ kind: blue_green, pause: [test_traffic_shift] }", "'test_traffic_shift' is not"),
        ("{ kind: blue_green, pause_timeout: 3 }", "pause_timeout needs 'pause'"),
        (
            "{ kind: blue_green, pause: [pre_scale_up, pre_scale_up] }",
            "strategy.pause[1] 'pre_scale_up' stands here twice",
        ),
        ("{ max: 100 }", "strategy.max with min_healthy 100 no task could ever be replaced"),
        ("{ breaker: { count: 1, percent: 2 } }", "needs one of count, percent, has 2"),
        ("[rolling]", "strategy neither the kind of a strategy nor a section"),
        ("bluegreen", "'bluegreen' is not 'rolling', 'blue_green'"),
        ("{ knd: rolling }", "strategy.knd unknown key -> did you mean 'kind'?"),
        ("code_deploy", "needs the key 'code_deploy': whose group it is"),
        ("code_deploy", "CodeDeploy is on AWS: it needs 'aws'"),
    ],
)
def test_what_does_not_go_together_is_refused(text: str, said: str) -> None:
    """A strategy that ECS would refuse, or would ignore a part of, is told by its position."""
    found = problem(text)
    assert said in found
    assert "shipway.yaml:5:" in found
