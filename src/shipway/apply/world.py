"""Everything that a run may touch, in one value, made by `wiring` and handed down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from shipway.apply.redaction import Redactor, clean
from shipway.events.stream import Stream
from shipway.events.types import Event
from shipway.model.lazy import dataclass
from shipway.ports import (
    Clock,
    ComposeRunner,
    Files,
    Http,
    ImageBuilder,
    Inspector,
    Leases,
    LedgerStore,
    Memory,
    Orchestrator,
    Registry,
    SecretStore,
    Shell,
    StepCache,
    Tools,
    Tree,
)

if TYPE_CHECKING:
    from shipway.ledger import History


@dataclass(frozen=True, slots=True)
class World:
    """The ports of one run, and what was asked for in `command`, as it was typed.

    `slots` is how many checks may use the CPU at once; `poll_s` the shortest time between two
    looks at a deployment; `root` the checkout; `folder` where this run keeps its logs; `notes`
    where the newest key of each check is kept; `env` what every check finds in its environment
    besides ours; `platform` what results are bound to; `passed` names and keys of the checks that
    a run which is resumed had passed; `chance` gives numbers from 0 up to 1, each as likely.
    """

    service: str
    run: str
    command: str
    actor: str
    root: str
    folder: str
    notes: str
    slots: int
    poll_s: float
    env: Mapping[str, str]
    platform: str
    passed: tuple[tuple[str, str], ...]
    chance: Callable[[], float]
    clock: Clock
    shell: Shell
    files: Files
    builder: ImageBuilder
    registry: Registry
    orchestrator: Orchestrator
    inspector: Inspector
    http: Http
    compose: ComposeRunner
    ledger: LedgerStore
    leases: Leases
    tree: Tree
    tools: Tools
    cache: StepCache
    memory: Memory
    secrets: SecretStore
    redactor: Redactor
    stream: Stream

    def publish(self, event: Event) -> None:
        """Tell the stream, with no secret in it."""
        self.stream.publish(clean(event, self.redactor))

    def history(self) -> History:
        """Read the service's history as it is now."""
        from shipway.ledger import fold  # noqa: PLC0415 - checks alone do without

        return fold(self.ledger.entries(self.service))
