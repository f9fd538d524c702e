"""What the cache keeps of a check that passed: facts only."""

from __future__ import annotations

from shipway.model.lazy import dataclass


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One file that the check made: its path from the root, SHA-256 (hexadecimal), bytes, mode.

    `link` is the target of a symbolic link, which has no content of its own.
    """

    path: str
    sha256: str
    size: int
    mode: int
    link: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """One entry: the key it stands under, and what a hit gives back.

    `seconds` is what the check took when it ran; `run` and `at` (seconds since the epoch, UTC) say
    when that was; `size` is the entry's bytes, packed; `remote` that it has to be fetched first.
    """

    key: str
    check: str
    seconds: float
    run: str
    at: float
    files: tuple[KeptFile, ...]
    size: int = 0
    remote: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """What is remembered of a check on this machine, newest last; all durations in seconds.

    `seconds` and `outcomes` are of equal length: what each run took, and how it ended.
    `restored` are pairs of bytes and seconds, over all checks, local or remote as asked for.
    """

    seconds: tuple[float, ...] = ()
    outcomes: tuple[str, ...] = ()
    restored: tuple[tuple[int, float], ...] = ()
