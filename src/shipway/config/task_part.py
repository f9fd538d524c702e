"""`task:`: raw fields of an ECS task definition, held against the shape that ECS itself publishes.

It knows how text becomes what a shape asks for, and what Shipway decides alone. Which fields there
are is said by the shape, so that it never has to be kept up to date here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from shipway.config.crosscheck import Finding, suggestion
from shipway.config.strict_yaml import Data, Path
from shipway.model.api_shape import Shape
from shipway.model.document import Json, JsonObject, canonical, merged

MakeShape = Callable[[], Shape]
"""Makes the shape of `RegisterTaskDefinition`; costly, so it is asked only where `task:` stands."""

IDENTITY = ("SHIPWAY_COMMIT", "SHIPWAY_ENVIRONMENT", "SHIPWAY_IMAGE_DIGEST", "SHIPWAY_RELEASE")
"""The variables by which a container knows who it is."""

_DIGITS = re.compile(r"-?(0|[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?\Z")

_SCALARS: dict[str, str] = {
    "boolean": "neither true nor false",
    "integer": "not a whole number in plain digits",
    "long": "not a whole number in plain digits",
    "double": "not a number",
    "float": "not a number",
}


def task_findings(data: Data, make_shape: MakeShape | None) -> Iterator[Finding]:
    """Yield every problem of the `task:` keys of a whole document.

    Args:
        data: the document, as it was read.
        make_shape: without it, only what needs no shape is checked: what Shipway decides alone.
    """
    root = data if isinstance(data, dict) else {}
    own = root.get("service")
    for path, part in _parts(root):
        if make_shape is not None:
            yield from _problems(part, make_shape(), path)
        yield from _decided(part, path, own if isinstance(own, str) else "")


def overlays(data: Data, make_shape: MakeShape | None) -> dict[str, str]:
    """Return what `task:` says in each environment, that of the service below its own.

    The texts are canonical JSON; an environment for which nothing is said is left out. Without a
    shape each value stays the text that was written, which is enough to read on.
    """
    root = data if isinstance(data, dict) else {}
    said = dict(_parts(root))
    if not said:
        return {}
    shape = make_shape() if make_shape else None
    typed = {path: _typed_object(part, shape) for path, part in said.items()}
    everywhere = typed.get(("task",), {})
    environments = root.get("environments")
    names = list(environments) if isinstance(environments, dict) else []
    whole = {name: merged(everywhere, typed.get(_path(name), {})) for name in names}
    return {name: canonical(part) for name, part in whole.items() if part}


def _parts(root: dict[str, Data]) -> Iterator[tuple[Path, Data]]:
    if isinstance(root.get("task"), dict):
        yield ("task",), root["task"]
    environments = root.get("environments")
    for name, part in (environments if isinstance(environments, dict) else {}).items():
        if isinstance(part, dict) and isinstance(part.get("task"), dict):
            yield _path(name), part["task"]


def _path(environment: str) -> Path:
    return ("environments", environment, "task")


def _problems(value: Data, shape: Shape, path: Path) -> Iterator[Finding]:
    if value is None:
        return  # null: left out of what Shipway makes
    match shape.kind:
        case "structure" if isinstance(value, dict):
            yield from _fields(value, shape, path)
        case "list" if isinstance(value, list) and shape.item:
            for n, inner in enumerate(value):
                yield from _problems(inner, shape.item, (*path, n))
        case "map" if isinstance(value, dict) and shape.item:
            for key, inner in value.items():
                yield from _problems(inner, shape.item, (*path, key))
        case "structure" | "map":
            yield path, "ECS wants names and values here"
        case "list":
            yield path, "ECS wants a list here"
        case _:
            yield from _scalar(value, shape, path)


def _fields(value: dict[str, Data], shape: Shape, path: Path) -> Iterator[Finding]:
    known = [name for name, _ in shape.members]
    for name, inner in value.items():
        found = shape.member(name)
        if found is None:
            hint = suggestion(name, known)
            yield (*path, name), f"ECS knows no field of that name here{hint}"
        else:
            yield from _problems(inner, found, (*path, name))


def _scalar(value: Data, shape: Shape, path: Path) -> Iterator[Finding]:
    if not isinstance(value, str):
        yield path, "ECS wants a single value here"
    elif shape.kind in _SCALARS and _typed(value, shape) == value:
        yield path, f"{value!r} is {_SCALARS[shape.kind]}"
    elif shape.words and value not in shape.words:
        hint = suggestion(value, list(shape.words)) or f" -> one of {', '.join(shape.words)}"
        yield path, f"{value!r} is none of the words that ECS knows{hint}"


def _decided(part: Data, path: Path, own: str) -> Iterator[Finding]:
    """Yield what contradicts a decision that is Shipway's alone."""
    if not isinstance(part, dict):
        return
    if "family" in part:
        yield (*path, "family"), "Shipway decides it, from the environment and the ECS service"
    containers = part.get("containerDefinitions")
    for n, container in enumerate(containers if isinstance(containers, list) else []):
        at = (*path, "containerDefinitions", n)
        if not isinstance(container, dict) or not container.get("name"):
            yield at, "needs 'name': containers are put together by name"
        elif container["name"] == own:
            yield from _decided_of_ours(container, at)
        elif "image" not in container and path == ("task",):
            yield at, f"needs 'image', since it is not the service's own container ({own!r})"


def _decided_of_ours(container: dict[str, Data], path: Path) -> Iterator[Finding]:
    if "image" in container:
        yield (*path, "image"), "Shipway decides it: the digest of the release that is deployed"
    variables = container.get("environment")
    for n, variable in enumerate(variables if isinstance(variables, list) else []):
        name = variable.get("name") if isinstance(variable, dict) else None
        if name in IDENTITY:
            yield (*path, "environment", n), f"Shipway decides {name}: it says what runs"


def _typed_object(value: Data, shape: Shape | None) -> JsonObject:
    found = _typed(value, shape)
    return found if isinstance(found, dict) else {}


def _typed(value: Data, shape: Shape | None) -> Json:  # noqa: PLR0911 - one line for each kind
    """Return a value in the type that a shape asks for; as it is where it does not fit."""
    inner = shape.item if shape else None
    match value:
        case dict() if shape and shape.kind == "structure":
            return {name: _typed(item, shape.member(name)) for name, item in value.items()}
        case dict():
            return {name: _typed(item, inner) for name, item in value.items()}
        case list():
            return [_typed(item, inner) for item in value]
        case str() if shape and shape.kind == "boolean":
            return {"true": True, "false": False}.get(value, value)
        case str() if shape and shape.kind in {"integer", "long"} and _DIGITS.match(value):
            return int(value)
        case str() if shape and shape.kind in {"double", "float"} and _NUMBER.match(value):
            return float(value)
        case _:
            return value
