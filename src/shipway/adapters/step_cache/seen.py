"""Which files stand in a checkout as an entry has them, since they were last compared with it.

Comparing reads them; this looks at what the kernel says of them, each one, as git's index does. A
file that was written so lately that another write could leave the same times is not believed.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from shipway.model.kept import KeptFile
from shipway.ports import Clock

_SETTLED_S: Final = 2.0
"""How old a file's last change has to be: some file systems tell time in steps of two seconds."""


class Seen:
    """One small file for each key in each checkout, in `folder`."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder, self._clock = folder, clock

    def stands(self, key: str, root: str, files: tuple[KeptFile, ...]) -> bool:
        """Tell whether no file has changed since all of them were seen to be those of this key."""
        note = self._path(key, root)
        try:
            if note.read_text(encoding="ascii") != _look(root, files)[0]:
                return False
        except (OSError, ValueError):
            return False
        with suppress(OSError):
            os.utime(note)  # used now: the last to be dropped
        return True

    def mark(self, key: str, root: str, files: tuple[KeptFile, ...]) -> None:
        """Remember that the files are those of this key, having just been compared with it."""
        with suppress(OSError):
            look, newest = _look(root, files)
            if self._clock.now() - newest < _SETTLED_S:
                return
            note = self._path(key, root)
            note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = note.with_name(f"{note.name}.{os.urandom(6).hex()}.part")
            try:
                draft.write_text(look, encoding="ascii")
                draft.replace(note)
            finally:
                draft.unlink(missing_ok=True)

    def _path(self, key: str, root: str) -> Path:
        where = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()
        return self._folder / f"{key[:32]}-{where[:32]}"


def _look(root: str, files: tuple[KeptFile, ...]) -> tuple[str, float]:
    """Return a digest of what the kernel says of each file, and when the newest change was (s)."""
    digest, newest = hashlib.sha256(), 0
    for file in files:
        status = os.lstat(f"{root}/{file.path}")
        newest = max(newest, status.st_ctime_ns, status.st_mtime_ns)
        facts = (status.st_mode, status.st_ino, status.st_dev, status.st_size)
        times = (status.st_mtime_ns, status.st_ctime_ns)
        digest.update(f"{file.path}\0{facts} {times}\0".encode(errors="surrogateescape"))
    return digest.hexdigest(), newest / 1e9
