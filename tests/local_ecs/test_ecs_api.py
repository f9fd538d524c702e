"""The ECS API as an unmodified client sees it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.local.ecs.document import JsonObject
    from tests.local_ecs.ecs_stage import Stage


def code_of(call: Callable[[], Any]) -> str:
    """Return the error code that `call` ends with."""
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def test_task_definition_keeps_every_field(virtual: Stage) -> None:
    """What is registered is described again, field for field, with revision and tags."""
    container = {
        "name": "web",
        "image": "x@sha256:" + "a" * 64,
        "memory": 64,
        "essential": True,
        "secrets": [{"name": "TOKEN", "valueFrom": "arn:secret:token"}],
        "ulimits": [{"name": "nofile", "softLimit": 10, "hardLimit": 20}],
        "healthCheck": {"command": ["CMD", "true"], "interval": 5},
    }
    for revision in (1, 2):
        reply = virtual.ecs.register_task_definition(
            family="kept",
            containerDefinitions=[container],
            pidMode="task",
            ipcMode="task",
            networkMode="awsvpc",
            enableFaultInjection=True,
            tags=[{"key": "commit", "value": "abc"}],
        )
        assert reply["taskDefinition"]["revision"] == revision
    shown = virtual.ecs.describe_task_definition(taskDefinition="kept", include=["TAGS"])
    definition = shown["taskDefinition"]
    assert definition["revision"] == 2
    assert (definition["pidMode"], definition["ipcMode"]) == ("task", "task")
    assert definition["enableFaultInjection"] is True
    got = definition["containerDefinitions"][0]
    assert {k: got[k] for k in container} == container
    assert shown["tags"] == [{"key": "commit", "value": "abc"}]


def test_task_definitions_are_listed_in_pages(virtual: Stage) -> None:
    """A family's ACTIVE revisions are listed in order, page by page, ascending or descending."""
    arns = [virtual.register("good", family="paged") for _ in range(5)]
    virtual.register("good", family="paged-not")
    pages = virtual.ecs.get_paginator("list_task_definitions").paginate(
        familyPrefix="paged", sort="DESC", PaginationConfig={"PageSize": 2}
    )
    assert [a for page in pages for a in page["taskDefinitionArns"]] == arns[::-1]


def test_inactive_definition_cannot_be_deployed(virtual: Stage) -> None:
    """A deregistered revision can be described, but no service can be updated to it."""
    service = virtual.serve("good", balanced=False)
    arn = virtual.register("better")
    virtual.ecs.deregister_task_definition(taskDefinition=arn)
    shown = virtual.ecs.describe_task_definition(taskDefinition=arn)
    assert shown["taskDefinition"]["status"] == "INACTIVE"
    assert code_of(lambda: service.update(taskDefinition=arn)) == "ClientException"


def test_errors_have_ecs_codes(virtual: Stage) -> None:
    """Missing things are told apart by AWS's error codes."""
    ecs = virtual.ecs
    assert code_of(lambda: ecs.describe_services(cluster="no", services=["s"])) == (
        "ClusterNotFoundException"
    )
    assert code_of(lambda: ecs.update_service(cluster="main", service="no")) == (
        "ServiceNotFoundException"
    )
    assert code_of(lambda: ecs.describe_task_definition(taskDefinition="no")) == "ClientException"
    assert (
        code_of(lambda: ecs.register_task_definition(family="f", containerDefinitions=[]))
        == "ClientException"
    )
    strange: Any = "SOMEDAY"
    assert code_of(lambda: ecs.list_task_definitions(status=strange)) == "InvalidParameterException"
    reply = ecs.describe_services(cluster="main", services=["no"])
    assert reply["failures"][0]["reason"] == "MISSING"


def test_deleted_service_is_not_active(virtual: Stage) -> None:
    """A deleted service drains, becomes INACTIVE, and refuses updates; its name is free again."""
    service = virtual.serve("good", balanced=False)
    virtual.pass_time(5)
    delete = virtual.ecs.delete_service
    assert code_of(lambda: delete(cluster="main", service=service.name)) == (
        "InvalidParameterException"
    )
    delete(cluster="main", service=service.name, force=True)
    assert service.service()["status"] == "DRAINING"
    virtual.pass_time(5)
    assert service.service()["status"] == "INACTIVE"
    assert code_of(lambda: service.update(desiredCount=1)) == "ServiceNotActiveException"
    virtual.ecs.create_service(
        cluster="main", serviceName=service.name, taskDefinition="app", desiredCount=0
    )


@pytest.mark.parametrize(
    ("change", "starts"),
    [
        ({"desiredCount": 3}, False),
        ({"deploymentConfiguration": {"maximumPercent": 150}}, False),
        ({"healthCheckGracePeriodSeconds": 5, "enableExecuteCommand": True}, False),
        ({"propagateTags": "SERVICE"}, False),
        ({"taskDefinition": "app:1"}, False),
        ({"forceNewDeployment": True}, True),
        ({"platformVersion": "1.4.0"}, True),
        ({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}}, True),
    ],
)
def test_only_triggers_start_a_deployment(
    virtual: Stage,
    change: dict[str, Any],
    starts: bool,  # noqa: FBT001 - a table column
) -> None:
    """Only the fields that ECS names, or force, start a deployment; the rest take effect as is."""
    service = virtual.serve("good", balanced=False)
    service.until_over(90)
    before = service.deployment()["serviceDeploymentArn"]
    service.update(**change)
    assert (service.deployment()["serviceDeploymentArn"] != before) is starts


