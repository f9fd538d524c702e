"""Where requests really go while HAProxy follows the weights of a deployment."""

from __future__ import annotations

import http.client
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from shipway.local.ecs.traffic import resolve, weights
from tests.local_ecs.ecs_stage import BREAKER
from tests.local_ecs.test_containers import Load

if TYPE_CHECKING:
    from tests.local_ecs.ecs_stage import Stage


def answers(port: int, count: int) -> Counter[str]:
    """Ask `count` times, each on a connection of its own; count the pages."""
    found: Counter[str] = Counter()
    for _ in range(count):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/index.html")
        found[connection.getresponse().read().decode().strip()] += 1
        connection.close()
    return found


@pytest.mark.docker
def test_canary_gets_its_share_and_gives_it_back(docker_stage: Stage) -> None:
    """A quarter of the requests reach the canary; after the stop none does; none is lost."""
    configuration: dict[str, Any] = {
        "strategy": "CANARY",
        "canaryConfiguration": {"canaryPercent": 25.0, "canaryBakeTimeInMinutes": 60},
        **BREAKER,
    }
    service = docker_stage.shifting(configuration)
    service.until_over()
    load = Load(service.port)
    try:
        service.update(taskDefinition=docker_stage.register("green"))
        docker_stage.until(lambda: service.weights() == [75, 25])
        docker_stage.pass_time(0.5)
        share = answers(service.port, 400)["green"] / 400
        arn = service.deployment()["serviceDeploymentArn"]
        docker_stage.ecs.stop_service_deployment(serviceDeploymentArn=arn)
        docker_stage.pass_time(1.5)
        after = answers(service.port, 50)
        status = service.until_over()
    finally:
        load.end()
    assert 0.17 <= share <= 0.33
    assert after == {"ok": 50}
    assert status == "ROLLBACK_SUCCESSFUL"
    assert set(load.answers) == {200}


@pytest.mark.docker
def test_test_listener_shows_green_before_production_does(docker_stage: Stage) -> None:
    """During a pause testers reach green and everybody else blue; the flip loses no request."""
    hook = {"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}
    service = docker_stage.shifting(
        {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [hook], **BREAKER}
    )
    service.until_over()
    load = Load(service.port)
    try:
        service.update(taskDefinition=docker_stage.register("green"))
        docker_stage.until(lambda: service.weights(service.test_rule) == [0, 100])
        docker_stage.until(lambda: bool(service.deployment().get("lifecycleHookDetails")))
        docker_stage.pass_time(0.5)
        tested, produced = answers(service.test_port, 20), answers(service.port, 20)
        shown = service.deployment()
        docker_stage.ecs.continue_service_deployment(
            serviceDeploymentArn=shown["serviceDeploymentArn"],
            hookId=shown["lifecycleHookDetails"][0]["hookId"],
        )
        status = service.until_over()
    finally:
        load.end()
    assert (tested, produced) == ({"green": 20}, {"ok": 20})
    assert status == "SUCCESSFUL"
    assert answers(service.port, 20) == {"green": 20}
    assert set(load.answers) == {200}


@pytest.mark.parametrize(
    ("percent", "expected"),
    [(0.0, [100, 0]), (100.0, [0, 100]), (5.0, [95, 5]), (2.5, [975, 25]), (0.1, [999, 1])],
)
def test_percent_become_whole_weights(percent: float, expected: list[int]) -> None:
    """Weights are whole numbers of at most 999, in the order of the pair."""
    shown = weights(("blue", "green"), "green", percent)
    assert [group["Weight"] for group in shown] == expected


@pytest.mark.parametrize(
    ("used", "shifts", "expected"),
    [
        (frozenset(), True, "first"),
        (frozenset({"first"}), True, "other"),
        (frozenset({"other"}), True, "first"),
        (frozenset({"first"}), False, "first"),
        (frozenset({"other"}), False, "other"),
        (frozenset({"third"}), True, "first"),
    ],
)
def test_a_new_revision_gets_the_free_group(
    used: frozenset[str], *, shifts: bool, expected: str
) -> None:
    """One that shifts traffic takes the other group, a rolling one stays where the traffic is."""
    balanced = {
        "targetGroupArn": "first",
        "advancedConfiguration": {"alternateTargetGroupArn": "other"},
    }
    assert resolve(balanced, used, shifts=shifts)["targetGroupArn"] == expected
