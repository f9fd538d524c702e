"""Events for a log that people read: checks that run beside each other never mix their output.

What a check prints is held and written as one group when it ends, if it failed. While nothing is
to be said, a line every five seconds says what runs: Jenkins looks at a silent step only every 15.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event as Flag
from threading import RLock, Thread

from shipway.checks.said import cut, plain
from shipway.events.types import (
    CheckEnded,
    ChecksEnded,
    CheckStarted,
    Entry,
    Output,
    RunEnded,
    RunStarted,
    StepEnded,
    StepStarted,
)
from shipway.views.markers import Markers
from shipway.views.plain import PlainLines
from shipway.views.summary import Tally
from shipway.views.words import MINUTE, duration

SILENCE_S, PATIENCE_S = 5.0, 2.0
TAIL, ALL, WIDTH, NAMES = 100, 10_000, 2_000, 6
_BAD = frozenset({"failed", "errored"})


@dataclass(slots=True)
class _Held:
    """What one program printed: its last lines, and how many there were."""

    lines: deque[str]
    total: int = 0


class PlainView:
    """A reader of the stream that writes lines; a context manager, since it owns a thread.

    Args:
        write: takes one line, without its end; called by one thread at a time.
        clock: seconds since the epoch, as in the envelopes of events.
        markers: of the engine whose log it is.
        verbose: write what every check printed, at most its last 10,000 lines; without it only
            that of checks which failed, at most 100.
        drawn: what runs is drawn elsewhere (`live`), so only what is over is written, without
            groups; until `take_over`.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        clock: Callable[[], float],
        *,
        markers: Markers = Markers.NONE,
        verbose: bool = False,
        drawn: bool = False,
    ) -> None:
        self._to, self._clock, self._markers = write, clock, markers
        self._verbose, self._drawn = verbose, drawn
        self._lines, self._tally = PlainLines(self._write), Tally()
        self._held: dict[str, _Held] = {}
        self._running: dict[str, float] = {}
        self._step: tuple[float, str] | None = None
        self._now = self._said = clock()
        self._lock = RLock()
        self._over = Flag()
        self._thread = Thread(target=self._tick, name="heartbeat", daemon=True)

    def __enter__(self) -> PlainView:  # noqa: PYI034 - final in practice
        """Begin to say what runs, when nothing else is to be said."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop that, and say what the checks came to, where that was not said yet."""
        self._over.set()
        self._thread.join(PATIENCE_S)
        self.sum_up()

    def __call__(self, entry: Entry) -> None:
        """Take an event; output is only held."""
        with self._lock:
            if isinstance(entry.event, Output):
                self._hold(entry.event)
                return
            self._now = entry.at
            self._lines.begin(entry.at)
            self._tally(entry)
            self._show_groups(entry)
            if not (self._drawn and isinstance(entry.event, CheckStarted)):
                self._lines(entry)
            self._follow(entry)

    def beat(self, now: float) -> None:
        """Say what runs, if something does and nothing was said for five seconds."""
        with self._lock:
            if self._drawn or now - self._said < SILENCE_S or not (self._running or self._step):
                return
            self._now = now
            since = [(name, now - at) for name, at in self._running.items()]
            if not since and self._step:
                since = [(cut(self._step[1], 60), now - self._step[0])]
            told = [f"{name} {_roughly(seconds)}" for name, seconds in since[:NAMES]]
            more = f" and {len(since) - NAMES} more" if len(since) > NAMES else ""
            self._lines.say(f"  ... {', '.join(told)}{more}", now)

    def take_over(self) -> None:
        """Write from now on what was drawn until now."""
        with self._lock:
            self._drawn = False

    def running(self) -> list[tuple[str, float, str]]:
        """Return what runs: name, since when, and what it printed last; a step has no name."""
        with self._lock:
            if self._running or not self._step:
                return [(name, at, self._last(name)) for name, at in self._running.items()]
            said = next((h.lines[-1] for h in reversed(self._held.values()) if h.lines), "")
            return [("", self._step[0], said or self._step[1])]

    def sum_up(self) -> None:
        """Say what the checks came to, once."""
        with self._lock:
            tally, self._tally = self._tally, Tally()
            for line in tally.lines():
                self._write(line)

    def _last(self, name: str) -> str:
        held = self._held.get(name)
        return held.lines[-1] if held and held.lines else ""

    def _hold(self, output: Output) -> None:
        held = self._held.get(output.source)
        if held is None:
            held = _Held(deque(maxlen=ALL if self._verbose else TAIL))
            self._held[output.source] = held
        held.lines.append(output.line)
        held.total += 1

    def _show_groups(self, entry: Entry) -> None:
        match entry.event:
            case CheckEnded(check, outcome):
                self._group(check, outcome)
            case StepEnded(_, outcome):  # of a step that is no check, such as a push
                for source in tuple(self._held):
                    self._group(source, outcome)
            case _:
                pass

    def _group(self, source: str, outcome: str) -> None:
        """Write what a program printed, if it is worth it, and forget it."""
        held = self._held.pop(source, None)
        failed = outcome in _BAD
        if held is None or self._drawn or not (failed or self._verbose):
            return
        kept = len(held.lines)
        count = f"last {kept} of {held.total} lines" if kept < held.total else "its output"
        title = f"{source} {outcome}, {count}:"
        self._write(self._markers.opening(title, failed=failed))
        for line in held.lines:
            self._write(f"  {source} | {cut(plain(self._markers.safe(line)), WIDTH)}".rstrip())
        for line in self._markers.closing(f"{source} {outcome}", failed=failed):
            self._write(line)

    def _follow(self, entry: Entry) -> None:
        match entry.event:
            case RunStarted(command):
                self._step = (entry.at, command)
            case StepStarted(sentence):
                self._step = (entry.at, sentence)
            case CheckStarted(check):
                self._running.setdefault(check, entry.at)
            case CheckEnded(check):
                self._running.pop(check, None)
            case ChecksEnded() if not self._drawn:
                self.sum_up()
            case StepEnded() | RunEnded():
                self._step = None
                self._running.clear()
            case _:
                pass

    def _write(self, line: str) -> None:
        self._said = self._now
        self._to(line)

    def _tick(self) -> None:
        while not self._over.wait(1.0):
            try:
                self.beat(self._clock())
            except OSError:
                return  # nobody reads any more; the run finds that out by its own writes


def _roughly(seconds: float) -> str:
    return f"{max(0.0, seconds):.0f} s" if seconds < MINUTE - 0.5 else duration(seconds)
