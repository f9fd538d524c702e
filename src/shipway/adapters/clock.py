"""The clock of this machine, and the only place where anything sleeps."""

from __future__ import annotations

import time


class SystemClock:
    """`ports.Clock` on the machine's own clocks."""

    def now(self) -> float:
        """Return seconds since the epoch, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start; never goes back."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)
