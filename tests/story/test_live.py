"""The live view: what is over stands above as a line, what runs is drawn below with its time."""

from __future__ import annotations

import io

from rich.console import Console

from shipway.events.types import CheckEnded, CheckStarted, Entry, Event, Output, StepStarted
from shipway.views.live import LiveView


def drawn(*events: Event, at: float) -> str:
    """Return all that the view wrote, for events at second 100 and a clock that stands at `at`."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, color_system=None)
    with LiveView(console, clock=lambda: at) as view:
        for event in events:
            view(Entry(100.0, "sender", "run-1", event))
        view._live.refresh()  # noqa: SLF001 - the moment in which it would draw by itself
    return screen.getvalue()


def test_what_runs_is_drawn_with_its_last_line_and_its_time() -> None:
    """A check that runs shows how long it has, by the clock and not by its last event."""
    said = drawn(
        StepStarted("check 1234"),
        CheckStarted("unit", "vitest run"),
        Output("unit", "11 tests passed"),
        at=107.5,
    )
    assert "7.5 s  unit         11 tests passed" in said


def test_what_is_over_stands_as_a_line() -> None:
    """A check that ended leaves the drawing and becomes a line that stays."""
    ended = CheckEnded("unit", "passed", "", 2.0, 18, (), "unit.log")
    said = drawn(CheckStarted("unit", "vitest run"), ended, at=102.0)
    assert "unit         ok, 2.0 s, 18 tests" in said
