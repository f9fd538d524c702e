"""Events for people at a terminal: the plain lines, and below them what runs right now.

Rich is imported here and nowhere else, and only when something is drawn.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import RLock
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from shipway.events.types import CheckEnded, CheckStarted, Entry, Output, StepEnded, StepStarted
from shipway.views.plain import PlainLines
from shipway.views.words import duration

_WIDTH = 100


class LiveView:
    """A reader of the stream that draws; a context manager, since a drawing must be put away.

    Args:
        console: where to draw; stderr when not given.
        clock: seconds since the epoch, as in the envelopes of events.
    """

    def __init__(
        self, console: Console | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._console = console or Console(stderr=True, highlight=False)
        self._plain = PlainLines(self._print)
        self._lock = RLock()
        self._running: dict[str, tuple[float, str]] = {}
        self._live = Live(
            get_renderable=self._draw, console=self._console, refresh_per_second=8, transient=True
        )

    def __enter__(self) -> LiveView:  # noqa: PYI034 - final in practice
        """Begin to draw."""
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the drawing away; the lines stay."""
        self._live.stop()

    def __call__(self, entry: Entry) -> None:
        """Remember what runs, and print what is over."""
        with self._lock:
            match entry.event:
                case CheckStarted(check, command):
                    self._running[check] = (entry.at, command)
                    return
                case StepStarted(sentence):
                    self._running[""] = (entry.at, sentence)
                case Output(source, line) if line.strip():
                    name = source if source in self._running else ""
                    since = self._running.get(name, (entry.at, ""))[0]
                    self._running[name] = (since, line.strip())
                case CheckEnded(check):
                    self._running.pop(check, None)
                case StepEnded():
                    self._running.clear()
                case _:
                    pass
        self._plain(entry)

    def _print(self, line: str) -> None:
        style = "bold red" if "FAILED" in line or "ERROR" in line else ""
        self._console.print(Text(line, style=style), soft_wrap=True)

    def _draw(self) -> Group:
        now = self._clock()
        with self._lock:
            rows = [
                Text(
                    f"  {duration(max(0.0, now - since)):>9}  {name:<12} {line}"[:_WIDTH],
                    style="dim",
                )
                for name, (since, line) in self._running.items()
            ]
        return Group(*rows)
