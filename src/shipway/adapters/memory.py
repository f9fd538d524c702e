"""What this machine remembers of earlier runs of a service's checks: one small JSON file.

It is written anew, in one piece, after each thing remembered; of two processes at once the last
one wins. What cannot be read is forgotten, what cannot be written is not remembered.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final
from urllib.parse import quote

from shipway.model.kept import Past

_LAST: Final = 20
_FORM: Final = 1
_Rows = dict[str, list[tuple[float, int | str]]]


class FileMemory:
    """`ports.Memory` in `<folder>/<service>.json`; the last 20 runs of each check."""

    def __init__(self, folder: Path, service: str) -> None:
        self._path = folder / f"{quote(service, safe='')}.json"
        self._lock = Lock()

    def recall(self, check: str, *, remote: bool = False) -> Past:
        """Return what is remembered of a check; empty where nothing is."""
        rows = self._read()
        runs = rows.get(f"check {check}", [])
        restored = rows.get(_restores(remote=remote), [])
        return Past(
            seconds=tuple(seconds for seconds, _ in runs),
            outcomes=tuple(str(outcome) for _, outcome in runs),
            restored=tuple((size, seconds) for seconds, size in restored if isinstance(size, int)),
        )

    def remember(self, check: str, outcome: str, seconds: float) -> None:
        """Add how a check went; never raises."""
        self._add(f"check {check}", (seconds, outcome))

    def remember_restore(self, size: int, seconds: float, *, remote: bool) -> None:
        """Add what restoring an entry of `size` bytes took; never raises."""
        self._add(_restores(remote=remote), (seconds, size))

    def _add(self, name: str, row: tuple[float, int | str]) -> None:
        with self._lock:
            rows = self._read()
            rows[name] = [*rows.get(name, []), row][-_LAST:]
            with suppress(OSError):
                self._write({"form": _FORM, "rows": rows})

    def _read(self) -> _Rows:
        try:
            found = json.loads(self._path.read_bytes())
            if found["form"] != _FORM:
                return {}
            return {
                str(name): [(float(seconds), _value(what)) for seconds, what in rows]
                for name, rows in found["rows"].items()
            }
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}

    def _write(self, content: object) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.{os.urandom(6).hex()}.part")
        try:
            draft.write_text(json.dumps(content), encoding="utf-8")
            draft.replace(self._path)
        finally:
            draft.unlink(missing_ok=True)


def _restores(*, remote: bool) -> str:
    return "restores remote" if remote else "restores local"


def _value(found: object) -> int | str:
    if not isinstance(found, int | str):
        raise TypeError(found)
    return found
