"""Starts this package's one helper program, so that it never outlives its parent."""

from __future__ import annotations

import os
import subprocess  # noqa: TID251 - the one place in this package that starts a process
import sys
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Asks the kernel for SIGTERM when the parent dies, then becomes the program. A wrapper rather than
# preexec_fn, which may deadlock in a process that has threads.
_TETHER = (
    "import ctypes, os, sys\n"
    "ctypes.CDLL(None).prctl(1, 15)\n"
    "if os.getppid() == int(sys.argv[1]): os.execvp(sys.argv[2], sys.argv[2:])\n"
)


class Child:
    """A running program. Its output goes to a file; `end` is SIGTERM, then SIGKILL.

    The kernel counts the *thread* that started a child as its parent, so a thread of the child's
    own starts it and stays until it has ended.
    """

    def __init__(self, argv: Sequence[str], output: Path) -> None:
        self._argv = list(argv)
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None
        self._outcome: SimpleQueue[OSError | None] = SimpleQueue()
        self._keeper = threading.Thread(target=self._keep, name="ecs-child")
        self._keeper.start()
        error = self._outcome.get()
        if error is not None:
            self._keeper.join()
            raise error

    @property
    def alive(self) -> bool:
        """Whether the program runs."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal; a program that has ended ignores it."""
        if self._process is not None:
            self._process.send_signal(number)

    def end(self, patience_s: float) -> None:
        """End the program and join its thread; safe to repeat."""
        if self._process is not None:
            self._process.terminate()
            self._keeper.join(patience_s)
            if self._keeper.is_alive():
                self._process.kill()
        self._keeper.join()

    def _keep(self) -> None:
        argv = self._argv
        if sys.platform == "linux":
            argv = [sys.executable, "-S", "-c", _TETHER, str(os.getpid()), *argv]
        try:
            with self._output.open("ab") as output:
                self._process = subprocess.Popen(  # noqa: S603 - a fixed program, no shell
                    argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output
                )
        except OSError as error:
            self._outcome.put(error)
            return
        self._outcome.put(None)
        self._process.wait()


def run(argv: Sequence[str], timeout_s: float) -> tuple[int, str]:
    """Run a program to its end; return its status and all it said."""
    done = subprocess.run(  # noqa: S603 - a fixed program, no shell
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout_s,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace")
