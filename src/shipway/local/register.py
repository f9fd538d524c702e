"""The register of processes that must not outlive the supervisor: `processes.json`.

It is on disk because those who need it most, the reaper and the next `up`, read it after the
supervisor was killed.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from shipway.local.files import write_whole
from shipway.local.processes import Identity

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """A process to end, how patiently, and the delivery it was running, if any."""

    name: str
    who: Identity
    group: bool
    grace_s: float
    run: str = ""


class Register:
    """The supervisor's own hand on the file; safe from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: tuple[Entry, ...] = ()
        self._lock = threading.Lock()

    def add(self, entry: Entry) -> None:
        """Note a process, right after its start."""
        with self._lock:
            self._write((*self._entries, entry))

    def remove(self, who: Identity) -> None:
        """Forget a process that has ended."""
        with self._lock:
            self._write(tuple(entry for entry in self._entries if entry.who != who))

    def _write(self, entries: tuple[Entry, ...]) -> None:
        self._entries = entries
        write_whole(self._path, json.dumps([asdict(entry) for entry in entries], indent=2) + "\n")


def read(path: Path) -> tuple[Entry, ...]:
    """Return the entries in the order of their start; empty without a readable file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return tuple(Entry(**{**entry, "who": Identity(**entry["who"])}) for entry in found)
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return ()
