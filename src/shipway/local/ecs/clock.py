"""Time as a port: the real clock, and one that moves only when told."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits. `virtual` says that time moves only by `advance`."""

    @property
    def virtual(self) -> bool:
        """Whether nobody must wait for this clock."""
        ...

    def now(self) -> float:
        """Return seconds since the Unix epoch, UTC."""
        ...

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """Wait until `event` is set, at most `timeout_s`; return whether it is set."""
        ...


class RealClock:
    """The machine's clock; with `skew_s` it is ahead of (or behind) every client's by so much."""

    virtual = False

    def __init__(self, skew_s: float = 0.0) -> None:
        self._skew_s = skew_s

    def now(self) -> float:
        """Return the machine's time and the skew."""
        return time.time() + self._skew_s

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """Wait really."""
        return event.wait(timeout_s)


class VirtualClock:
    """A clock that stands still between calls of `move_to`; safe to read from any thread."""

    virtual = True

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        """Return the virtual time."""
        return self._now

    def move_to(self, moment: float) -> None:
        """Move forward to `moment`; going back is a caller's bug."""
        if moment < self._now:
            raise ValueError(f"time cannot go back from {self._now} to {moment}")
        self._now = moment

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """Never wait: only `move_to` makes time pass."""
        del timeout_s
        return event.is_set()


def pause(seconds: float) -> None:
    """Sleep for real; for polling an outside program during start-up, never in the rollout."""
    time.sleep(seconds)  # noqa: TID251 - the one place where this package sleeps


def deadline(seconds: float) -> float:
    """Return the monotonic moment `seconds` from now, for `expired`."""
    return time.monotonic() + seconds


def expired(moment: float) -> bool:
    """Return whether a moment given by `deadline` has passed."""
    return time.monotonic() >= moment
