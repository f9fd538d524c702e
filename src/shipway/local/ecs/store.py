"""Keeps the state as one JSON file: written whole, renamed into place, read back as records."""

from __future__ import annotations

import dataclasses
import json
import os
import types
import typing
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from shipway.local.ecs.state import Records, State

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1


class Store(Protocol):
    """Keeps one state. `load` once at the start, then `save` from one thread at a time."""

    def load(self) -> State:
        """Return the state kept, or an empty one."""
        ...

    def save(self, state: State) -> None:
        """Keep `state`; a crash at any moment leaves the old or the new one, never a mixture."""
        ...


class NoStore:
    """Forgets; for tests."""

    def load(self) -> State:
        """Return an empty state."""
        return State()

    def save(self, state: State) -> None:
        """Do nothing."""


class FileStore:
    """Keeps the state in a JSON file readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> State:
        """Return the state in the file; raise ValueError when it has another format."""
        if not self._path.exists():
            return State()
        data = json.loads(self._path.read_text(encoding="utf-8"))
        if data.pop("format", None) != FORMAT:
            raise ValueError(f"{self._path} was written in another format; remove it")
        return decode_state(data)

    def save(self, state: State) -> None:
        """Write beside the file, then rename over it."""
        data = {"format": FORMAT, **encode_state(state)}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(data, file, separators=(",", ":"))
        fresh.replace(self._path)


def encode_state(state: State) -> dict[str, Any]:
    """Return `state` as plain JSON values."""
    return {
        table.name: {key: _encode(record) for key, record in getattr(state, table.name).items()}
        for table in dataclasses.fields(state)
    }


def decode_state(data: dict[str, Any]) -> State:
    """Return the state that `encode_state` wrote; unknown tables are a KeyError."""
    state = State()
    hints = typing.get_type_hints(State)
    for name, rows in data.items():
        (record_type,) = typing.get_args(hints[name])
        table: Records[Any] = getattr(state, name)
        for key, row in rows.items():
            table[key] = _decode(row, record_type)
    return state


def _encode(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    return value


def _decode(value: Any, wanted: Any) -> Any:  # noqa: ANN401 - driven by the records' own types
    if value is None:
        return None
    if isinstance(wanted, types.UnionType):
        wanted = next(t for t in typing.get_args(wanted) if t is not type(None))
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        hints = typing.get_type_hints(wanted)
        return wanted(**{name: _decode(item, hints[name]) for name, item in value.items()})
    if typing.get_origin(wanted) is tuple:
        return tuple(_decode(item, typing.get_args(wanted)[0]) for item in value)
    if isinstance(wanted, type) and issubclass(wanted, StrEnum):
        return wanted(value)
    return value
