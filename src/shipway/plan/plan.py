"""A Plan: steps in order, and the fingerprint of what they were made from."""

from __future__ import annotations

import hashlib

from shipway.model.lazy import dataclass
from shipway.plan.steps import Step, sentence


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done. `made_from` is empty where nothing outside was looked at."""

    steps: tuple[Step, ...]
    made_from: str = ""

    def read_aloud(self) -> tuple[str, ...]:
        """Return the sentence of each step, in order: the dry run."""
        return tuple(sentence(step) for step in self.steps)


def fingerprint(*facts: str | None) -> str:
    """Return the SHA-256 of facts in order; None and the empty text are different facts."""
    digest = hashlib.sha256()
    for fact in facts:
        digest.update(b"\x00" if fact is None else b"\x01" + fact.encode() + b"\x02")
    return digest.hexdigest()
