"""What is said about a release that runs: by probes, and by people. A part of `events.types`."""

from __future__ import annotations

from typing import ClassVar

from shipway.model.lazy import dataclass


@dataclass(frozen=True, slots=True)
class VerificationJudged:
    """A person decided what nobody could find out: whether a release is well where it runs."""

    version: ClassVar[int] = 1
    environment: str
    release: str
    accepted: bool
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ProbeEnded:
    """A probe was judged: `line` says what it wanted and what it got."""

    version: ClassVar[int] = 1
    environment: str
    outcome: str
    line: str
