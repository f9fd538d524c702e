"""Leases on one machine: a locked file each, which the kernel unlocks however its holder dies."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from shipway.errors import DiskIsFull, LeaseIsHeld

FORGOTTEN_AFTER_S = 86400.0
LOOKERS, A_LOOK_S = 5, 0.02


class FileLeases:
    """`ports.Leases` as files in a folder."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    @contextmanager
    def hold(self, name: str, *, owner: str) -> Iterator[None]:
        """Hold the lease inside the context; raise at once where somebody else has it."""
        path = self._folder / f"{name.replace('/', '.')}.lock"
        with ExitStack() as open_files:
            with _room(path):
                self._folder.mkdir(parents=True, exist_ok=True)
                file = open_files.enter_context(path.open("a+", encoding="utf-8"))
            try:
                _lock(file)
            except BlockingIOError as problem:
                file.seek(0)
                raise LeaseIsHeld(
                    f"{file.read().strip() or 'another run'} is at work here",
                    where=name,
                    hint="wait until it has ended (`shipway log` shows it), then run this again",
                ) from problem
            with _room(path):
                file.truncate(0)
                os.write(file.fileno(), f"{owner} (pid {os.getpid()})".encode())
            yield

    def held(self, kind: str) -> frozenset[str]:
        """Return what is held now of the names `kind/NAME`; forgets files that are long dead."""
        alive = set()
        for path in self._folder.glob(f"{kind}.*.lock"):
            with path.open("r", encoding="utf-8") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    alive.add(path.name.removeprefix(f"{kind}.").removesuffix(".lock"))
                    continue
                if time.time() - path.stat().st_mtime > FORGOTTEN_AFTER_S:
                    path.unlink(missing_ok=True)
        return frozenset(alive)


@contextmanager
def _room(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        if problem.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        hint = "make room, then run this again"
        raise DiskIsFull("there is no room on the disk", where=str(path), hint=hint) from problem


def _lock(file: TextIO) -> None:
    """Lock, forgiving somebody who only looks whether it is held: that takes no time."""
    for _ in range(LOOKERS):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(A_LOOK_S)  # noqa: TID251 - shorter than any clock's business
        else:
            return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
