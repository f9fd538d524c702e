"""Small words for people: durations, ages, digests, marks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

MINUTE, HOUR, DAY = 60, 3600, 86400

MARKS = {
    "passed": "ok",
    "failed": "FAILED",
    "errored": "ERROR",
    "aborted": "stopped",
    "skipped": "skipped",
    "inconclusive": "UNSURE",
}


def duration(seconds: float) -> str:
    """Write a duration with as much detail as a person wants."""
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"


def age(seconds: float) -> str:
    """Write how long ago something was."""
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= unit:
            return f"{int(seconds // unit)} {name} ago"
    return f"{max(0, int(seconds))} s ago"


def moment(at: float) -> str:
    """Write a moment in UTC, as ledgers do."""
    return f"{datetime.fromtimestamp(at, tz=timezone.utc):%Y-%m-%d %H:%M:%S}Z"  # noqa: UP017 - 3.11 too


def short(digest: str) -> str:
    """Write a digest as people compare it: the first 12 digits."""
    return digest.removeprefix("sha256:")[:12]


def table(rows: Sequence[tuple[str, ...]], head: tuple[str, ...]) -> list[str]:
    """Lay out rows under their head, each column as wide as it must be."""
    widths = [max(len(row[n]) for row in [head, *rows]) for n in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, *rows]
    ]
