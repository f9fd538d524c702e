"""Shipway's own requests at the local control plane: how many, and with what in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from shipway.adapters.aws.ecs import EcsOrchestrator
from shipway.adapters.aws.session import Endpoints, Session
from shipway.environments.taskdef import task_definition
from shipway.model.observed import DeploymentArn
from shipway.model.service import Environment
from shipway.model.strategy import Breaker, EarlySuccess, StrategyRules, Threshold
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
    """One token is one task, with the command, in the network of the service."""
    environment = an_environment()
    created(shipway, environment)
    definition = task_definition(a_release("b"), environment)
    run = shipway.ecs.run_task
    shipway.requests.clear()
    first = run(environment, definition, command=("node", "m.js"), token="t1", tags=TAGS)  # noqa: S106 - no secret
    again = run(environment, definition, command=("node", "m.js"), token="t1", tags=TAGS)  # noqa: S106 - no secret
    assert first == again
    asked = [params for name, params in shipway.requests if name == "RunTask"]
    assert asked[0] == asked[1]
    assert asked[0]["networkConfiguration"]["awsvpcConfiguration"]["subnets"]
    assert asked[0]["overrides"]["containerOverrides"] == [
        {"name": "sender", "command": ["node", "m.js"]}
    ]
