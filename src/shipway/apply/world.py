"""Everything that a run may touch, in one value, made by `wiring` and handed down."""

from __future__ import annotations

from dataclasses import dataclass

from shipway.events.stream import Stream
from shipway.events.types import Event
from shipway.ledger import History, fold
from shipway.ports import (
    Clock,
    ComposeRunner,
    Files,
    Http,
    ImageBuilder,
    Leases,
    LedgerStore,
    Orchestrator,
    Registry,
    Shell,
)


@dataclass(frozen=True, slots=True)
class World:
    """The ports of one run.

    `slots` is how many checks may use the CPU at once; `poll_s` how long to wait between two
    looks at a deployment; `folder` where this run keeps its logs; `root` the checkout.
    """

    service: str
    run: str
    actor: str
    root: str
    folder: str
    slots: int
    poll_s: float
    clock: Clock
    shell: Shell
    files: Files
    builder: ImageBuilder
    registry: Registry
    orchestrator: Orchestrator
    http: Http
    compose: ComposeRunner
    ledger: LedgerStore
    leases: Leases
    stream: Stream

    def publish(self, event: Event) -> None:
        """Tell the stream."""
        self.stream.publish(event)

    def history(self) -> History:
        """Read the service's history as it is now."""
        return fold(self.ledger.entries(self.service))
