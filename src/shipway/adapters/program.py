"""One program under way: it is heard, fed, and ended with all that it started.

A program is one process group in a session of its own, and every process of it carries a mark in
its environment, as Jenkins marks what a build starts. At the end of a call whatever still carries
the mark is ended too: a daemon that forked twice and left the group is found by it, on Linux, in
`/proc/PID/environ`. Being the subreaper of orphans would find those as well, but could not tell
whose they are while several programs run. Out of reach is what both leaves the group and wipes its
first environment (`env -i setsid`, daemons that write a title over it), or runs as another user.
"""

from __future__ import annotations

import os
import signal
import subprocess  # noqa: TID251 - only for the type of what shell.py has started
import sys
import time
from contextlib import suppress
from enum import Enum
from pathlib import Path
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from types import TracebackType
from typing import Final, Self

from shipway.ports import Cancel, OnOutput

GRACE_S: Final = 3.0
"""Between SIGTERM and SIGKILL. When Jenkins ends us, 15 s are left: stubborn programs (one grace),
then `compose down` (8 s, and one more grace where even that hangs), then our own way out."""

_CHUNK = 128 << 10  # bytes; the allocator fetches much larger ones from the kernel, page by page
_LOOK_S = 0.05  # how often a wish to stop is looked for
_LINGER_S = 0.5  # how long the output of a program that has ended may still come, from its children
_GONE_S = 1.0  # how long the kernel may take for SIGKILL; longer is a hanging disk, not a program


class Why(Enum):
    """Why we ended a program."""

    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"
    SILENT = "silent"


class Program:
    """A program under way: hears it, feeds it, and ends it with all that it started.

    Everything happens in the thread of the caller: what `on_output` takes long for slows the
    program down, and never fills our memory.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], mark: bytes, on_output: OnOutput, stdin: bytes
    ) -> None:
        self._process, self._mark, self._on_output = process, mark, on_output
        self._stdin = memoryview(stdin)
        self._ended = self._deaf = False
        self._heard_at = time.monotonic()
        self._ears = DefaultSelector()
        if process.stdout:
            self._ears.register(process.stdout, EVENT_READ, self._hear)
        if process.stdin:
            os.set_blocking(process.stdin.fileno(), False)
            self._ears.register(process.stdin, EVENT_WRITE, self._feed)
        self._pidfd = _pidfd(process.pid)
        if self._pidfd is not None:
            self._ears.register(self._pidfd, EVENT_READ, self._note_end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._end()
        finally:
            self._ears.close()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    pipe.close()
            if self._pidfd is not None:
                os.close(self._pidfd)

    @property
    def status(self) -> int:
        """The exit status; 128 + n where signal n ended it. Only after the end."""
        code = self._process.returncode
        if code is None:  # not even SIGKILL has ended it yet
            return 128 + signal.SIGKILL
        return code if code >= 0 else 128 - code

    def follow(self, deadline: float, silence_s: float | None, cancel: Cancel | None) -> Why | None:
        """Tell its output until it ends, or until it is to be ended, and then say why."""
        while not self._ended:
            now = time.monotonic()
            patience_s = deadline - now
            if cancel and cancel.wanted():
                return Why.CANCELLED
            if patience_s <= 0:
                return Why.TIMED_OUT
            if silence_s is not None:
                left_s = self._heard_at + silence_s - now
                if left_s <= 0:
                    return Why.SILENT
                patience_s = min(patience_s, left_s)
            self._turn(min(patience_s, _LOOK_S) if cancel else min(patience_s, 60))
        until = time.monotonic() + _LINGER_S
        while not self._deaf and (left_s := until - time.monotonic()) > 0:
            self._turn(left_s)
        return None

    def _turn(self, patience_s: float) -> bool:
        """Deal with what happens next, waiting at most that long; return whether anything did."""
        happened = self._ears.select(patience_s if self._pidfd else min(patience_s, _LOOK_S))
        for key, _ in happened:
            key.data()
        if self._pidfd is None and self._process.poll() is not None:
            self._ended = True
        return bool(happened)

    def _hear(self) -> None:
        if self._process.stdout is None:
            return
        chunk = os.read(self._process.stdout.fileno(), _CHUNK)
        if not chunk:
            self._deaf = True
            self._ears.unregister(self._process.stdout)
            return
        try:
            self._on_output(chunk)
        except BaseException:
            self._on_output = lambda _: None  # it still has to be heard while it is ended
            raise
        self._heard_at = time.monotonic()

    def _feed(self) -> None:
        if self._process.stdin is None:
            return
        with suppress(BrokenPipeError):  # it may end, or close it, without reading
            self._stdin = self._stdin[os.write(self._process.stdin.fileno(), self._stdin) :]
            if self._stdin:
                return
        self._ears.unregister(self._process.stdin)
        self._process.stdin.close()

    def _note_end(self) -> None:
        self._ended = True
        if self._pidfd is not None:
            self._ears.unregister(self._pidfd)

    def _end(self) -> None:
        """End whatever of it still lives: politely, then not."""
        over = self._is_over()
        try:
            if not over:
                self._signal(signal.SIGTERM)
                over = self._wait(GRACE_S)
        finally:  # also when another signal to us, or `on_output`, cuts the grace short
            if over:
                self._signal_group(signal.SIGKILL)  # what wiped its mark, but stayed in the group
            else:
                self._signal(signal.SIGKILL)
                self._wait(_GONE_S)
            self._process.poll()
        self._hear_out()

    def _hear_out(self) -> None:
        """Tell what still lies in the pipe; somebody out of reach may hold it, and even write."""
        until = time.monotonic() + _GONE_S
        while not self._deaf and time.monotonic() < until and self._turn(0):
            pass

    def _is_over(self) -> bool:
        # twice: what is about to end may hand its mark on while the others are looked at
        return self._ended and not _marked(self._mark) and not _marked(self._mark)

    def _wait(self, patience_s: float) -> bool:
        """Go on telling until nothing of it is left, at most that long; return whether so."""
        until = time.monotonic() + patience_s
        while not (over := self._is_over()) and time.monotonic() < until:
            self._turn(_LOOK_S / 5)
        return over

    def _signal(self, number: signal.Signals) -> None:
        """Signal the group at once, so that no parent sees its child die first; then the rest."""
        rest = [pid for pid in _marked(self._mark) if _group(pid) != self._process.pid]
        self._signal_group(number)
        for pid in rest:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)

    def _signal_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)  # still its number: we have not collected it


def _pidfd(pid: int) -> int | None:
    """Return what tells the end of a process at once; None where only looking again does."""
    if sys.platform == "linux":
        with suppress(OSError):  # an old kernel, or a sandbox that forbids it
            return os.pidfd_open(pid)
    return None


def _marked(mark: bytes) -> list[int]:
    """Return the processes that began with a mark in their environment and have not ended."""
    found: list[int] = []
    with suppress(FileNotFoundError), os.scandir("/proc") as processes:
        for process in processes:
            if process.name.isdigit():
                with suppress(OSError):  # another user's, or it has just ended
                    if mark in Path(process.path, "environ").read_bytes():
                        found.append(int(process.name))
    return found


def _group(pid: int) -> int | None:
    with suppress(ProcessLookupError):
        return os.getpgid(pid)
    return None
