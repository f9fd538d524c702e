"""Publish and subscribe: whoever reads, the delivery goes on.

History goes to the journal first, and a journal that cannot write stops the run: what is not
remembered must not be done.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import get_args

from shipway.errors import Interrupted, Terminated
from shipway.events.types import Entry, Event, HistoryEvent, ReaderFailed

Reader = Callable[[Entry], None]


@dataclass(slots=True)
class Stream:
    """The stream of one run.

    Args:
        service: name that stands in each envelope.
        run: id that stands in each envelope.
        now: the clock, seconds since the epoch.
        journal: keeps history events; its errors reach the publisher.
        guard: a lock; one event is told to its end before the next.
        readers: hear every event; one that fails is left out, and told to the others as
            `ReaderFailed`.
    """

    service: str
    run: str
    now: Callable[[], float]
    journal: Reader
    guard: AbstractContextManager[object]
    readers: tuple[Reader, ...] = ()

    def publish(self, event: Event) -> None:
        """Keep the event if it is history, then tell every reader; safe to call from threads."""
        entry = Entry(self.now(), self.service, self.run, event)
        with self.guard:
            if isinstance(event, get_args(HistoryEvent)):
                self.journal(entry)
            for reader in self.readers:
                self._tell(reader, entry)

    def _tell(self, reader: Reader, entry: Entry) -> None:
        if reader not in self.readers:
            return  # it failed while it was told of another one's failure
        try:
            reader(entry)
        except (Interrupted, Terminated):
            raise  # a signal reached us while the reader worked; it is not the reader's failure
        except Exception as problem:  # noqa: BLE001 - a reader must never fail a delivery
            self.readers = tuple(other for other in self.readers if other is not reader)
            name = getattr(reader, "__qualname__", type(reader).__name__)
            failed = ReaderFailed(name, f"{type(problem).__name__}: {problem}")
            for other in self.readers:
                self._tell(other, Entry(entry.at, entry.service, entry.run, failed))
