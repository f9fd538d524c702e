"""Advisory file locks that the kernel gives up when their holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from shipway.local.processes import wait_until

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that this process holds until `release`, or until it dies.

    The descriptor is not inherited by children, so a child can never keep the lock of a dead
    parent.
    """

    path: Path
    descriptor: int

    def write(self, text: str) -> None:
        """Say in the file who holds it; only meaningful to others while the lock is held."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, text.encode(), 0)

    def release(self) -> None:
        """Give the lock up. The file stays: deleting it would let two holders in."""
        os.close(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


def take(path: Path, *, timeout_s: float) -> Lock | None:
    """Take the lock, waiting at most `timeout_s` seconds (0: only try); `None` if others hold it.

    Polls, because flock(2) knows no timeout and an alarm signal would not work in threads.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not wait_until(lambda: _try(descriptor, fcntl.LOCK_EX), timeout_s=timeout_s):
        os.close(descriptor)
        return None
    if _is_there(path, descriptor):
        return Lock(path, descriptor)
    os.close(descriptor)  # its last holder deleted the file: a lock that nobody else would meet
    return take(path, timeout_s=timeout_s)


def is_held(path: Path) -> bool:
    """Tell whether some process holds the lock now.

    Asks by taking a shared lock for an instant, so a `take` at that instant must retry: the
    supervisor therefore never tries with a timeout of 0.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _is_there(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
