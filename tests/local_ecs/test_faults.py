"""Each fault on its own: what a client gets, and that it is over when it should be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from shipway.local.ecs.clock import RealClock, VirtualClock
from tests.local_ecs.ecs_stage import SESSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_ecs import ECSClient

    from tests.local_ecs.ecs_stage import Stage


@pytest.fixture
def once(virtual: Stage) -> Iterator[ECSClient]:
    """A client that asks once and never again."""
    retries = Config(retries={"total_max_attempts": 1})
    client = SESSION.client("ecs", endpoint_url=virtual.endpoint.url, config=retries)
    yield client
    client.close()


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    """Return the AWS error code."""
    return str(error.value.response["Error"]["Code"])


def test_registering_too_fast_is_throttled(virtual: Stage, once: ECSClient) -> None:
    """After twenty definitions at once there is one a second."""
    virtual.plane.faults.limit("RegisterTaskDefinition")

    def register() -> None:
        once.register_task_definition(
            family="app", containerDefinitions=[{"name": "web", "image": "good"}]
        )

    for _ in range(20):
        register()
    with pytest.raises(ClientError) as error:
        register()
    assert code(error) == "ThrottlingException"
    virtual.pass_time(1.0)
    register()
    with pytest.raises(ClientError):
        register()


def test_throttling_on_demand_ends(virtual: Stage, once: ECSClient) -> None:
    """As many requests as told are refused, of that operation only."""
    virtual.plane.faults.throttle("ListServices", 2)
    for _ in range(2):
        once.describe_clusters(clusters=["main"])
        with pytest.raises(ClientError, match="Rate exceeded"):
            once.list_services(cluster="main")
    once.list_services(cluster="main")
    assert virtual.plane.faults.refused == [("ListServices", "ThrottlingException")] * 2


def test_expired_token_is_refused_once(virtual: Stage, once: ECSClient) -> None:
    """The first request after expiry fails, whatever it is; the next one passes."""
    virtual.plane.faults.expire_token()
    with pytest.raises(ClientError) as error:
        once.list_services(cluster="main")
    assert code(error) == "ExpiredTokenException"
    once.list_services(cluster="main")


def test_denied_actions_are_not_missing_things(virtual: Stage, once: ECSClient) -> None:
    """A denied action is AccessDenied in each service's own spelling, also for unknown names."""
    virtual.plane.faults.deny("DescribeServices", "DescribeRules")
    with pytest.raises(ClientError) as error:
        once.describe_services(cluster="nowhere", services=["nothing"])
    assert code(error) == "AccessDeniedException"
    with pytest.raises(ClientError) as error:
        virtual.elb.describe_rules(ListenerArn="arn:none")
    assert code(error) == "AccessDenied"
    virtual.plane.faults.allow("DescribeServices")
    once.describe_services(cluster="main", services=["nothing"])


def test_new_deployment_is_seen_late(virtual: Stage) -> None:
    """A new service deployment is neither listed nor described before its time; then it is."""
    service = virtual.serve("good")
    service.until_over()
    virtual.plane.faults.hide_deployments_s = 5.0
    known = virtual.ecs.list_service_deployments(cluster="main", service=service.name)
    service.update(taskDefinition=virtual.register("better"))

    assert "currentServiceDeployment" not in service.service()
    again = virtual.ecs.list_service_deployments(cluster="main", service=service.name)
    assert again["serviceDeployments"] == known["serviceDeployments"]
    virtual.pass_time(5.0)
    arn = service.deployment()["serviceDeploymentArn"]
    assert arn != known["serviceDeployments"][0]["serviceDeploymentArn"]


def test_clocks_differ(virtual: Stage) -> None:
    """The plane's time is its own: a client's clock says nothing about a deployment's age."""
    assert RealClock(skew_s=-300.0).now() == pytest.approx(RealClock().now() - 300, abs=5)
    service = virtual.serve("good")
    service.until_over()
    created = service.deployment()["createdAt"].timestamp()
    assert isinstance(virtual.clock, VirtualClock)
    assert abs(created - RealClock().now()) > math.pi * 1e6


def test_tasks_come_in_pages(virtual: Stage) -> None:
    """More than a hundred tasks need two lists, and two descriptions."""
    service = virtual.serve("good", count=130)
    service.until_over(120)
    first = virtual.ecs.list_tasks(cluster="main", serviceName=service.name)
    rest = virtual.ecs.list_tasks(
        cluster="main", serviceName=service.name, nextToken=first["nextToken"]
    )
    assert (len(first["taskArns"]), len(rest["taskArns"])) == (100, 30)
    assert "nextToken" not in rest
    with pytest.raises(ClientError, match="at most 100 items"):
        virtual.ecs.describe_tasks(cluster="main", tasks=first["taskArns"] + rest["taskArns"])


def test_a_place_is_missing(virtual: Stage) -> None:
    """A task without a place stops with the reason that Fargate gives."""
    assert virtual.runtime is not None
    virtual.runtime.capacity = 1
    service = virtual.serve("good", balanced=False)
    virtual.pass_time(3)
    failed = service.tasks("STOPPED")[0]
    assert failed["stopCode"] == "TaskFailedToStart"
    assert failed["stoppedReason"].startswith("Capacity is unavailable at this time.")


def test_a_sixth_deployment_is_refused(virtual: Stage) -> None:
    """Five deployments with tasks may exist; another is refused until one is gone."""
    assert virtual.runtime is not None
    service = virtual.serve("good", count=1)
    service.until_over()
    service.update(deploymentConfiguration={"maximumPercent": 1000})
    for number in range(4):
        service.update(taskDefinition=virtual.register(f"slow{number}"))
        virtual.pass_time(0.5)
    with pytest.raises(ClientError, match="5 active deployments exist"):
        service.update(taskDefinition=virtual.register("slow4"))
    assert service.until_over() == "SUCCESSFUL"
    service.update(taskDefinition=virtual.register("slow4"))


def test_alarms_can_be_described(virtual: Stage) -> None:
    """An alarm has the state that it was given last, and is found by name and by state."""
    alarm = {
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "MetricName": "errors",
        "Namespace": "app",
        "Period": 60,
        "Statistic": "Sum",
        "Threshold": 1.0,
    }
    for name in ("errors", "latency"):
        virtual.cloudwatch.put_metric_alarm(AlarmName=name, **alarm)
    virtual.cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="test")

    firing = virtual.cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"]
    assert [a["AlarmName"] for a in firing] == ["errors"]
    (shown,) = virtual.cloudwatch.describe_alarms(AlarmNames=["latency"])["MetricAlarms"]
    assert (shown["StateValue"], shown["Threshold"]) == ("INSUFFICIENT_DATA", 1.0)
    with pytest.raises(ClientError, match="Unknown alarm"):
        virtual.cloudwatch.set_alarm_state(AlarmName="none", StateValue="OK", StateReason="x")
