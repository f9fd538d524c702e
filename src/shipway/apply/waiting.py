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
    every_s: float | Callable[[], float],
    within_s: float,
    on_silence: Callable[[OutsideDidNotAnswer], None] | None = None,
) -> Verdict | None:
    """Return the first verdict that `look` gives, or None when the time is over.

    A look that gets no answer is no verdict: it is repeated, unless the silence lasts. With
    `on_silence`, which is told of each such look, no silence ends the wait before its time.
    `every_s` is asked after each look, where it is a function.

    Raises:
        OutsideDidNotAnswer: without `on_silence`, after `SILENCE_S` seconds without any answer,
            or when the time is over and there never was one. In any case at once when access is
            denied, which waiting does not change.
    """
    start = clock.monotonic()
    last_answer, answered = start, False
    while True:
        silence: OutsideDidNotAnswer | None = None
        verdict = None
        try:
            verdict = look()
            last_answer, answered = clock.monotonic(), True
        except AccessIsDenied:
            raise
        except OutsideDidNotAnswer as problem:
            silence = problem
        if verdict is not None:
            return verdict
        if silence is not None and on_silence is not None:
            on_silence(silence)
        pause_s = every_s() if callable(every_s) else every_s
        over = clock.monotonic() - start + pause_s > within_s
        if silence is not None and on_silence is None:
            too_long = clock.monotonic() - last_answer > SILENCE_S
            if too_long or (over and not answered):
                raise silence
        if over:
            return None
        clock.wait(pause_s)
