"""The process that cleans up when the supervisor is killed, as Testcontainers' Ryuk does.

Waits for the end of its standard input, a pipe that only the supervisor holds. A supervisor that
ends in order writes a line first, and then there is nothing to do.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Final

from shipway.local.home import home
from shipway.local.locks import take
from shipway.local.sweep import sweep

FAREWELL: Final = b"all is stopped\n"


def main() -> None:
    """Wait for the supervisor's end; sweep unless it ended in order.

    Holds `reaper.lock` all its life, so that the next `up` can wait for the sweep's end.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it must be the last to go
    place = home(os.environ)
    take(place.lock("reaper"), timeout_s=60)
    if sys.stdin.buffer.read() != FAREWELL:
        sweep(place)


if __name__ == "__main__":
    main()
