"""Shipway's own requests at the local control plane: how many, and with what in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from shipway.adapters.aws.ecs import EcsOrchestrator
from shipway.adapters.aws.place import place_name
from shipway.adapters.aws.session import Endpoints, Session
from shipway.environments.taskdef import task_definition
from shipway.model.observed import DeploymentArn
from shipway.model.service import Environment
from shipway.model.strategy import (
    Breaker,
    EarlySuccess,
    Pause,
    Steps,
    Strategy,
    StrategyRules,
    Threshold,
)
from shipway.testing.builders import a_release, an_environment
from shipway.testing.machine import FakeClock
from tests.local_ecs.ecs_stage import Stage, make_virtual

TAGS = (("shipway:release", "r"),)


class Shipway:
    """Our orchestrator in front of a plane, and every request that it made."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        url = stage.endpoint.url
        session = Session("eu-central-1", lambda: Endpoints(url, url, "127.0.0.1:1"))
        self.ecs = EcsOrchestrator(session, FakeClock())
        self.requests: list[tuple[str, dict[str, Any]]] = []
        session.ecs.meta.events.register("provide-client-params.ecs.*", self._note)

    def _note(self, params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's own
        self.requests.append((model.name, params))

    def deploy(self, environment: Environment, word: str, *, create: bool = False) -> DeploymentArn:
        """Deploy the release of a word, and forget what was asked before."""
        self.requests.clear()
        definition = task_definition(a_release(word), environment)
        return self.ecs.deploy(environment, definition, tags=TAGS, create=create)

    def count(self) -> Counter[str]:
        """How often each operation was asked for."""
        return Counter(name for name, _ in self.requests)

    def sent(self, operation: str) -> dict[str, Any]:
        """The one request of an operation."""
        [found] = [params for name, params in self.requests if name == operation]
        return found

    def until_over(self, deployment: DeploymentArn, seconds: float = 600.0) -> str:
        """Let time pass until a deployment has ended; return its status."""
        ended = {"SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"}
        look = self.ecs.deployment
        self.stage.until(lambda: look(deployment).status.value in ended, seconds)
        return look(deployment).status.value

    def described(self, deployment: DeploymentArn) -> dict[str, Any]:
        """A deployment in the API's own words."""
        described = self.stage.ecs.describe_service_deployments
        found: dict[str, Any] = described(serviceDeploymentArns=[deployment])["serviceDeployments"][
            0
        ]
        return found

    def until_stage(self, deployment: DeploymentArn, stage: str) -> None:
        """Let time pass until a deployment is at a lifecycle stage."""
        self.stage.until(lambda: self.described(deployment).get("lifecycleStage") == stage, 3600.0)

    def until_paused(self, deployment: DeploymentArn) -> None:
        """Let time pass until a deployment waits for somebody."""

        def waits() -> bool:
            hooks = self.described(deployment).get("lifecycleHookDetails", [])
            return any(hook["status"] == "AWAITING_ACTION" for hook in hooks)

        self.stage.until(waits, 600.0)


@pytest.fixture
def shipway() -> Iterator[Shipway]:
    """A plane of scripted tasks, and us."""
    stage = make_virtual()
    yield Shipway(stage)
    stage.close()


def created(shipway: Shipway, environment: Environment) -> None:
    """A service that runs the first release."""
    shipway.ecs.ensure_place(environment)
    first = shipway.deploy(environment, "a", create=True)
    assert shipway.until_over(first) == "SUCCESSFUL"


def test_a_deployment_is_exactly_one_update(shipway: Shipway) -> None:
    """One UpdateService and one registration, with no number of tasks and nothing forced."""
    environment = an_environment()
    created(shipway, environment)
    arn = shipway.deploy(environment, "b")
    counted = shipway.count()
    assert (counted["UpdateService"], counted["RegisterTaskDefinition"]) == (1, 1)
    assert counted["CreateService"] == 0
    assert set(shipway.sent("UpdateService")) == {
        "cluster",
        "service",
        "taskDefinition",
        "deploymentConfiguration",
        "healthCheckGracePeriodSeconds",
    }
    assert shipway.until_over(arn) == "SUCCESSFUL"


def test_the_same_definition_again_is_forced(shipway: Shipway) -> None:
    """What runs already is deployed anew, once, and no revision is registered for it."""
    environment = an_environment()
    created(shipway, environment)
    shipway.deploy(environment, "a")
    counted = shipway.count()
    assert (counted["UpdateService"], counted["RegisterTaskDefinition"]) == (1, 0)
    assert shipway.sent("UpdateService")["forceNewDeployment"] is True


def test_scaling_survives_a_deployment(shipway: Shipway) -> None:
    """A number of tasks that somebody chose meanwhile is not touched."""
    environment = an_environment()
    created(shipway, environment)
    shipway.stage.ecs.update_service(
        cluster=environment.cluster, service=environment.ecs_service, desiredCount=5
    )
    shipway.until_over(shipway.deploy(environment, "b"))
    seen = shipway.ecs.observe(environment)
    assert seen is not None
    assert seen.desired == 5


def test_a_rolling_strategy_reaches_the_service(shipway: Shipway) -> None:
    """What `strategy` says is what the service shows afterwards."""
    rules = StrategyRules(
        min_healthy=50,
        breaker=Breaker(Threshold.COUNT, 2, reset_on_healthy=True),
        early_success=EarlySuccess(100, deferred=True),
    )
    environment = an_environment(strategy=rules)
    created(shipway, environment)
    shown = shipway.stage.ecs.describe_services(
        cluster=environment.cluster, services=[environment.ecs_service]
    )["services"][0]["deploymentConfiguration"]
    assert shown["minimumHealthyPercent"] == 50
    assert shown["deploymentCircuitBreaker"]["thresholdConfiguration"]["value"] == 2
    assert shown["earlySuccessCriteria"]["sourceServiceRevisionCleanup"] == "DEFERRED"
    plain = replace(environment, strategy=StrategyRules())
    shipway.deploy(plain, "b")
    sent = shipway.sent("UpdateService")["deploymentConfiguration"]
    assert sent["earlySuccessCriteria"] == {"enable": False}


def test_a_one_off_task_is_run_once(shipway: Shipway) -> None:
    """One token is one task, with the command, in the service's network, and its exit code told."""
    environment = an_environment()
    created(shipway, environment)
    definition = task_definition(a_release("b"), environment)
    run = shipway.ecs.run_task
    shipway.requests.clear()
    first = run(environment, definition, command=("node", "m.js"), token="t1", tags=TAGS)  # noqa: S106 - no secret
    again = run(environment, definition, command=("node", "m.js"), token="t1", tags=TAGS)  # noqa: S106 - no secret
    assert first == again
    assert shipway.stage.runtime is not None
    look = shipway.ecs.one_task
    shipway.stage.pass_time(5.0)
    assert look(environment, definition, first, after="").stopped is False
    shipway.stage.runtime.kill(first, exit_code=3)
    shipway.stage.until(lambda: look(environment, definition, first, after="").stopped, 60.0)
    assert look(environment, definition, first, after="").exit_code == 3
    asked = [params for name, params in shipway.requests if name == "RunTask"]
    assert asked[0] == asked[1]
    assert asked[0]["networkConfiguration"]["awsvpcConfiguration"]["subnets"]
    assert asked[0]["overrides"]["containerOverrides"] == [
        {"name": "sender", "command": ["node", "m.js"]}
    ]


def weights(shipway: Shipway, environment: Environment, listener: int) -> list[int]:
    """How a listener's rule shares its traffic between the two target groups."""
    elb = shipway.stage.elb
    arn = elb.describe_load_balancers(Names=[place_name(environment)])["LoadBalancers"][0][
        "LoadBalancerArn"
    ]
    listeners = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    rules = elb.describe_rules(ListenerArn=listeners[listener]["ListenerArn"])["Rules"]
    [rule] = [r for r in rules if not r["IsDefault"]]
    groups = rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
    return [group["Weight"] for group in groups]


SHIFTING = {
    "blue_green": StrategyRules(kind=Strategy.BLUE_GREEN, bake_min=10),
    "canary": StrategyRules(kind=Strategy.CANARY, bake_min=10, steps=Steps(5.0, 2)),
    "linear": StrategyRules(kind=Strategy.LINEAR, bake_min=10, steps=Steps(25.0, 1)),
}


@pytest.mark.parametrize("name", SHIFTING)
def test_a_rollback_in_the_bake_is_traffic_that_moves(shipway: Shipway, name: str) -> None:
    """Stopped in its bake time, each strategy has all traffic back on the old tasks at once."""
    environment = an_environment(strategy=SHIFTING[name])
    created(shipway, environment)
    before = weights(shipway, environment, 0)
    arn = shipway.deploy(environment, "b")
    assert shipway.count()["UpdateService"] == 1
    shipway.until_stage(arn, "BAKE_TIME")
    assert weights(shipway, environment, 0) == before[::-1]
    shipway.ecs.stop_deployment(arn)
    shipway.stage.pass_time(2.0)
    assert weights(shipway, environment, 0) == before
    assert shipway.until_over(arn) == "ROLLBACK_SUCCESSFUL"
    shipway.ecs.stop_deployment(arn)  # repeatable, also when all is over


@pytest.mark.parametrize(("go_on", "end"), [(True, "SUCCESSFUL"), (False, "ROLLBACK_SUCCESSFUL")])
def test_a_pause_waits_for_its_answer(shipway: Shipway, go_on: bool, end: str) -> None:  # noqa: FBT001 - a table
    """A PAUSE hook holds the deployment until it is answered, and is answered once."""
    pause = Pause(("POST_TEST_TRAFFIC_SHIFT",), 60, go_on=False)
    rules = StrategyRules(kind=Strategy.BLUE_GREEN, bake_min=0, pause=pause)
    environment = an_environment(strategy=rules)
    created(shipway, replace(environment, strategy=replace(rules, pause=None)))
    arn = shipway.deploy(environment, "b")
    assert shipway.ecs.continue_deployment(arn, go_on=go_on) is False
    shipway.until_paused(arn)
    assert shipway.ecs.continue_deployment(arn, go_on=go_on) is True
    assert shipway.until_over(arn) == end
    assert shipway.ecs.continue_deployment(arn, go_on=True) is False


def test_a_rolling_deployment_is_turned_back_under_way(shipway: Shipway) -> None:
    """A rolling deployment that was stopped ends as rolled back, and the old release runs."""
    environment = an_environment()
    created(shipway, environment)
    old = shipway.ecs.observe(environment)
    arn = shipway.deploy(environment, "b")
    shipway.stage.pass_time(3.0)
    shipway.ecs.stop_deployment(arn)
    assert shipway.until_over(arn) == "ROLLBACK_SUCCESSFUL"
    now = shipway.ecs.observe(environment)
    assert old is not None
    assert now is not None
    assert now.definition == old.definition


def test_a_service_that_rolled_learns_to_shift(shipway: Shipway) -> None:
    """From rolling to blue/green in one update, which sends what shifts the traffic."""
    plain = an_environment()
    created(shipway, plain)
    shifting = replace(plain, strategy=SHIFTING["blue_green"])
    shipway.ecs.ensure_place(shifting)
    arn = shipway.deploy(shifting, "b")
    assert shipway.count()["UpdateService"] == 1
    sent = shipway.sent("UpdateService")["loadBalancers"][0]["advancedConfiguration"]
    assert sorted(sent) == [
        "alternateTargetGroupArn",
        "productionListenerRule",
        "roleArn",
        "testListenerRule",
    ]
    assert shipway.until_over(arn, 3600.0) == "SUCCESSFUL"
    again = shipway.deploy(shifting, "c")
    assert "loadBalancers" not in shipway.sent("UpdateService")
    assert shipway.until_over(again, 3600.0) == "SUCCESSFUL"


def test_a_service_that_shifted_rolls_where_its_traffic_is(shipway: Shipway) -> None:
    """Back to rolling, new tasks are behind the target group that the traffic goes to."""
    shifting = an_environment(strategy=replace(SHIFTING["blue_green"], bake_min=0))
    created(shipway, shifting)
    assert shipway.until_over(shipway.deploy(shifting, "b"), 3600.0) == "SUCCESSFUL"
    rolling = replace(shifting, strategy=StrategyRules())
    assert shipway.until_over(shipway.deploy(rolling, "c")) == "SUCCESSFUL"
    assert weights(shipway, shifting, 0) == [0, 100]
    elb = shipway.stage.elb
    group = elb.describe_target_groups(Names=[place_name(shifting, "-b")])["TargetGroups"][0]
    health = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
    states = [found["TargetHealth"]["State"] for found in health["TargetHealthDescriptions"]]
    assert states.count("healthy") == 2
