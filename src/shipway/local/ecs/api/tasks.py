"""Tasks: run, list, describe, stop."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shipway.local.ecs.api.desk import Desk, Handler, missing, page
from shipway.local.ecs.api.task_views import shown_task
from shipway.local.ecs.model import Cluster, Task, TaskDefinition
from shipway.local.ecs.task_life import BY_USER
from shipway.local.ecs.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.local.ecs.document import JsonObject

MOST_DESCRIBED = 100
MOST_RUN = 10


def run_task(desk: Desk, request: JsonObject) -> JsonObject:
    """Start tasks; a repeated `clientToken` returns the tasks of its first call."""
    cluster = desk.cluster(request.get("cluster"))
    token = request.get("clientToken")
    if token and token in desk.state.client_tokens:
        known = [desk.state.tasks.get(arn) for arn in desk.state.client_tokens[token]]
        return {"tasks": [shown_task(desk.state, t) for t in known if t], "failures": []}
    definition = desk.usable_definition(request["taskDefinition"])
    count = int(request.get("count", 1))
    if not 1 <= count <= MOST_RUN:
        raise invalid(f"count must be between 1 and {MOST_RUN}.")
    overrides = request.get("overrides", {})
    _check_overrides(definition, overrides)
    started_by = request.get("startedBy")
    if started_by and started_by.startswith("ecs-svc/"):
        raise invalid("startedBy must not look like a service's.")
    tags = request.get("tags", ())
    if request.get("propagateTags") == "TASK_DEFINITION":
        tags = tuple({t["key"]: t for t in (*definition.tags, *tags)}.values())
    tasks = []
    for _ in range(count):
        task = replace(
            desk.engine.records.new_task(
                definition.arn,
                cluster.arn,
                request.get("group") or f"family:{definition.family}",
                request,
                overrides,
            ),
            tags=tuple(tags),
            started_by=started_by,
        )
        desk.engine.add_task(task)
        tasks.append(task)
    if token:
        desk.state.client_tokens[token] = tuple(t.arn for t in tasks)
    return {"tasks": [shown_task(desk.state, t) for t in tasks], "failures": []}


def _check_overrides(definition: TaskDefinition, overrides: JsonObject) -> None:
    names = {c["name"] for c in definition.containers}
    for override in overrides.get("containerOverrides", ()):
        if override.get("name") not in names:
            raise invalid(
                "Override for container named "
                + str(override.get("name"))
                + " is not a container in the TaskDefinition."
            )


def stop_task(desk: Desk, request: JsonObject) -> JsonObject:
    """Stop a task; stopping a stopped one changes nothing."""
    cluster = desk.cluster(request.get("cluster"))
    task = _find(desk, cluster, request["task"])
    if task is None:
        raise invalid("The referenced task was not found.")
    reason = request.get("reason") or "Task stopped by user"
    stopped = desk.engine.stop_task(task, BY_USER, reason)
    return {"task": shown_task(desk.state, stopped)}


def list_tasks(desk: Desk, request: JsonObject) -> JsonObject:
    """List task ARNs; only tasks wanted RUNNING unless `desiredStatus` says otherwise."""
    cluster = desk.cluster(request.get("cluster"))
    service_arn = None
    if request.get("serviceName"):
        service = desk.find_service(cluster, request["serviceName"])
        if service is None:
            raise AwsError("ServiceNotFoundException", "Service not found.")
        service_arn = service.arn
    # ECS never shows a desired status of PENDING: asking for it finds nothing.
    wanted = request.get("desiredStatus", "RUNNING")
    found = [
        task.arn
        for task in desk.state.tasks.values()
        if task.cluster_arn == cluster.arn
        and task.desired.value == wanted
        and service_arn in {None, task.service_arn}
        and request.get("startedBy") in {None, task.started_by}
        and request.get("family") in {None, desk.state.definitions[task.definition_arn].family}
    ]
    chosen, token = page(found, request)
    return {"taskArns": chosen, **token}


def describe_tasks(desk: Desk, request: JsonObject) -> JsonObject:
    """Describe at most 100 tasks by ARN or id; stopped ones stay visible for an hour."""
    cluster = desk.cluster(request.get("cluster"))
    if len(request["tasks"]) > MOST_DESCRIBED:
        raise invalid(f"taskIds can have at most {MOST_DESCRIBED} items.")
    found, failures = [], []
    for name in request["tasks"]:
        task = _find(desk, cluster, name)
        if task is None:
            short = name.rsplit("/", 1)[-1]
            failures.append(missing(desk.arns.ecs(f"task/{cluster.name}/{short}")))
        else:
            found.append(shown_task(desk.state, task, tags="TAGS" in request.get("include", ())))
    return {"tasks": found, "failures": failures}


def _find(desk: Desk, cluster: Cluster, name: str) -> Task | None:
    short = name.rsplit("/", 1)[-1]
    return desk.state.tasks.get(desk.arns.ecs(f"task/{cluster.name}/{short}"))


HANDLERS: Mapping[str, Handler] = {
    "RunTask": run_task,
    "StopTask": stop_task,
    "ListTasks": list_tasks,
    "DescribeTasks": describe_tasks,
}
