"""A ledger and leases in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import get_args

from shipway.errors import LeaseIsHeld, SecretIsMissing
from shipway.events.codec import decode_history, encode_event
from shipway.events.types import Entry, HistoryEvent
from shipway.testing.calls import Calls, Misuse


@dataclass(slots=True)
class MemoryLedger:
    """`ports.LedgerStore` in a list; what it gives back went through the codec, as on a disk."""

    calls: Calls = field(default_factory=Calls)
    written: list[Entry] = field(default_factory=list)

    def append(self, entry: Entry) -> None:
        """Add a history entry."""
        with self.calls.call("ledger.append"):
            if not isinstance(entry.event, get_args(HistoryEvent)):
                raise Misuse(f"{type(entry.event).__name__} is not history")
            kind = type(entry.event).__name__
            event = decode_history(kind, encode_event(entry.event))
            if event != entry.event:
                raise Misuse(f"{entry.event} does not survive the codec")
            self.written.append(entry)

    def entries(self, service: str) -> Iterator[Entry]:
        """Return the history of a service in the order of writing."""
        with self.calls.call("ledger.entries"):
            found = [entry for entry in self.written if entry.service == service]
        yield from found


@dataclass(slots=True)
class FakeLeases:
    """`ports.Leases` in a dictionary; `held` by name, with the owner."""

    held: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def hold(self, name: str, *, owner: str) -> Iterator[None]:
        """Hold the lease inside the context; raise at once where somebody has it."""
        if name in self.held:
            raise LeaseIsHeld(f"{self.held[name]} is at work here", where=name)
        self.held[name] = owner
        try:
            yield
        finally:
            del self.held[name]


@dataclass(slots=True)
class FakeSecrets:
    """`ports.SecretStore`; `values` by reference."""

    values: dict[str, str] = field(default_factory=dict)

    def resolve(self, reference: str) -> str:
        """Return the value behind a reference."""
        if reference not in self.values:
            raise SecretIsMissing(f"there is nothing behind {reference}")
        return self.values[reference]
