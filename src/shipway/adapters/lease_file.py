"""Leases on one machine: a locked file each, which the kernel unlocks however its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shipway.errors import LeaseIsHeld


class FileLeases:
    """`ports.Leases` as files in a folder."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    @contextmanager
    def hold(self, name: str, *, owner: str) -> Iterator[None]:
        """Hold the lease inside the context; raise at once where somebody else has it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{name.replace('/', '.')}.lock"
        with path.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as problem:
                file.seek(0)
                raise LeaseIsHeld(
                    f"{file.read().strip() or 'another run'} is at work here",
                    where=name,
                    hint="wait until it has ended (`shipway log` shows it), then run this again",
                ) from problem
            file.truncate(0)
            file.write(f"{owner} (pid {os.getpid()})")
            file.flush()
            yield
