"""The shapes of the ECS API, from the model that is installed with botocore.

Nothing here names a field: whatever the model gains is known on the day it is installed.
"""

from __future__ import annotations

from functools import cache

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, StringShape, StructureShape
from botocore.model import Shape as ModelShape

from shipway.model.api_shape import Shape


def task_definition_shape(model: ServiceModel | None = None) -> Shape:
    """Return what `RegisterTaskDefinition` takes.

    What `DescribeTaskDefinition` shows and this does not take is read-only, so that a described
    definition is made fit to be registered by leaving out all that is not in this shape.

    Args:
        model: that of a client, which is loaded already; the installed one when not given.
    """
    return request_shape("RegisterTaskDefinition", model or ecs_model())


@cache
def request_shape(operation: str, model: ServiceModel) -> Shape:
    """Return what an operation of ECS takes, by a model such as `client.meta.service_model`."""
    found = model.operation_model(operation).input_shape
    return _shape(found) if found else Shape("structure")


@cache
def ecs_model() -> ServiceModel:
    """Return the installed model of ECS; reading it takes about 0.1 s."""
    return ServiceModel(Loader().load_service_model("ecs", "service-2"), "ecs")


def _shape(found: ModelShape) -> Shape:
    match found:
        case StructureShape():
            members = tuple((name, _shape(inner)) for name, inner in found.members.items())
            return Shape(
                "structure",
                members=members,
                required=tuple(found.required_members),
                union=bool(found.is_tagged_union),
            )
        case ListShape():
            return Shape("list", item=_shape(found.member))
        case MapShape():
            return Shape("map", item=_shape(found.value))
        case StringShape():
            return Shape("string", words=tuple(found.enum))
        case _:
            return Shape(found.type_name)
