"""botocore's model of a service: which operations exist, and whether a document fits its shape."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.loaders import Loader
from botocore.model import (
    ListShape,
    MapShape,
    OperationModel,
    OperationNotFoundError,
    ServiceModel,
    Shape,
    StringShape,
    StructureShape,
)
from botocore.validate import ParamValidator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.local.ecs.document import JsonObject


class Shapes:
    """The shapes of one service, read from the installed botocore."""

    def __init__(self, service: str) -> None:
        self.model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
        self._validator = ParamValidator()

    def operation(self, name: str) -> OperationModel | None:
        """Return the operation, or None when botocore does not know it."""
        try:
            return self.model.operation_model(name)
        except OperationNotFoundError:
            return None

    def members(self, shape: str) -> frozenset[str]:
        """Return the field names of a structure."""
        found = self.model.shape_for(shape)
        return frozenset(found.members) if isinstance(found, StructureShape) else frozenset()

    def problems(self, document: JsonObject, shape: Shape | None) -> str:
        """Return all that is wrong with `document`, or an empty string.

        Unknown and missing fields, types, lengths (botocore's validator), and enum values, which
        the validator leaves to the server.
        """
        if shape is None:
            return "" if not document else "the operation has no fields"
        report = self._validator.validate(document, shape)
        found = [report.generate_report()] if report.has_errors() else []
        found += _enum_problems(document, shape, "")
        return "\n".join(found)


@cache
def shapes_of(service: str) -> Shapes:
    """Return the service's shapes; reading them takes a tenth of a second, so only once."""
    return Shapes(service)


def _enum_problems(value: Any, shape: Shape, path: str) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name, item in value.items():
            if name in shape.members and item is not None:
                yield from _enum_problems(item, shape.members[name], f"{path}.{name}")
    elif isinstance(shape, ListShape) and isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _enum_problems(item, shape.member, f"{path}[{number}]")
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        for key, item in value.items():
            yield from _enum_problems(item, shape.value, f"{path}.{key}")
    elif isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield f"Value '{value}' at '{path.lstrip('.')}' must be one of {shape.enum}"
