"""The live view: what is over stands above as a line, what runs is drawn below with its time."""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest

from shipway.events.types import (
    CheckEnded,
    ChecksEnded,
    CheckStarted,
    Entry,
    Event,
    Output,
    RunEnded,
    StepStarted,
)
from shipway.views.keyboard import Keyboard
from shipway.views.live import LiveView
from tests.story.terminal import Screen

ENDED = CheckEnded("unit", "passed", "", 2.0, 18, (), "unit.log")


class Told:
    """A view that draws when a test says so, on a screen that shows what a person would see."""

    def __init__(self, columns: int = 100, height: int = 24) -> None:
        self.written = io.StringIO()
        self.now = 100.0
        self.columns, self.height = columns, height
        self.view = LiveView(
            self.written,  # a text that is no terminal
            clock=lambda: self.now,
            size=lambda: (self.columns, self.height),
            keyboard=Keyboard(io.StringIO()),
        )

    def tell(self, *events: Event) -> Told:
        """Publish events, now."""
        for event in events:
            self.view(Entry(self.now, "sender", "run-1", event))
        return self

    def seen(self) -> Screen:
        """Draw, and return the screen."""
        self.view.draw()
        return Screen(self.columns).feed(self.written.getvalue())


def test_what_runs_is_drawn_with_its_last_line_and_its_time() -> None:
    """A check that runs shows how long it has, by the clock and not by its last event."""
    told = Told().tell(CheckStarted("unit", "vitest run"), Output("unit", "11 tests passed"))
    told.now = 107.5
    assert told.seen().rows == ["      7.5 s  unit         11 tests passed", ""]


def test_what_is_over_stands_as_a_line() -> None:
    """A check that ended leaves the drawing and becomes a line that stays."""
    told = Told().tell(CheckStarted("lint", "eslint ."), CheckStarted("unit", "vitest run"))
    told.seen()
    told.now = 102.0
    assert told.tell(ENDED).seen().text().splitlines() == [
        "    2.0s    unit         ok, 2.0 s, 18 tests",
        "      2.0 s  lint",
    ]


def test_a_cached_check_is_marked() -> None:
    """A check whose result was kept stands as a line that says where it was kept."""
    kept = CheckEnded("unit", "passed", "", 0.0, 18, (), "unit.log", cached="this machine")
    assert "unit         ok, cached (this machine), 18 tests" in Told().tell(kept).seen().text()


def test_a_step_is_drawn_where_no_check_runs() -> None:
    """A step that is no check is drawn in its own words, or with what its program printed."""
    told = Told().tell(StepStarted("push the image"))
    assert told.seen().text().splitlines()[-1].split() == ["0.0", "s", "push", "the", "image"]
    told.tell(Output("push", "layer 3 of 7"))
    assert told.seen().text().splitlines()[-1].endswith("layer 3 of 7")


@pytest.mark.parametrize(("height", "rows"), [(24, 20), (10, 6), (5, 1), (2, 1)])
def test_the_drawing_is_never_higher_than_the_terminal(height: int, rows: int) -> None:
    """Of more checks than there is room for, those that began first are drawn, the rest counted."""
    told = Told(height=height).tell(*(CheckStarted(f"c{n}", "x") for n in range(32)))
    lines = told.seen().text().splitlines()
    assert len(lines) == rows
    assert lines[-1].strip() == f"and {32 - rows + 1} more"


def test_the_drawing_is_never_wider_than_the_terminal() -> None:
    """A long last line is cut, so that no row breaks and the drawing can be put away."""
    told = Told(columns=40).tell(CheckStarted("unit", "x"), Output("unit", "wide 宽" * 99))
    told.seen()
    screen = told.seen()
    assert (screen.wrapped, len(screen.rows)) == (0, 2)
    told.columns = 20  # and follows the terminal
    assert max(map(len, told.seen().rows)) < 20


def test_output_cannot_draw() -> None:
    """Escapes and controls in what a check prints do not reach the terminal."""
    told = Told().tell(CheckStarted("unit", "x"), Output("unit", "\x1b[2J\x1b[9Aup\x07 10%\r20%"))
    assert told.seen().text().splitlines()[0].endswith("unit         20%")
    assert "\x07" not in told.written.getvalue()


def test_an_event_draws_nothing() -> None:
    """A burst of events costs no drawing: the next one shows where things stand."""
    told = Told().tell(CheckStarted("unit", "x"))
    told.tell(*(Output("unit", f"line {n}") for n in range(100_000)))
    assert told.written.getvalue() == ""
    assert told.seen().text().splitlines()[0].endswith("line 99999")


def test_the_table_comes_after_the_drawing() -> None:
    """When the view closes, nothing of the drawing is left, and the table of all checks is last."""
    told = Told()
    with told.view:
        told.tell(CheckStarted("unit", "u"), CheckStarted("lint", "l"))
        while "lint" not in told.written.getvalue():
            told.view._over.wait(0.01)  # noqa: SLF001 - until its thread had a turn
        told.now = 102.0
        told.tell(ENDED, CheckEnded("lint", "failed", "exit status 1", 2.0, 0, (), "lint.log"))
        told.tell(ChecksEnded("", "failed", (), 18, 2.0), RunEnded("failed", "x", 3, 2.0))
    assert [line.strip() for line in told.seen().text().splitlines()] == [
        "2.0s    unit         ok, 2.0 s, 18 tests",
        "2.0s    lint         FAILED, 2.0 s: exit status 1",
        "2.0s    checks failed in 2.0 s, 18 tests",
        "",
        "check  result  time   tests",
        "unit   ok      2.0 s  18",
        "lint   FAILED  2.0 s",
        "slowest: unit 2.0 s, lint 2.0 s",
    ]


