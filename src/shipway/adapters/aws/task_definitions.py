"""Task definitions at the ECS API: described, compared by content, registered when new."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from shipway.adapters.aws.shapes import task_definition_shape
from shipway.model.api_shape import Shape, only_fields
from shipway.model.document import Json, JsonObject, objects
from shipway.model.task_definition import (
    CONTENT_TAG,
    TaskDefinition,
    definition_of,
    differences,
)

if TYPE_CHECKING:  # stubs only; the packages are not installed with Shipway
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import (
        DescribeTaskDefinitionResponseTypeDef,
        RegisterTaskDefinitionRequestTypeDef,
    )

_SAME_WITHIN = 5
"""How many of the newest revisions are compared before a new one is registered."""

_OWN_BY = "SHIPWAY_IMAGE_DIGEST"
"""The variable by which the container is known that is Shipway's own."""


def ensure_registered(
    ecs: ECSClient, definition: TaskDefinition, tags: tuple[tuple[str, str], ...]
) -> str:
    """Return the ARN of a revision with this content, registering one only if there is none."""
    found = registered(ecs, definition)
    if found is not None:
        return found
    request = to_api(definition, tags)
    return ecs.register_task_definition(**request)["taskDefinition"]["taskDefinitionArn"]


def registered(ecs: ECSClient, definition: TaskDefinition) -> str | None:
    """Return the ARN of an ACTIVE revision with this content among the newest, or None."""
    arns = ecs.list_task_definitions(
        familyPrefix=definition.family, status="ACTIVE", sort="DESC", maxResults=_SAME_WITHIN
    )["taskDefinitionArns"]
    for arn in arns:
        if not differences(described(ecs, arn), definition):
            return arn
    return None


def described(ecs: ECSClient, arn: str) -> TaskDefinition:
    """Return a revision as a definition that could be registered again, with its tags."""
    found = ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])
    return from_api(found, task_definition_shape(ecs.meta.service_model))


def to_api(
    definition: TaskDefinition, tags: tuple[tuple[str, str], ...]
) -> RegisterTaskDefinitionRequestTypeDef:
    """Write a definition as `RegisterTaskDefinition` takes it; tags without a value are left out.

    The revision carries its content hash, by which it is found again.
    """
    document = definition.document
    own = {str(t["key"]): t.get("value", "") for t in objects(document.pop("tags", None))}
    own |= {key: value for key, value in (*tags, (CONTENT_TAG, definition.content)) if value}
    document["tags"] = [{"key": key, "value": own[key]} for key in sorted(own)]
    return cast("RegisterTaskDefinitionRequestTypeDef", document)


def from_api(found: DescribeTaskDefinitionResponseTypeDef, shape: Shape) -> TaskDefinition:
    """Read a described revision: every field that could be registered, and no other."""
    document = cast("JsonObject", found["taskDefinition"])
    tags = cast("list[Json]", found.get("tags") or [])
    request = only_fields(document, shape, (("tags", tags),))
    own = _own_container(objects(request.get("containerDefinitions")))
    return definition_of(request, own)


def _own_container(containers: list[JsonObject]) -> str:
    """Tell which container is Shipway's: the one that knows its digest, else the first."""
    for container in containers:
        if any(e.get("name") == _OWN_BY for e in objects(container.get("environment"))):
            return str(container.get("name", ""))
    return str(containers[0].get("name", "")) if containers else ""
