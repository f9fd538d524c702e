"""The wire's JSON documents: kept whole, read where needed.

AWS grows these documents every month, so a record that keeps one keeps fields nobody here knows.
Everything that enters has passed botocore's own shape; this module refuses to know any field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

JsonObject: TypeAlias = dict[str, Any]
"""A JSON object whose form botocore's shape has checked; the one place where `Any` is let in."""


def pick(document: Mapping[str, Any], names: Iterable[str]) -> JsonObject:
    """Return the fields of `document` that are in `names` and not null, in the document's order."""
    wanted = frozenset(names)
    return {name: value for name, value in document.items() if name in wanted and value is not None}


def present(document: Mapping[str, Any]) -> JsonObject:
    """Return `document` without its null fields: AWS leaves out what is absent."""
    return {name: value for name, value in document.items() if value is not None}


def merge_tags(
    old: Iterable[JsonObject], new: Iterable[JsonObject], key: str = "key"
) -> tuple[JsonObject, ...]:
    """Return `old` with `new` added; a tag of the same key is replaced (TagResource's rule)."""
    merged = {tag[key]: tag for tag in old}
    merged.update({tag[key]: tag for tag in new})
    return tuple(merged.values())
