"""Starting, recognising and ending the programs that the embedded default consists of.

The only place of `shipway.local` that starts processes or lets time pass. It does not know what
any of the programs is for.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_TETHER: Final = Path(__file__).with_name("tether.py")
_ZOMBIE: Final = "Z"


@dataclass(frozen=True, slots=True)
class Identity:
    """One process and no other: a pid alone may name a stranger later."""

    pid: int
    started: str  # in the kernel's own unit; only ever compared for equality


@dataclass(frozen=True, slots=True)
class Finished:
    """What a program that ran to its end said."""

    status: int
    output: str  # both streams, in the order they were written


class Child:
    """A running program of ours; with `group` it leads a process group of its own."""

    def __init__(self, popen: subprocess.Popen[bytes], *, group: bool) -> None:
        self._popen = popen
        self._group = group
        # A program that ended at once has no identity any more; nobody will signal it either.
        self.identity = identity(popen.pid) or Identity(popen.pid, "")

    @property
    def pid(self) -> int:
        """The process id, which is also that of its group where it leads one."""
        return self._popen.pid

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Return the exit status (128 + N after signal N), or `None` when time runs out."""
        try:
            status = self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        return 128 - status if status < 0 else status

    def terminate(self) -> None:
        """Ask it, and its group, to end. Harmless when it has ended."""
        self._send(signal.SIGTERM)

    def stop(self, grace_s: float) -> None:
        """Ask it to end, wait `grace_s` seconds, then kill it and what is left of its group."""
        self.terminate()
        self.wait(grace_s)
        self._send(signal.SIGKILL)
        self.wait()

    def _send(self, number: signal.Signals) -> None:
        if self._group:
            try:
                os.killpg(self.pid, number)
            except (ProcessLookupError, PermissionError):  # macOS says EPERM for a zombie leader
                return
        else:
            self._popen.send_signal(number)


def start(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str],
    cwd: Path,
    group: bool = False,
) -> Child:
    """Start a program whose life ends with ours, appending both its streams to `log`.

    On Linux the kernel sends it SIGTERM when the calling *thread* ends, so the caller must
    outlive it. Standard input is empty; there is no terminal.
    """
    tethered = [
        sys.executable,
        "-I",
        "-S",
        str(_TETHER),
        str(os.getpid()),
        str(int(signal.SIGTERM)),
    ]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        popen = subprocess.Popen(
            [*tethered, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(env),
            cwd=cwd,
            start_new_session=group,
        )
    return Child(popen, group=group)


def start_detached(
    command: Sequence[str], *, log: Path, env: Mapping[str, str], cwd: Path, pass_fd: int
) -> int:
    """Start a program that lives on without us, in a session of its own; return its pid.

    It inherits the descriptor `pass_fd` under the same number, and nothing else of ours.
    """
    with log.open("ab") as output:
        popen = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            pass_fds=(pass_fd,),
        )
    popen.returncode = 0  # it is not ours to wait for: no warning about a forgotten child
    return popen.pid


def start_watcher(
    command: Sequence[str], *, log: Path, env: Mapping[str, str]
) -> tuple[Child, int]:
    """Start a program in a session of its own that reads a pipe from us; return the pipe too.

    The kernel closes the pipe when we die, however we die: that is how the watcher learns of it.
    Not tethered, as its work begins at our death.
    """
    reading, writing = os.pipe()
    with log.open("ab") as output:
        popen = subprocess.Popen(
            list(command),
            stdin=reading,
            stdout=output,
            stderr=output,
            env=dict(env),
            cwd="/",
            start_new_session=True,
        )
    os.close(reading)
    return Child(popen, group=True), writing


def run(
    command: Sequence[str],
    *,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    pass_fd: int | None = None,
) -> Finished:
    """Run a program to its end and return what it said; a program that hangs is killed.

    It inherits `pass_fd`, so that a lock on it holds until the program ends, even without us.

    Raises:
        FileNotFoundError: there is no such program.
        TimeoutError: it did not end within `timeout_s` seconds.
    """
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            env=None if env is None else dict(env),
            cwd=cwd,
            check=False,
            text=True,
            errors="replace",
            pass_fds=() if pass_fd is None else (pass_fd,),
        )
    except subprocess.TimeoutExpired as slow:
        raise TimeoutError(f"{command[0]} did not end within {timeout_s:g} s") from slow
    return Finished(done.returncode, done.stdout)


def identity(pid: int) -> Identity | None:
    """Return who runs under that pid now; `None` for nobody, and for a zombie, which is dead.

    Source: proc(5), fields 3 and 22 of `/proc/PID/stat`; `ps` where there is no such file.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _identity_by_ps(pid)
    state, *fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return None if state == _ZOMBIE else Identity(pid, fields[18])


def _identity_by_ps(pid: int) -> Identity | None:
    answer = run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], timeout_s=10)
    state, _, started = answer.output.strip().partition(" ")
    return None if answer.status or state.startswith(_ZOMBIE) else Identity(pid, started.strip())


def is_alive(who: Identity) -> bool:
    """Tell whether that very process still runs."""
    return identity(who.pid) == who


def send(who: Identity, number: signal.Signals, *, group: bool) -> None:
    """Signal that very process, or the group it led; does nothing when it is gone.

    A group whose leader ended is still signalled: its number cannot be given to another process
    while a member lives.
    """
    now = identity(who.pid)
    if now is not None and now != who:
        return  # a stranger
    try:
        if group:
            os.killpg(who.pid, number)
        elif now is not None:
            os.kill(who.pid, number)
    except (ProcessLookupError, PermissionError):
        return


def wait_until(condition: Callable[[], bool], *, timeout_s: float, pause_s: float = 0.02) -> bool:
    """Ask `condition` until it holds; tell whether it did within `timeout_s` seconds.

    Asks at least once.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause_s)
    return True
