"""Whether the cache pays: who may write to the team's, and when running again beats restoring."""

from __future__ import annotations

from typing import Final

from shipway.model.kept import Kept, Past
from shipway.model.service import RemoteCache

_LARGE: Final = 2**20
"""Bytes from which the size of an entry decides what restoring takes; below, the round trips do."""

_UNNOTICED_S: Final = 0.2
"""Restoring that takes no longer is always worth it: nobody would notice."""

_ENOUGH: Final = 2
"""Measurements before history is believed: one slow moment must not end restoring."""

_PASSED: Final = "passed"


def may_write(rules: RemoteCache, *, branch: str, pull_request: bool, ci: bool) -> str:
    """Return why this run may not write to the team's cache; empty where it may."""
    if not ci:
        return "only CI writes"
    if pull_request:
        return "pull requests only read"
    if branch not in rules.branches:
        return f"only {' and '.join(rules.branches)} may write"
    if rules.signing_key is None:
        return "no signing key is configured"
    return ""


def worth_restoring(kept: Kept, past: Past) -> tuple[bool, str]:
    """Tell whether to restore an entry, and if not, why, as a sentence for people.

    `past.restored` has to be of the kind of cache that the entry comes from. Without enough
    measurements restoring is worth it: that is how they are made.
    """
    restoring, running = restore_seconds(kept.size, past.restored), run_seconds(kept, past)
    if restoring <= max(running, _UNNOTICED_S):
        return True, ""
    return False, (
        f"restoring {_bytes(kept.size)} takes about {_seconds(restoring)},"
        f" running it {_seconds(running)}"
    )


def restore_seconds(size: int, restored: tuple[tuple[int, float], ...]) -> float:
    """Return what restoring that many bytes will probably take; 0 where too little is known.

    Small entries tell the fixed cost, large ones the cost of a byte: one must not be guessed from
    the other.
    """
    small = [seconds for length, seconds in restored if length < _LARGE]
    large = [seconds / length for length, seconds in restored if length >= _LARGE]
    fixed = median(small) if len(small) >= _ENOUGH else 0.0
    each = median(large) if len(large) >= _ENOUGH and size >= _LARGE else 0.0
    return fixed + size * each


def run_seconds(kept: Kept, past: Past) -> float:
    """Return what running the check takes here: the median of its passes, or what it took once."""
    passes = [s for s, o in zip(past.seconds, past.outcomes, strict=False) if o == _PASSED]
    return median(passes) if passes else kept.seconds


def median(values: list[float]) -> float:
    """Return the middle of some values, at least one; `statistics` is slow to import."""
    ordered, half = sorted(values), len(values) // 2
    return (ordered[half] + ordered[~half]) / 2


def _bytes(size: int) -> str:
    for unit, length in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= length:
            return f"{size / length:.3g} {unit}"
    return f"{size} bytes"


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"  # noqa: PLR2004 - two digits are enough
