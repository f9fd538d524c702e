"""The record of what was asked of the fakes, and the way to die in the middle of it.

A process that is killed does nothing any more: after `Killed`, every further call is refused, so
that no `finally` of the program under test can tidy up as a living process would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock


class Misuse(AssertionError):
    """A fake was used as the real thing must never be."""


class Killed(BaseException):
    """The process died here; not an `Exception`, since nobody catches a kill -9."""


@dataclass(slots=True)
class Calls:
    """Counts the calls of all fakes of one world.

    `die_at` names the moment of death: each call has two, before its effect and after it, and
    they are numbered from 1. None lives for ever.
    """

    die_at: int | None = None
    moments: int = 0
    dead: bool = False
    made: Counter[str] = field(default_factory=Counter)
    _lock: RLock = field(default_factory=RLock)

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        """Surround the effect of one call."""
        self._moment(name)
        yield
        self.made[name] += 1
        self._moment(name)

    def revive(self) -> None:
        """Begin a new process, which lives for ever, in the same world."""
        self.die_at, self.dead = None, False

    def _moment(self, name: str) -> None:
        with self._lock:
            self.moments += 1
            if self.dead or self.moments == self.die_at:
                self.dead = True
                raise Killed(name)
