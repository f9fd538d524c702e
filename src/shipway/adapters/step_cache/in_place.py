"""Which outputs stand in a checkout as a check left them, for those too large to copy.

It looks at the outputs and at what lies directly in them, never deeper: what changes a file
further down, without adding or removing one, is not seen.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_OURS: Final = (".bin", ".pnpm")  # folders that package managers make
_BOOKS: Final = (".modules.yaml", ".package-lock.json")  # pnpm's and npm's record of what is there


class Stamps:
    """One small file for each set of outputs in each checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mark(self, key: str, root: str, outputs: tuple[str, ...]) -> None:
        """Remember that the outputs, as they are now, are those of this key.

        Raises:
            OSError: it cannot be written.
        """
        stamp = self._path(root, outputs)
        stamp.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = stamp.with_name(f"{stamp.name}.{os.urandom(6).hex()}.part")
        try:
            draft.write_text(f"{key} {_signature(root, outputs)}\n", encoding="ascii")
            draft.replace(stamp)
        finally:
            draft.unlink(missing_ok=True)

    def stands(self, key: str, root: str, outputs: tuple[str, ...]) -> bool:
        """Tell whether the outputs are still those that were marked with this key."""
        stamp = self._path(root, outputs)
        try:
            found = stamp.read_bytes()
            if found != f"{key} {_signature(root, outputs)}\n".encode():
                return False
        except OSError:
            return False
        with suppress(OSError):
            os.utime(stamp)
        return True

    def _path(self, root: str, outputs: tuple[str, ...]) -> Path:
        named = "\0".join((str(Path(root).resolve()), *outputs))
        return self.folder / hashlib.sha256(os.fsencode(named)).hexdigest()


def _signature(root: str, outputs: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for output in outputs:
        for line in _looks(Path(root, output)):
            digest.update(os.fsencode(line))
    return digest.hexdigest()


def _looks(output: Path) -> Iterator[str]:
    try:
        status = output.lstat()
    except OSError:
        yield f"{output.name} is not there\0"
        return
    if not stat.S_ISDIR(status.st_mode):
        yield _line(output.name, status)
    else:
        yield f"{output.name}\0{status.st_mode} {status.st_ino}\0"
        with os.scandir(output) as entries:
            for entry in sorted(entries, key=lambda e: e.name):
                if _is_a_tools(entry):
                    continue
                yield _line(entry.name, entry.stat(follow_symlinks=False))
                if entry.name in _BOOKS:
                    yield hashlib.sha256(Path(entry.path).read_bytes()).hexdigest()


def _is_a_tools(entry: os.DirEntry[str]) -> bool:
    """Tell whether a tool keeps its own things there."""
    hidden = entry.name.startswith(".") and entry.name not in _OURS
    return hidden and entry.is_dir(follow_symlinks=False)


def _line(name: str, status: os.stat_result) -> str:
    return f"{name}\0{status.st_mode} {status.st_ino} {status.st_mtime_ns} {status.st_size}\0"
