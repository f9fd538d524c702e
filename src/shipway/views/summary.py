"""What a run of checks came to, in a table: told once, when all of them have ended."""

from __future__ import annotations

from collections import Counter

from shipway.checks.timing import Link, Span, chain, length
from shipway.events.types import CheckEnded, CheckStarted, Entry
from shipway.views.words import MARKS, duration, table

ROWS, SLOWEST = 30, 3
_HEAD = ("check", "result", "time", "tests")


class Tally:
    """Remembers how checks went, from the events alone."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._started: dict[str, float] = {}
        self._ended: dict[str, tuple[float, CheckEnded]] = {}

    def __call__(self, entry: Entry) -> None:
        """Take an event."""
        match entry.event:
            case CheckStarted(check):
                self._first = entry.at if self._first is None else self._first
                self._started.setdefault(check, entry.at)
            case CheckEnded(check):
                self._first = entry.at if self._first is None else self._first
                self._ended[check] = (entry.at, entry.event)
            case _:
                pass

    def lines(self) -> list[str]:
        """Return the table and what took the time; empty for fewer than two checks."""
        ended = [event for _, event in self._ended.values()]
        if len(ended) <= 1:
            return []
        told = sorted(ended, key=lambda e: (e.outcome in {"passed", "skipped"}, -e.seconds))
        shown = {event.check for event in told[:ROWS]}
        lines = table([_row(e) for e in ended if e.check in shown], _HEAD)
        rest = Counter(_result(event) for event in told[ROWS:])
        if rest:
            counted = ", ".join(f"{count} {result}" for result, count in rest.most_common())
            lines.append(f"and {sum(rest.values())} more: {counted}")
        return ["", *lines, *self._times(ended)]

    def _times(self, ended: list[CheckEnded]) -> list[str]:
        ran = sorted((e for e in ended if not e.cached), key=lambda e: -e.seconds)
        slow = [f"{e.check} {duration(e.seconds)}" for e in ran[:SLOWEST] if e.seconds > 0]
        links = chain(tuple(self._spans()))
        lines = []
        if len(links) > 1:
            path = " -> ".join(_link(link) for link in links)
            lines.append(f"critical path: {path} = {duration(length(links))}")
        if len(slow) > 1:
            lines.append(f"slowest: {', '.join(slow)}")
        return lines

    def _spans(self) -> list[Span]:
        """Return when what ran began and ended; needs are not in the events, times are enough."""
        start = self._first or 0.0
        return [
            Span(check, (), self._started[check] - start, at - start)
            for check, (at, event) in self._ended.items()
            if check in self._started and not event.cached
        ]


_WORTH_TELLING_S = 0.5


def _link(link: Link) -> str:
    waited = f"(wait {duration(link.waited)}) " if link.waited >= _WORTH_TELLING_S else ""
    return f"{waited}{link.name} {duration(link.seconds)}"


def _row(event: CheckEnded) -> tuple[str, str, str, str]:
    seconds = "" if event.cached or event.outcome == "skipped" else duration(event.seconds)
    return event.check, _result(event), seconds, str(event.tests) if event.tests else ""


def _result(event: CheckEnded) -> str:
    return f"cached ({event.cached})" if event.cached else MARKS[event.outcome]
