"""The shape of one request of an AWS API, as its own model says it, in plain data.

It knows nothing of where shapes come from: an adapter reads them from botocore.
"""

from __future__ import annotations

from collections.abc import Iterable

from shipway.model.document import Json, JsonObject
from shipway.model.lazy import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """One value: `kind` is the model's own word (structure, list, map, string, integer, ...).

    `members` are the fields of a structure in the model's order; `item` is what a list or a map
    holds; `words` are all the values of an enumeration, empty where any text will do; `required`
    are the fields that must be there; `union` says that exactly one field must.
    """

    kind: str
    members: tuple[tuple[str, Shape], ...] = ()
    item: Shape | None = None
    words: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    union: bool = False

    def member(self, name: str) -> Shape | None:
        """Return the shape of a field, or None where there is no such field."""
        return next((shape for known, shape in self.members if known == name), None)


def only(value: Json, shape: Shape) -> Json:
    """Return a value with just the fields that a shape has; what is read-only falls away."""
    if shape.kind == "structure" and isinstance(value, dict):
        known = ((name, shape.member(name)) for name in value)
        return {name: only(value[name], inner) for name, inner in known if inner}
    if shape.item and isinstance(value, list):
        return [only(item, shape.item) for item in value]
    if shape.item and isinstance(value, dict):
        return {name: only(inner, shape.item) for name, inner in value.items()}
    return value


def only_fields(document: JsonObject, shape: Shape, also: Iterable[tuple[str, Json]]) -> JsonObject:
    """Return a described document as a request takes it, with what is described beside it."""
    found = only(document | dict(also), shape)
    return found if isinstance(found, dict) else {}
