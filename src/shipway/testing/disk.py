"""A disk in memory: files by path, which a test may fill up."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import RLock

from shipway.errors import DiskIsFull
from shipway.testing.calls import Misuse


@dataclass(slots=True)
class FakeLog:
    """`ports.LogFile` of `FakeFiles`."""

    path: str
    files: FakeFiles
    _written: bytes = b""
    _closed: bool = False

    def write(self, data: bytes) -> None:
        """Add bytes; the text is there at once, with what is no text replaced."""
        if self._closed:
            raise Misuse(f"wrote to {self.path} after it was closed")
        self._written += data
        self.files.write(self.path, self._written.decode(errors="replace"))

    def close(self) -> None:
        """End it; repeatable."""
        self._closed = True


@dataclass(slots=True)
class FakeFiles:
    """`ports.Files` in memory; `texts` by path. While `full`, nothing can be written."""

    texts: dict[str, str] = field(default_factory=dict)
    full: bool = False
    _lock: RLock = field(default_factory=RLock)

    def write(self, path: str, text: str) -> None:
        """Write a whole file."""
        if self.full:
            raise DiskIsFull("no room for it", hint="set `full` to False", where=path)
        with self._lock:
            self.texts[path] = text

    def open_log(self, path: str) -> FakeLog:
        """Begin a file anew."""
        self.write(path, "")
        return FakeLog(path, self)

    def read(self, path: str) -> str | None:
        """Return the text of a file; None when it is not there."""
        return self.texts.get(path)

    def exists(self, path: str) -> bool:
        """Tell whether there is such a file or folder."""
        return any(known == path or known.startswith(f"{path}/") for known in self.texts)

    def remove(self, path: str) -> None:
        """Remove a file if it is there."""
        self.texts.pop(path, None)

    def append(self, path: str, line: str) -> None:
        """Add a line to a file, making it first where needed."""
        with self._lock:
            self.write(path, f"{self.texts.get(path, '')}{line}\n")
