"""Events for people at a terminal: what is over stands as lines, what runs is drawn below them.

It draws with five escapes of its own: a library for it would take longer to load than the checks
of an unchanged tree take altogether.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from threading import Event as Flag
from threading import Lock, Thread
from typing import TextIO

from shipway.checks.said import cut, plain
from shipway.events.types import Entry
from shipway.views.grouped import PlainView
from shipway.views.keyboard import Keyboard
from shipway.views.words import duration

EVERY_S = 0.125
PATIENCE_S = 2.0
MARGIN = 4  # rows of the terminal that are never drawn upon
_UP, _CLEAR, _CUT, _WRAP = "\x1b[{}A", "\r\x1b[J", "\x1b[?7l", "\x1b[?7h"
_RED, _DIM, _PLAIN = "\x1b[1;31m", "\x1b[2m", "\x1b[0m"


class LiveView:
    """A reader of the stream that draws; a context manager, since a drawing must be put away.

    No event draws: a thread does, eight times a second. `q` ends the drawing, and the rest of the
    run is written as in a log. The table of all checks comes after the drawing is put away.

    Args:
        screen: where to draw; stderr when not given.
        clock: seconds since the epoch, as in the envelopes of events.
        size: columns and lines of the terminal, asked before each drawing.
        keyboard: where `q` comes from; stdin when not given.
    """

    def __init__(
        self,
        screen: TextIO | None = None,
        clock: Callable[[], float] = time.time,
        *,
        size: Callable[[], tuple[int, int]] = shutil.get_terminal_size,
        keyboard: Keyboard | None = None,
    ) -> None:
        self._screen = screen or sys.stderr
        self._clock, self._size = clock, size
        self._keyboard = keyboard or Keyboard(sys.stdin)
        self._lines: list[str] = []
        self._guard = Lock()  # of the lines alone: a terminal that is held holds up no check
        self._plain = PlainView(self._keep, clock, drawn=True)
        self._drawn = 0
        self._drawing, self._gone = True, False
        self._over = Flag()
        self._thread = Thread(target=self._go_on, name="live view", daemon=True)

    def __enter__(self) -> LiveView:  # noqa: PYI034 - final in practice
        """Begin to draw."""
        try:
            self._keyboard.take()
            self._thread.start()
        except BaseException:
            self._over.set()
            self._keyboard.give_back()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Put the drawing away, give the keyboard back, and say what the checks came to."""
        try:
            self._over.set()
            self._thread.join(PATIENCE_S)
            # a terminal that is held, or gone, takes nothing
            if not (self._thread.is_alive() or self._gone):
                self._drawing = False
                self._plain.sum_up()
                self.draw()
        finally:
            self._keyboard.give_back()

    def __call__(self, entry: Entry) -> None:
        """Take an event; nothing is drawn now."""
        self._plain(entry)

    def draw(self) -> None:
        """Write what is over since the last drawing, and draw what runs, in one go."""
        with self._guard:
            lines, self._lines = self._lines, []
        columns, height = self._size()
        rows = self._rows(columns, max(1, height - MARGIN)) if self._drawing else []
        if not (lines or rows or self._drawn):
            return
        away = f"{_UP.format(self._drawn)}{_CLEAR}" if self._drawn else ""
        written = "".join(f"{_coloured(line)}\n" for line in lines)
        drawn = "".join(f"{_DIM}{row}{_PLAIN}\n" for row in rows)
        self._drawn = len(rows)
        self._screen.write(f"{away}{written}{_CUT}{drawn}{_WRAP}" if rows else f"{away}{written}")
        self._screen.flush()

    def _rows(self, columns: int, limit: int) -> list[str]:
        running = self._plain.running()
        now = self._clock()
        shown = running if len(running) <= limit else running[: limit - 1]
        rows = [
            f"  {duration(max(0.0, now - at)):>9}  {name:<12} {plain(said)}"
            for name, at, said in shown
        ]
        more = len(running) - len(shown)
        if more:
            rows.append(f"  {'':>9}  and {more} more")
        if rows and len(rows) < limit and self._keyboard.taken():
            rows.append(f"  {'':>9}  q: plain lines")
        return [cut(row, columns - 1) for row in rows]

    def _keep(self, line: str) -> None:
        with self._guard:
            self._lines.append(line)

    def _go_on(self) -> None:
        """Draw until it is over; where nobody can see it any more, stop."""
        try:
            while not self._over.is_set():
                pressed = self._keyboard.key(EVERY_S)
                if pressed is None:
                    self._over.wait(EVERY_S)
                if pressed == "q":
                    self._drawing = False
                    self._plain.take_over()
                    self._keyboard.give_back()
                self._plain.beat(self._clock())
                self.draw()
        except (OSError, ValueError):
            self._gone = True


def _coloured(line: str) -> str:
    bad = "FAILED" in line or "ERROR" in line
    return f"{_RED}{line}{_PLAIN}" if bad else line
