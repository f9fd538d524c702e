"""Reads the logs of an environment once, or follows them: every event once, in the order of time.

CloudWatch Logs lets events arrive late and out of order, so each look goes back a little and tells
only what was not told. It refuses to know how an event is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from shipway.apply.waiting import SILENCE_S, wait_for
from shipway.model.operations import LogEvent, LogPlace
from shipway.model.service import Environment
from shipway.ports import Clock
from shipway.ports.operations import Operations

LATE_MS = 30_000
"""How much later than its neighbours an event may arrive and still be told."""

NEW_PLACES_EVERY_S = 15.0
"""How often it is asked whether a deployment moved the logs elsewhere."""


@dataclass(frozen=True, slots=True)
class Line:
    """An event, and the container that wrote it."""

    container: str
    event: LogEvent


@dataclass(slots=True)
class Follower:
    """What was told of the logs of one environment; `look` as often as one likes.

    Args:
        port: where logs are read.
        environment: whose logs.
        since_ms: what is older is not wanted; milliseconds since the epoch.
        task: id of a task, or its beginning; empty for all.
        text: what an event must contain; empty for all.
    """

    port: Operations
    environment: Environment
    clock: Clock
    since_ms: int
    task: str = ""
    text: str = ""
    places: tuple[LogPlace, ...] = ()
    _asked: float | None = None
    _told: dict[str, int] = field(default_factory=dict)

    def look(self) -> tuple[Line, ...]:
        """Return what is new, in the order of time."""
        self._find_places()
        found: list[Line] = []
        for place in self.places:
            stream = place.stream(self.task)
            events = self.port.log_events(place, stream, since_ms=self.since_ms, text=self.text)
            found += [Line(place.container, e) for e in events if _key(place, e) not in self._told]
            self._told |= {_key(place, e): e.at_ms for e in events}
        self._forget()
        return tuple(sorted(found, key=lambda line: line.event.at_ms))

    def next(self, every_s: float) -> tuple[Line, ...]:
        """Wait, look, and return what is new; an outside that is silent for a while is borne.

        Raises:
            OutsideDidNotAnswer: it stayed silent.
        """
        self.clock.wait(every_s)
        new = wait_for(self.look, clock=self.clock, every_s=every_s, within_s=SILENCE_S)
        return new or ()

    def _find_places(self) -> None:
        now = self.clock.monotonic()
        if self._asked is None or now - self._asked >= NEW_PLACES_EVERY_S:
            found = self.port.log_places(self.port.definition(self.environment))
            # the old tasks still write where they did: places are added, never dropped
            new = (p for p in found if p.group and p not in self.places)
            self.places, self._asked = (*self.places, *new), now

    def _forget(self) -> None:
        """Move on to the newest event but for the late ones, and forget what lies before."""
        newest = max(self._told.values(), default=0)
        self.since_ms = max(self.since_ms, newest - LATE_MS)
        self._told = {key: at for key, at in self._told.items() if at >= self.since_ms}


def _key(place: LogPlace, event: LogEvent) -> str:
    return f"{place.group} {event.id}"
