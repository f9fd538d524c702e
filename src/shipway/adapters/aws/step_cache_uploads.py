"""Uploads in the background: a short queue, one or two threads, and an end that does not wait long.

It refuses to know what is uploaded. The threads are daemons: a hanging upload never holds the
process back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from queue import Empty, Full, Queue
from threading import Lock, Thread
from typing import Final

from shipway.model.lazy import dataclass

_THREADS: Final = 2
_WAITING: Final = 64


@dataclass(frozen=True, slots=True)
class _Upload:
    name: str
    act: Callable[[], None]


@dataclass(slots=True)
class Uploads:
    """Runs what it is given, a few at a time; nothing it is given may raise."""

    monotonic: Callable[[], float]
    _queue: Queue[_Upload | None] = field(default_factory=lambda: Queue(_WAITING))
    _open: list[str] = field(default_factory=list)
    _threads: list[Thread] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, name: str, act: Callable[[], None]) -> bool:
        """Queue an upload; False when too many wait already."""
        with self._lock:
            try:
                self._queue.put_nowait(_Upload(name, act))
            except Full:
                return False
            self._open.append(name)
            if len(self._threads) < min(_THREADS, len(self._open)):
                thread = Thread(target=self._work, name="shipway-upload", daemon=True)
                self._threads.append(thread)
                thread.start()
        return True

    def _work(self) -> None:
        while (upload := self._queue.get()) is not None:
            try:
                upload.act()
            finally:
                with self._lock:
                    self._open.remove(upload.name)

    def close(self, patience_s: float) -> tuple[str, ...]:
        """Wait for all of them, at most that many seconds; return the names of those not done."""
        deadline = self.monotonic() + patience_s
        for _ in self._threads:
            self._end_one(deadline)
        for thread in self._threads:
            thread.join(max(0.0, deadline - self.monotonic()))
        with self._lock:
            left = tuple(self._open)
        self._drain()
        return left

    def _end_one(self, deadline: float) -> None:
        try:
            self._queue.put(None, timeout=max(0.001, deadline - self.monotonic()))
        except Full:
            return  # they will find the queue drained instead

    def _drain(self) -> None:
        # What was given up must not start after all, while the process goes on.
        try:
            while True:
                self._queue.get_nowait()
        except Empty:
            for _ in self._threads:
                self._queue.put(None)
            self._threads.clear()
