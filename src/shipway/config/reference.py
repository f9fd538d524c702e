"""The schema, told to its readers: the reference page, JSON Schema for editors, a whole example.

Everything comes from `schema`, so that no word is written twice. It returns text and writes no
file; `docs/generate.py` does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from shipway.config.example import LISTED, NAMED, annotated
from shipway.config.schema import Configuration
from shipway.model.lazy import dataclass

Schema = Mapping[str, object]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_INTRODUCTION = """\
One file, `shipway.yaml`, in the root of the service's repository says all that Shipway knows of
a service. It is strict YAML: a value means what is written, so `no` is the text "no" and `012` is
not octal. Duplicate keys, unknown keys, anchors, merge keys and tags are errors. Nothing is
templated and nothing is evaluated. Secrets stand in it by name only.

Every command that reads the file tells all of its problems at once, with line and column, and
exits with 2.

For completion in an editor, make this the first line of the file, with your path to the
[JSON Schema](shipway.schema.json):

```text
# yaml-language-server: $schema=docs/reference/shipway.schema.json
```
"""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the file: its path, with `<name>` for a free name and `[]` for a list's item."""

    path: str
    words: str
    kind: str
    required: bool
    default: str


def every_key() -> tuple[Key, ...]:
    """Return every key, each section before what is in it, in the order of the schema."""
    root = _schema()
    return tuple(_walk(root, root, ""))


def json_schema() -> str:
    """Return the JSON Schema, as text that ends with a newline."""
    head = {"$schema": DIALECT, "title": "shipway.yaml"}
    rest = {key: value for key, value in _tidy(_schema()).items() if key not in head}
    return json.dumps(head | rest, indent=2) + "\n"


def annotated_example() -> str:
    """Return a whole `shipway.yaml` that uses every key, each with its words at its first use."""
    return annotated({key.path: key.words for key in every_key()})


def configuration_page() -> str:
    """Return the reference page, in Markdown."""
    parts = [
        "# Configuration: `shipway.yaml`\n",
        _INTRODUCTION,
        "## A file that uses every key\n",
        f"```yaml\n{annotated_example()}```\n",
        "## Every key\n",
        "`<name>` is a name that you choose, and `[]` any item of a list.\n",
    ]
    return "\n".join(parts + [_section(key) for key in every_key()])


def _section(key: Key) -> str:
    fate = "required" if key.required else f"default: {key.default}" if key.default else "optional"
    return f"### `{key.path}`\n\n{key.words}\n\n{key.kind}; {fate}.\n"


def _schema() -> dict[str, object]:
    return Configuration.model_json_schema()


def _walk(part: Schema, root: Schema, path: str) -> Iterator[Key]:
    required = _list(part.get("required"))
    for name, value in _map(part.get("properties")).items():
        declared = _map(value)
        shape = _resolved(declared, root)
        at = f"{path}.{name}" if path else name
        yield Key(
            path=at,
            words=str(declared.get("description") or shape.get("description") or ""),
            kind=_kind(shape, root),
            required=name in required,
            default=_default(declared.get("default")),
        )
        yield from _inside(shape, root, at)


def _inside(shape: Schema, root: Schema, at: str) -> Iterator[Key]:
    """Yield the keys below a key, through free names and lists."""
    if "anyOf" in shape:  # a word, or a section that says more
        for choice in _list(shape["anyOf"]):
            yield from _inside(_resolved(_map(choice), root), root, at)
    elif "properties" in shape:
        yield from _walk(shape, root, at)
    elif shape.get("type") == "array":
        yield from _inside(_resolved(_map(shape.get("items")), root), root, at + LISTED)
    elif shape.get("type") == "object":
        yield from _inside(_resolved(_values(shape), root), root, f"{at}.{NAMED}")


def _resolved(shape: Schema, root: Schema) -> dict[str, object]:
    """Follow a reference, and leave out the null by which an absent key is written."""
    if "$ref" in shape:
        name = str(shape["$ref"]).rpartition("/")[2]
        return _map(_map(root.get("$defs")).get(name))
    choices = [_map(c) for c in _list(shape.get("anyOf")) if _map(c).get("type") != "null"]
    return _resolved(choices[0], root) if len(choices) == 1 else dict(shape)


def _kind(shape: Schema, root: Schema) -> str:  # noqa: C901, PLR0911 - one line for each kind there is
    """Say in words what a value must be."""
    shape = _resolved(shape, root)
    if "anyOf" in shape:
        return " or ".join(_kind(_map(choice), root) for choice in _list(shape["anyOf"]))
    words = _list(shape.get("enum")) or ([shape["const"]] if "const" in shape else [])
    if words:
        return " or ".join(f"`{word}`" for word in words)
    match shape.get("type"):
        case "array":
            return f"list of {_kind(_map(shape.get('items')), root)}"
        case "object" if "properties" in shape:
            return "section"
        case "object" if not _values(shape):
            return "fields of the ECS API"
        case "object":
            return f"names, each with: {_kind(_values(shape), root)}"
        case "integer":
            return f"whole number{_bounds(shape)}"
        case "number":
            return f"number{_bounds(shape)}"
        case "string" if "pattern" in shape:
            return f"text that fits `{shape['pattern']}`"
        case "string":
            return "text"
        case _:
            return "text, number or truth value"


def _bounds(shape: Schema) -> str:
    lowest, highest = shape.get("minimum"), shape.get("maximum")
    over, under = shape.get("exclusiveMinimum"), shape.get("exclusiveMaximum")
    lowest = over + 1 if isinstance(over, int) else lowest
    highest = under - 1 if isinstance(under, int) else highest
    if highest is None:
        return "" if lowest is None else f", at least {lowest}"
    return f" from {lowest} to {highest}"


def _default(value: object) -> str:
    if value is None or isinstance(value, dict) or value == []:
        return ""
    if isinstance(value, list):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{value}`"


def _values(shape: Schema) -> dict[str, object]:
    """Return what the values under free names must be."""
    patterns = _map(shape.get("patternProperties"))
    return _map(next(iter(patterns.values()), shape.get("additionalProperties")))


def _tidy(shape: Schema) -> dict[str, object]:
    """Leave out what helps no editor: titles made from names, and defaults that mean "absent"."""
    return {key: _tidy_value(key, value) for key, value in shape.items() if _helps(key, value)}


def _helps(key: str, value: object) -> bool:
    return not (key == "title" and isinstance(value, str)) and not (
        key == "default" and value is None
    )


def _tidy_value(key: str, value: object) -> object:
    if key in {"properties", "$defs", "patternProperties"}:  # here keys are names, kept as they are
        return {name: _tidy(_map(inner)) for name, inner in _map(value).items()}
    if isinstance(value, dict):
        return _tidy(value)
    if isinstance(value, list):
        return [_tidy(inner) if isinstance(inner, dict) else inner for inner in value]
    return value


def _map(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
