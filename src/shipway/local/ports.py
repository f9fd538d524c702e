"""Loopback ports: the ones used before, while they are free, so that addresses stay the same."""

from __future__ import annotations

import socket

from shipway.errors import OutsideDidNotAnswer

_LOOPBACK = "127.0.0.1"


def free_port(preferred: int) -> int:
    """Return `preferred` when it can be listened on now, else any free port.

    Somebody may take the port before its user listens; the user must be ready for that.

    Raises:
        OutsideDidNotAnswer: this machine has no free port left.
    """
    for port in (preferred, 0) if preferred else (0,):
        with socket.socket() as probe:
            # As servers do: a connection of the last owner that still times out is no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OutsideDidNotAnswer(
        "no free port on 127.0.0.1", hint="end programs that listen, then `shipway local up`"
    )
