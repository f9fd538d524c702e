"""Task definitions: families, revisions, and every field of the shape kept as it came."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shipway.local.ecs.api.desk import Desk, Handler, page
from shipway.local.ecs.document import pick, present
from shipway.local.ecs.model import TaskDefinition
from shipway.local.ecs.wire.errors import client_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.local.ecs.document import JsonObject


def register_task_definition(desk: Desk, request: JsonObject) -> JsonObject:
    """Register the next revision of a family."""
    _check(request)
    family = request["family"]
    revision = desk.state.families.get(family, 0) + 1
    desk.state.families[family] = revision
    kept = desk.ecs.members("TaskDefinition")
    definition = TaskDefinition(
        arn=desk.arns.ecs(f"task-definition/{family}:{revision}"),
        family=family,
        revision=revision,
        status="ACTIVE",
        document=pick(request, kept),
        tags=tuple(request.get("tags", ())),
        registered_at=desk.now,
    )
    desk.state.definitions[definition.arn] = definition
    return {"taskDefinition": _shown(desk, definition), "tags": list(definition.tags)}


def describe_task_definition(desk: Desk, request: JsonObject) -> JsonObject:
    """Describe one revision; tags only when asked for."""
    definition = desk.find_definition(request["taskDefinition"])
    if definition is None:
        raise client_error("Unable to describe task definition.")
    reply: JsonObject = {"taskDefinition": _shown(desk, definition)}
    if "TAGS" in request.get("include", ()):
        reply["tags"] = list(definition.tags)
    return reply


def list_task_definitions(desk: Desk, request: JsonObject) -> JsonObject:
    """List ARNs by family, then revision."""
    status, family = request.get("status", "ACTIVE"), request.get("familyPrefix")
    found = sorted(
        (
            d
            for d in desk.state.definitions.values()
            if d.status == status and family in {None, d.family}
        ),
        key=lambda d: (d.family, d.revision),
        reverse=request.get("sort") == "DESC",
    )
    chosen, token = page([d.arn for d in found], request)
    return {"taskDefinitionArns": chosen, **token}


def deregister_task_definition(desk: Desk, request: JsonObject) -> JsonObject:
    """Make a revision INACTIVE: running tasks go on, nothing new may use it."""
    definition = desk.find_definition(request["taskDefinition"])
    if definition is None or ":" not in request["taskDefinition"].rsplit("/", 1)[-1]:
        raise client_error("The specified task definition does not exist.")
    gone = replace(definition, status="INACTIVE", deregistered_at=desk.now)
    desk.state.definitions[definition.arn] = gone
    return {"taskDefinition": _shown(desk, gone)}


def _check(request: JsonObject) -> None:
    containers = request["containerDefinitions"]
    if not containers:
        raise client_error("Task definition must have at least one container definition.")
    names = [c.get("name") for c in containers]
    if None in names or len(set(names)) != len(names):
        raise client_error("Container.name is required and must be unique.")
    if any(not c.get("image") for c in containers):
        raise client_error("Container.image should not be null or empty.")
    if not any(c.get("essential", True) for c in containers):
        raise client_error("Task definition must have at least one essential container.")


def _shown(desk: Desk, definition: TaskDefinition) -> JsonObject:
    document = definition.document
    compatible = ["EC2", *document.get("requiresCompatibilities", ())]
    lists: JsonObject = {"volumes": [], "placementConstraints": [], "requiresAttributes": []}
    return present(
        {
            **lists,
            **document,
            "containerDefinitions": [_container(c) for c in definition.containers],
            "taskDefinitionArn": definition.arn,
            "revision": definition.revision,
            "status": definition.status,
            "compatibilities": list(dict.fromkeys(compatible)),
            "registeredAt": definition.registered_at,
            "registeredBy": f"arn:aws:iam::{desk.arns.account}:root",
            "deregisteredAt": definition.deregistered_at,
        }
    )


def _container(container: JsonObject) -> JsonObject:
    """Return a container definition with the defaults that ECS fills in."""
    filled: JsonObject = {
        "cpu": 0,
        "essential": True,
        "portMappings": [],
        "environment": [],
        "mountPoints": [],
        "volumesFrom": [],
    }
    return {**filled, **container}


HANDLERS: Mapping[str, Handler] = {
    "RegisterTaskDefinition": register_task_definition,
    "DescribeTaskDefinition": describe_task_definition,
    "ListTaskDefinitions": list_task_definitions,
    "DeregisterTaskDefinition": deregister_task_definition,
}
