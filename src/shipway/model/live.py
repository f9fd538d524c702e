"""A service that runs already, as AWS describes it: what `shipway import` starts from."""

from __future__ import annotations

from typing import TypeAlias

from shipway.model.lazy import dataclass

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
"""What JSON can say."""


@dataclass(frozen=True, slots=True)
class LiveService:
    """A service, with documents as the ECS API has them.

    `service` holds what DescribeServices says, without what changes from minute to minute;
    `definition` only what RegisterTaskDefinition takes, so that nothing in it is read-only.
    `health` is the path of the target group's check, empty where there is none. `account` is empty
    on the embedded default.
    """

    cluster: str
    name: str
    region: str
    account: str
    service: dict[str, Json]
    definition: dict[str, Json]
    health: str


def part(document: Json, name: str) -> dict[str, Json]:
    """Return the object under a name; empty where there is none."""
    found = document.get(name) if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}


def items(document: Json, name: str) -> list[dict[str, Json]]:
    """Return the objects of the list under a name; empty where there is none."""
    found = document.get(name) if isinstance(document, dict) else None
    return [i for i in found if isinstance(i, dict)] if isinstance(found, list) else []


def text(document: Json, name: str) -> str:
    """Return the text under a name; empty where there is none."""
    found = document.get(name) if isinstance(document, dict) else None
    return found if isinstance(found, str) else ""


def number(document: Json, name: str) -> int | None:
    """Return the whole number under a name; None where there is none."""
    found = document.get(name) if isinstance(document, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None
