"""What a starting supervisor tells `up`: JSON lines on an inherited pipe.

Each is one of

    {"note": "text"} · {"ready": true} · {"failed": {"status": 5, "message": "…", "hint": "…"}}
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from shipway.errors import LeaseIsHeld, OutsideDidNotAnswer, ShipwayError, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Reports:
    """The supervisor's end of the pipe."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def note(self, text: str) -> None:
        """Say something that a person may want to know."""
        self._write({"note": text})

    def ready(self) -> None:
        """Say that everything answers."""
        self._write({"ready": True})

    def failed(self, problem: ShipwayError) -> None:
        """Say why it cannot start."""
        fields = {"message": problem.message, "hint": problem.hint, "status": problem.exit_status}
        self._write({"failed": fields})

    def _write(self, report: object) -> None:
        line = f"{json.dumps(report)}\n"
        sys.stderr.write(line)  # the supervisor's log
        try:
            os.write(self._pipe, line.encode())
        except BrokenPipeError:
            return  # `up` has gone, having heard all it needs


def wait_until_ready(lines: Iterable[str], say: Callable[[str], None]) -> bool:
    """Pass notes on until the supervisor is ready; tell whether it got there before it died.

    Raises:
        ShipwayError: the failure that the supervisor reported.
    """
    for line in lines:
        report = json.loads(line)
        if "ready" in report:
            return True
        if "failed" in report:
            raise _problem(**report["failed"])
        say(report["note"])
    return False


def _problem(status: int, message: str, hint: str) -> ShipwayError:
    match status:
        case WrongUsage.exit_status:
            return WrongUsage(message, hint=hint)
        case LeaseIsHeld.exit_status:
            return LeaseIsHeld(message, hint=hint)
        case _:
            return OutsideDidNotAnswer(message, hint=hint)