def test_desired_count_stays_when_not_sent(virtual: Stage) -> None:
    """An update without desiredCount leaves what autoscaling had set."""
    service = virtual.serve("good", balanced=False)
    service.update(desiredCount=5)
    service.update(taskDefinition=virtual.register("better"))
    assert service.service()["desiredCount"] == 5


def test_more_than_a_hundred_tasks_come_in_pages(virtual: Stage) -> None:
    """ListTasks gives at most 100 ARNs a page, and DescribeTasks refuses more."""
    virtual.serve("good", count=130, balanced=False)
    virtual.pass_time(1)
    first = virtual.ecs.list_tasks(cluster="main")
    second = virtual.ecs.list_tasks(cluster="main", nextToken=first["nextToken"])
    arns = first["taskArns"] + second["taskArns"]
    assert (len(first["taskArns"]), len(set(arns))) == (100, 130)
    assert code_of(lambda: virtual.ecs.describe_tasks(cluster="main", tasks=arns)) == (
        "InvalidParameterException"
    )


def test_run_task_repeats_by_token(virtual: Stage) -> None:
    """RunTask keeps overrides, tags and startedBy; the same token never starts a second task."""
    virtual.register("crash", family="job")

    def run() -> list[JsonObject]:
        tasks: list[JsonObject] = virtual.ecs.run_task(
            cluster="main",
            taskDefinition="job",
            startedBy="ci",
            clientToken="one",
            tags=[{"key": "a", "value": "b"}],
            overrides={"containerOverrides": [{"name": "web", "command": ["migrate"]}]},
        )["tasks"]
        return tasks

    first, again = run(), run()
    assert [t["taskArn"] for t in first] == [t["taskArn"] for t in again]
    virtual.pass_time(10)
    arns = virtual.ecs.list_tasks(cluster="main", startedBy="ci", desiredStatus="STOPPED")
    task = virtual.ecs.describe_tasks(cluster="main", tasks=arns["taskArns"], include=["TAGS"])
    shown = task["tasks"][0]
    assert shown["containers"][0]["exitCode"] == 7
    assert shown["overrides"]["containerOverrides"][0]["command"] == ["migrate"]
    assert shown["tags"] == [{"key": "a", "value": "b"}]


def test_tags_are_added_listed_and_removed(virtual: Stage) -> None:
    """Tags of a service can be added, replaced, listed and removed."""
    service = virtual.serve("good", balanced=False)
    arn = service.service()["serviceArn"]
    for value in ("1", "2"):
        virtual.ecs.tag_resource(resourceArn=arn, tags=[{"key": "k", "value": value}])
    tags = virtual.ecs.list_tags_for_resource(resourceArn=arn)["tags"]
    assert tags == [{"key": "k", "value": "2"}]
    virtual.ecs.untag_resource(resourceArn=arn, tagKeys=["k"])
    assert virtual.ecs.list_tags_for_resource(resourceArn=arn)["tags"] == []


def test_history_and_revisions_are_described(virtual: Stage) -> None:
    """Deployments are listed newest first, by status; revisions carry image digests."""
    service = virtual.serve("good", balanced=False)
    service.until_over(90)
    service.update(forceNewDeployment=True)
    ecs = virtual.ecs
    listed = ecs.list_service_deployments(cluster="main", service=service.name)
    statuses = [d["status"] for d in listed["serviceDeployments"]]
    assert statuses == ["PENDING", "SUCCESSFUL"]
    only = ecs.list_service_deployments(
        cluster="main", service=service.name, status=["SUCCESSFUL"]
    )["serviceDeployments"]
    assert len(only) == 1
    revisions = ecs.describe_service_revisions(
        serviceRevisionArns=[only[0]["targetServiceRevisionArn"]]
    )["serviceRevisions"]
    assert revisions[0]["containerImages"][0]["imageDigest"].startswith("sha256:")


def test_events_are_unique_and_the_last_hundred(virtual: Stage) -> None:
    """A service shows at most 100 events, newest first, each id once."""
    service = virtual.serve("crash", count=1, balanced=False)
    off = {"deploymentCircuitBreaker": {"enable": False, "rollback": False}}
    service.update(deploymentConfiguration=off)
    for _ in range(60):
        service.update(forceNewDeployment=True)
        virtual.pass_time(5)
    events = service.service()["events"]
    assert len(events) == 100
    assert len({e["id"] for e in events}) == 100
    assert [e["createdAt"] for e in events] == sorted(
        (e["createdAt"] for e in events), reverse=True
    )


def test_other_services_are_refused_clearly(virtual: Stage) -> None:
    """A request to another AWS service is answered 501 with a reason."""
    request = urllib.request.Request(
        virtual.endpoint.url, b"{}", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=5)
    with caught.value as reply:
        assert reply.code == 501
        assert "only ECS, ELBv2 and alarms" in json.loads(reply.read())["message"]
