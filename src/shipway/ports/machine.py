"""The machine that Shipway runs on: time, programs, files, HTTP. A part of `shipway.ports`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from shipway.model.lazy import dataclass

if TYPE_CHECKING:  # for annotations alone: not every command pays for loading them
    from shipway.model.observed import ProbeAnswer


OnLine = Callable[[str], None]
OnOutput = Callable[[bytes], None]


class Clock(Protocol):
    """Time. The only place where anything waits."""

    def now(self) -> float:
        """Return seconds since the epoch, UTC."""

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start; never goes back."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a program ended; `timed_out`, `cancelled` and `silent` say that we ended it, and why."""

    status: int
    seconds: float
    timed_out: bool = False
    cancelled: bool = False
    silent: bool = False


class Cancel(Protocol):
    """A wish to stop, which may be made from another thread."""

    def wanted(self) -> bool:
        """Tell whether somebody wants to stop."""


class Shell(Protocol):
    """Runs programs, never through a shell."""

    def run(
        self,
        command: tuple[str, ...],
        *,
        cwd: str,
        env: Mapping[str, str],
        on_line: OnLine,
        timeout_s: float,
        cancel: Cancel | None = None,
        stdin: str = "",
    ) -> Exit:
        """Run a program to its end, telling each line of its output (both streams) as it comes.

        `env` is added to our own; `stdin` is all that it can read. At the time-out, or when
        cancelled, the whole process group gets SIGTERM, and SIGKILL after a grace; nothing of it
        survives the call.

        Raises:
            ToolIsMissing: when there is no such program.
        """

    def stream(
        self,
        command: tuple[str, ...],
        *,
        cwd: str,
        env: Mapping[str, str],
        on_output: OnOutput,
        timeout_s: float,
        silence_s: float | None = None,
        cancel: Cancel | None = None,
    ) -> Exit:
        """Run a program to its end, handing on its output (both streams) in chunks as it comes.

        As `run`, for programs that may print a lot: a chunk has up to 1 MiB, may end inside a line
        or a character, and is told from one thread only. A program that prints nothing for
        `silence_s` seconds is ended as at the time-out. An error of `on_output` ends the program
        and reaches the caller.

        Raises:
            ToolIsMissing: when there is no such program.
        """

    def attach(self, command: tuple[str, ...], *, cwd: str, env: Mapping[str, str]) -> Exit:
        """Run a program on our own terminal, for a person to talk with, however long that takes.

        Raises:
            ToolIsMissing: when there is no such program.
        """


class LogFile(Protocol):
    """A file that only grows."""

    def write(self, data: bytes) -> None:
        """Add bytes; they reach the file at the latest a second later, or when it is closed.

        Raises:
            DiskIsFull: there is no room.
        """

    def close(self) -> None:
        """Write what is left; repeatable."""


class Files(Protocol):
    """The files of the checkout and of our own run folder."""

    def write(self, path: str, text: str) -> None:
        """Write a whole file, making its folder where needed: readers see all of it, or the old.

        Raises:
            DiskIsFull: there is no room.
        """

    def open_log(self, path: str) -> LogFile:
        """Begin a file anew, making its folder where needed.

        Raises:
            DiskIsFull: there is no room.
        """

    def read(self, path: str) -> str | None:
        """Return the text of a file; None when it is not there."""

    def exists(self, path: str) -> bool:
        """Tell whether there is such a file or folder."""

    def remove(self, path: str) -> None:
        """Remove a file if it is there."""

    def append(self, path: str, line: str) -> None:
        """Add a line to a file, making its folder and the file first where needed."""


class Http(Protocol):
    """HTTP, for probes."""

    def ask(
        self,
        url: str,
        *,
        timeout_s: float,
        method: str = "GET",
        headers: tuple[tuple[str, str], ...] = (),
        body: bool = False,
    ) -> ProbeAnswer:
        """Ask once; a refused connection or a time-out is an answer, never an error.

        With `body` the answer's body is read too, up to 1 MiB of it and within the time-out. An
        answer is not `reached` when the name was not resolved or no connection was made in time;
        a connection that was refused did reach somebody.
        """
