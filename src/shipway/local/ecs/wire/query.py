"""The query protocol: form fields in, XML out, both led by the operation's shape."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, Shape, StructureShape

from shipway.local.ecs.wire.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.local.ecs.document import JsonObject


def parse(form: Mapping[str, str], shape: Shape | None) -> JsonObject:
    """Return the request in `form`; a field that the shape does not know is an error.

    Lists are numbered from 1 (`Names.member.1`); raises AwsError ValidationError.
    """
    fields = {k: v for k, v in form.items() if k not in {"Action", "Version"}}
    used: set[str] = set()
    found = _value(fields, "", shape, used) if shape is not None else None
    unknown = sorted(set(fields) - used)
    if unknown:
        raise AwsError("ValidationError", f"unknown parameters: {', '.join(unknown)}")
    return found if isinstance(found, dict) else {}


def _value(fields: Mapping[str, str], prefix: str, shape: Shape, used: set[str]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(shape, StructureShape):
        found = {}
        for name, member in shape.members.items():
            path = f"{prefix}.{name}" if prefix else name
            value = _value(fields, path, member, used)
            if value is not None:
                found[name] = value
        return found or None
    if isinstance(shape, ListShape):
        return _list(fields, prefix, shape, used)
    if prefix not in fields:
        return None
    used.add(prefix)
    return _scalar(fields[prefix], shape, prefix)


def _list(fields: Mapping[str, str], prefix: str, shape: ListShape, used: set[str]) -> Any:  # noqa: ANN401 - any JSON
    if fields.get(prefix) == "":
        used.add(prefix)
        return []
    items: list[Any] = []
    while True:
        path = f"{prefix}.member.{len(items) + 1}"
        if not any(name == path or name.startswith(path + ".") for name in fields):
            return items or None
        items.append(_value(fields, path, shape.member, used))


def _scalar(text: str, shape: Shape, path: str) -> object:
    try:
        match shape.type_name:
            case "integer" | "long":
                return int(text)
            case "float" | "double":
                return float(text)
            case "boolean":
                return {"true": True, "false": False}[text.lower()]
            case _:
                return text
    except (ValueError, KeyError):
        raise AwsError("ValidationError", f"'{text}' at '{path}' has the wrong type") from None


def render(operation: str, reply: JsonObject, shape: Shape | None, namespace: str) -> str:
    """Return the reply's XML document."""
    body = _xml(f"{operation}Result", reply, shape) if shape is not None else ""
    return (
        f'<{operation}Response xmlns="{namespace}">{body}'
        f"<ResponseMetadata><RequestId>local</RequestId></ResponseMetadata></{operation}Response>"
    )


def render_error(code: str, message: str, namespace: str) -> str:
    """Return an error's XML document."""
    return (
        f'<ErrorResponse xmlns="{namespace}"><Error><Type>Sender</Type><Code>{escape(code)}</Code>'
        f"<Message>{escape(message)}</Message></Error><RequestId>local</RequestId></ErrorResponse>"
    )


def _xml(tag: str, value: Any, shape: Shape) -> str:  # noqa: ANN401 - any JSON
    if isinstance(shape, StructureShape):
        inner = "".join(
            _xml(name, value[name], member)
            for name, member in shape.members.items()
            if value.get(name) is not None
        )
    elif isinstance(shape, ListShape):
        inner = "".join(_xml("member", item, shape.member) for item in value)
    elif isinstance(shape, MapShape):
        inner = "".join(
            f"<entry>{_xml('key', k, shape.key)}{_xml('value', v, shape.value)}</entry>"
            for k, v in value.items()
        )
    else:
        inner = escape(_text(value, shape))
    return f"<{tag}>{inner}</{tag}>"


def _text(value: Any, shape: Shape) -> str:  # noqa: ANN401 - any JSON
    if shape.type_name == "timestamp":
        return datetime.fromtimestamp(float(value), UTC).isoformat().replace("+00:00", "Z")
    if shape.type_name == "boolean":
        return "true" if value else "false"
    return str(value)
