"""The only waiting loop: look, judge, wait, look again, until a verdict or the deadline."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from shipway.errors import AccessIsDenied, OutsideDidNotAnswer
from shipway.ports import Clock

Verdict = TypeVar("Verdict")

SILENCE_S = 60.0
"""How long the outside may stay silent before the wait is given up."""


def wait_for(
    look: Callable[[], Verdict | None],
    *,
    clock: Clock,
    every_s: float,
    within_s: float,
) -> Verdict | None:
    """Return the first verdict that `look` gives, or None when the time is over.

    A look that gets no answer is no verdict: it is repeated, unless the silence lasts.

    Raises:
        OutsideDidNotAnswer: after `SILENCE_S` seconds without any answer, when the time is over
            and there never was one, or at once when access is denied, which waiting does not
            change.
    """
    start = clock.monotonic()
    last_answer, answered = start, False
    while True:
        over = clock.monotonic() - start + every_s > within_s
        try:
            verdict = look()
            last_answer, answered = clock.monotonic(), True
        except AccessIsDenied:
            raise
        except OutsideDidNotAnswer:
            silent_s = clock.monotonic() - last_answer
            if silent_s > SILENCE_S or (over and not answered):
                raise
            verdict = None
        if verdict is not None:
            return verdict
        if over or clock.monotonic() - start + every_s > within_s:
            return None
        clock.wait(every_s)
