"""A one-off task that changes data before the code that needs it, and what became of it."""

from __future__ import annotations

from shipway.model.lazy import dataclass
from shipway.model.outcome import Outcome


@dataclass(frozen=True, slots=True)
class MigrationRules:
    """The command that migrates, in the new release's image, and how long it may take."""

    command: tuple[str, ...]
    timeout_s: float


@dataclass(frozen=True, slots=True)
class TaskRun:
    """How a one-off task stands: `lines` are new since the last look, in order.

    `exit_code` is absent while it runs, and where its container never started; `reason` is ECS's
    own sentence. `read_to` is the place in its log for the next look.
    """

    stopped: bool
    exit_code: int | None
    reason: str
    lines: tuple[str, ...]
    read_to: str


@dataclass(frozen=True, slots=True)
class Migration:
    """One run of a release's migration; `outcome` is None while it is not known how it ended."""

    environment: str
    release: str
    token: str
    at: float
    outcome: Outcome | None = None
    reason: str = ""
