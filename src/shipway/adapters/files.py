"""Files on this machine's disk: read whole, written whole, or grown at their end."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shipway.errors import DiskIsFull

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DiskFiles:
    """`ports.Files` on the disk."""

    def write(self, path: str, text: str) -> None:
        """Write a whole file, or leave the old one; see `ports.Files`.

        Not synced: a crash of ours keeps the old or the new text, which is what readers need. A
        crash of the machine may lose it, as it loses the run that would have read it.
        """
        target = Path(path)
        beside = target.with_name(f".{target.name}.{os.urandom(4).hex()}")
        with _room(path):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                beside.write_bytes(text.encode())
                beside.replace(target)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise

    def open_log(self, path: str) -> DiskLog:
        """Begin a file anew, making its folder where needed; see `ports.Files`."""
        target = Path(path)
        with _room(path):
            target.parent.mkdir(parents=True, exist_ok=True)
            return DiskLog(path, target.open("wb", buffering=0))

    def read(self, path: str) -> str | None:
        """Return the text of a file; None when it is not there."""
        try:
            return Path(path).read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None

    def exists(self, path: str) -> bool:
        """Tell whether there is such a file or folder."""
        return Path(path).exists()

    def remove(self, path: str) -> None:
        """Remove a file if it is there."""
        with suppress(FileNotFoundError, NotADirectoryError):
            Path(path).unlink()

    def append(self, path: str, line: str) -> None:
        """Add a line to a file, making its folder and the file first where needed."""
        target = Path(path)
        with _room(path):
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")


class DiskLog:
    """`ports.LogFile` on the disk.

    It keeps nothing back: programs that print much are told in large chunks, so a buffer would
    save little, and what a step said is on the disk even when we are killed.
    """

    def __init__(self, path: str, file: io.FileIO) -> None:
        self._path, self._file = path, file

    def write(self, data: bytes) -> None:
        """Add bytes; see `ports.LogFile`."""
        with _room(self._path):
            left = memoryview(data)
            while left:  # a disk that fills up takes a part first, and then says no
                left = left[self._file.write(left) :]

    def close(self) -> None:
        """End it; repeatable. A network disk may say only now that there is no room."""
        with _room(self._path):
            self._file.close()


@contextmanager
def _room(path: str) -> Iterator[None]:
    """Turn every way of the system to say "no room" into ours."""
    try:
        yield
    except OSError as problem:
        if problem.errno not in _NO_ROOM:
            raise
        raise DiskIsFull(
            os.strerror(problem.errno).lower(),
            hint="make room (caches and old runs are safe to remove), then run it again",
            where=path,
        ) from problem
