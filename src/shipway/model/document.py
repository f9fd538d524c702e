"""JSON documents as the ECS API takes them: which lists have no order, how two are put together.

It knows the names under which ECS keeps lists of named things. It refuses to know which fields
there are: that is said by the API's own shapes (`model.api_shape`).
"""

from __future__ import annotations

import json
from typing import TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
"""What JSON can say."""

JsonObject: TypeAlias = dict[str, Json]

_NAMED_BY: dict[str, tuple[str, ...]] = {
    "containerDefinitions": ("name",),
    "dependsOn": ("containerName",),
    "devices": ("hostPath", "containerPath"),
    "environment": ("name",),
    "extraHosts": ("hostname", "ipAddress"),
    "inferenceAccelerators": ("deviceName",),
    "mountPoints": ("containerPath",),
    "placementConstraints": ("type", "expression"),
    "portMappings": ("containerPort", "containerPortRange", "protocol"),
    "properties": ("name",),
    "resourceRequirements": ("type", "value"),
    "secretOptions": ("name",),
    "secrets": ("name",),
    "systemControls": ("namespace",),
    "tags": ("key",),
    "tmpfs": ("containerPath",),
    "ulimits": ("name",),
    "volumes": ("name",),
    "volumesFrom": ("sourceContainer",),
}
"""Lists of objects whose order means nothing, and the fields that tell their items apart."""

_SETS = frozenset(
    {
        "add",
        "dockerSecurityOptions",
        "drop",
        "ignoredExitCodes",
        "links",
        "mountOptions",
        "permissions",
        "requiresCompatibilities",
    }
)
"""Lists of plain values whose order means nothing; that of commands and DNS servers does."""

_PAIRS = {
    "environment": "value",
    "properties": "value",
    "secretOptions": "valueFrom",
    "secrets": "valueFrom",
    "systemControls": "value",
    "tags": "value",
}
"""Lists that are maps in truth, and the field that holds the value."""


def canonical(document: Json) -> str:
    """Return the one text of a document: sorted keys, no spaces; equal when the contents are."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def parsed(text: str) -> JsonObject:
    """Return the object that a canonical text says; empty for the empty text."""
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}


def objects(value: Json) -> list[JsonObject]:
    """Return the objects in a list; empty for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def ordered(value: Json, name: str = "") -> Json:
    """Return the same value with every list whose order means nothing sorted.

    Args:
        value: any part of a document.
        name: the field under which it stands.
    """
    if isinstance(value, dict):
        return {key: ordered(inner, key) for key, inner in value.items()}
    if not isinstance(value, list):
        return value
    items = [ordered(inner) for inner in value]
    if name in _NAMED_BY:
        return sorted(items, key=lambda item: (_identity(name, item), canonical(item)))
    return sorted(items, key=canonical) if name in _SETS else items


def merged(below: JsonObject, above: JsonObject) -> JsonObject:
    """Return `below` with what `above` says laid over it.

    Objects are merged field by field, and lists of named things item by item (containers by name,
    variables by name, ports by number). Any other list is replaced. A null stays, and stands for
    "leave this out".
    """
    found = dict(below)
    for name, value in above.items():
        found[name] = _laid_over(name, found.get(name), value)
    return found


def flat(value: Json, path: str = "", name: str = "") -> dict[str, str]:
    """Return a document as paths to texts, such as `containerDefinitions.web.environment.MODE`.

    Items of lists of named things stand under their names, all others under their place.
    """
    found: dict[str, str] = {}
    for key, inner, inner_name in _parts(value, name):
        at = f"{path}.{key}" if path else key
        if isinstance(inner, dict) or _holds_objects(inner):
            found |= flat(inner, at, inner_name)
        else:
            found[at] = plain(inner)
    return found


def plain(item: Json) -> str:
    """Return a text as it is, and anything else as JSON."""
    return item if isinstance(item, str) else canonical(item)


def _parts(value: Json, name: str) -> list[tuple[str, Json, str]]:
    """Return what stands in an object or a list: label, content, and its field's name."""
    if isinstance(value, dict):
        return [(key, inner, key) for key, inner in value.items()]
    if not isinstance(value, list):
        return []
    if name not in _NAMED_BY:
        return [(str(n), inner, "") for n, inner in enumerate(value)]
    found: dict[str, Json] = {}
    for item in value:
        label = _label(name, item)
        # ECS takes a variable twice, and no difference may hide behind the other one
        found[f"{label}#{len(found)}" if label in found else label] = _content(name, item)
    return [(label, inner, "") for label, inner in found.items()]


def _holds_objects(value: Json) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _laid_over(name: str, old: Json, new: Json) -> Json:
    if isinstance(old, dict) and isinstance(new, dict):
        return merged(old, new)
    if not (isinstance(old, list) and isinstance(new, list) and name in _NAMED_BY):
        return new
    items: dict[tuple[str, ...], Json] = {_identity(name, item): item for item in old}
    for item in new:
        key, there = _identity(name, item), items.get(_identity(name, item))
        both = isinstance(there, dict) and isinstance(item, dict)
        items[key] = merged(there, item) if both else item  # type: ignore[arg-type]  # both are
    return list(items.values())


def _identity(name: str, item: Json) -> tuple[str, ...]:
    if not isinstance(item, dict):
        return (canonical(item),)
    default = {"protocol": "tcp"} if name == "portMappings" else {}
    return tuple(plain(item.get(key) or default.get(key, "")) for key in _NAMED_BY[name])


def _label(name: str, item: Json) -> str:
    return "/".join(part for part in _identity(name, item) if part)


def _content(name: str, item: Json) -> Json:
    """Return what is left to say of an item once its name is said."""
    if not isinstance(item, dict):
        return item
    rest = {key: value for key, value in item.items() if key not in _NAMED_BY[name]}
    value = _PAIRS.get(name)
    if value and set(rest) <= {value}:
        return rest.get(value)
    return rest or "yes"