def test_without_a_terminal_for_keys_there_is_no_hint() -> None:
    """Where no key can be read, `q` is not offered."""
    assert "q:" not in Told().tell(CheckStarted("unit", "x")).seen().text()


def test_a_screen_that_is_gone_ends_the_drawing_only() -> None:
    """Where the terminal is gone, the view ends without an error."""
    reading, writing = os.pipe()
    os.close(reading)
    screen = os.fdopen(writing, "w")
    with LiveView(screen, keyboard=Keyboard(io.StringIO())) as view:
        view(Entry(100.0, "sender", "run-1", CheckStarted("unit", "x")))
        view._thread.join(10)  # noqa: SLF001 - it ends by itself
        assert not view._thread.is_alive()  # noqa: SLF001 - what is promised
    with suppress(BrokenPipeError):
        screen.close()


# --- at a real terminal -------------------------------------------------------------------------

PROGRAM = """
import os, signal, sys, time
words = int(sys.argv[2])
terminal = os.open(sys.argv[1], os.O_RDWR)  # of a session leader: it becomes our terminal
for number in (0, 1, 2):
    os.dup2(terminal, number)
from shipway.events.types import *
from shipway.views.live import LiveView
class Over(Exception): pass
def over(*_): raise Over
signal.signal(signal.SIGTERM, over)
signal.signal(signal.SIGINT, over)
try:
    with LiveView() as view:
        def tell(event): view(Entry(time.time(), "sender", "run-1", event))
        tell(CheckStarted("unit", "vitest run"))
        tell(CheckStarted("lint", "eslint ."))
        tell(Output("unit", "still at it"))
        while (word := os.read(words, 1)) != b"e":
            if word == b"x":
                raise RuntimeError("a bug")
            tell(Output("lint", "the reason"))
            tell(CheckEnded("lint", "failed", "exit status 1", 2.0, 0, (), "lint.log"))
except Over:
    print("over")
print("end", flush=True)
os.read(words, 1)  # the terminal lives on, so that the test can look at it
"""


@dataclass
class Terminal:
    """A pseudo-terminal with the program on it."""

    master: int
    slave: int
    words: int
    process: subprocess.Popen[bytes]
    said: str = ""

    def until(self, text: str, within_s: float = 20) -> str:
        """Read until the text stands on the screen, and return all that was written so far."""
        end = time.monotonic() + within_s
        while text not in self.said:
            assert time.monotonic() < end, f"no {text!r} in {self.said!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                self.said += os.read(self.master, 65536).decode()
        return self.said

    def word(self, letter: str) -> None:
        """Tell the program what to do next."""
        os.write(self.words, letter.encode())

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.master, keys)

    def is_cooked(self) -> bool:
        """Tell whether the terminal shows what is typed, line by line, as a shell wants it."""
        flags = termios.tcgetattr(self.slave)[3]
        return bool(flags & termios.ECHO and flags & termios.ICANON)


@contextmanager
def terminal() -> Iterator[Terminal]:
    """Run the program on a terminal of its own, of 80 columns and 24 rows."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    told, words = os.pipe()
    process = subprocess.Popen(
        (sys.executable, "-c", PROGRAM, os.ttyname(slave), str(told)),
        start_new_session=True,
        pass_fds=(told,),
        env={**os.environ, "TERM": "xterm", "PYTHONWARNINGS": "error"},
    )
    try:
        yield Terminal(master, slave, words, process)
    finally:
        process.kill()
        process.wait()
        for number in (master, slave, told, words):
            os.close(number)


def shown(here: Terminal) -> list[str]:
    """Return what stands on the screen now."""
    return Screen().feed(here.said.replace("\r\n", "\n")).text().splitlines()


def test_it_draws_on_a_terminal_and_puts_all_away() -> None:
    """On a terminal checks are drawn with their last line; at the end only lines are left."""
    with terminal() as here:
        here.until("still at it")
        here.until("q: plain lines")
        assert not here.is_cooked()
        here.word("f")
        here.until("lint         FAILED")
        here.word("e")
        here.until("end")
        assert here.is_cooked()
        lines = shown(here)
    assert not [line for line in lines if "still at it" in line or "q:" in line]
    assert [line for line in lines if "lint         FAILED, 2.0 s: exit status 1" in line]


def test_q_drops_to_plain_lines() -> None:
    """After `q` nothing is drawn, the terminal is given back, and what fails shows its group."""
    with terminal() as here:
        here.until("q: plain lines")
        here.press(b"aq")
        while not here.is_cooked():
            time.sleep(0.01)
        here.word("f")
        here.until("lint | the reason")
        here.until("... unit")  # the sign of life, after five seconds
        here.word("e")
        here.until("end")
        lines = shown(here)
    assert not [line for line in lines if "still at it" in line]
    assert "  lint | the reason" in lines


@pytest.mark.parametrize(("how", "last"), [("term", "over"), ("ctrl-c", "over"), ("bug", "a bug")])
def test_the_terminal_is_given_back_however_it_ends(how: str, last: str) -> None:
    """SIGTERM, Ctrl-C and an error end the view with the terminal as it was found."""
    with terminal() as here:
        here.until("q: plain lines")
        assert not here.is_cooked()
        match how:
            case "term":
                here.process.send_signal(signal.SIGTERM)
            case "ctrl-c":
                here.press(b"\x03")
            case _:
                here.word("x")
        here.until(last)
        if how == "bug":
            here.process.wait(20)
        assert here.is_cooked()
        assert not [line for line in shown(here) if "still at it" in line]
