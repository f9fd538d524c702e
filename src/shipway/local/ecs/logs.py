"""Where container output goes when nobody brings a better sink: memory, or files."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from pathlib import Path


class MemoryLogs:
    """Keeps all lines; for tests and short runs."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], list[str]] = {}
        self._lock = threading.Lock()

    def write(self, group: str, stream: str, timestamp_ms: int, line: str) -> None:
        """Keep one line."""
        del timestamp_ms
        with self._lock:
            self._lines.setdefault((group, stream), []).append(line)

    def lines(self, group: str) -> dict[str, list[str]]:
        """Return the lines of each stream of `group`."""
        with self._lock:
            return {s: list(lines) for (g, s), lines in self._lines.items() if g == group}


class FileLogs:
    """Appends to `<root>/<group>/<stream>.log`, one line per event, prefixed by epoch milliseconds.

    A group's or stream's slashes become directories; a `..` part is refused by dropping its dots.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()

    def write(self, group: str, stream: str, timestamp_ms: int, line: str) -> None:
        """Append one line; the file is closed again, so a reader sees it at once."""
        with self._lock, self._open(group, stream) as file:
            file.write(f"{timestamp_ms} {line}\n")

    def _open(self, group: str, stream: str) -> TextIO:
        parts = [part for part in f"{group}/{stream}".split("/") if part.strip(".")]
        path = self._root.joinpath(*parts[:-1], f"{parts[-1]}.log")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a", encoding="utf-8")
