"""Runs programs: the one place that starts any. Never through a shell, never for ever."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from threading import Thread

from shipway.errors import ToolIsMissing
from shipway.ports import Cancel, Exit, OnLine, OnOutput

GRACE_S = 5.0
"""Between SIGTERM and SIGKILL for the whole process group."""

_LOOK_S = 0.05


class LocalShell:
    """`ports.Shell` on this machine.

    Args:
        first_on_path: folders, relative to a program's working directory, that are searched
            before `PATH` (`node_modules/.bin`).
    """

    def __init__(self, first_on_path: tuple[str, ...] = ()) -> None:
        self._first_on_path = first_on_path
        # a child must not outlive us, not even when we are killed with -9
        setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
        self._tether = (setpriv, "--pdeathsig", "TERM", "--") if setpriv else ()

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
        """Run a program to its end; see `ports.Shell`."""
        surroundings = self._surroundings(cwd, env)
        program = _find(command[0], cwd, surroundings["PATH"])
        start = time.monotonic()
        process = subprocess.Popen(
            (*self._tether, program, *command[1:]),
            cwd=cwd,
            env=surroundings,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        reader = Thread(target=_read, args=(process, on_line), daemon=True)
        reader.start()
        try:
            _feed(process, stdin)
            timed_out, cancelled = _await(process, start + timeout_s, cancel)
        finally:
            _end_group(process)
            reader.join(timeout=GRACE_S)
        return Exit(process.returncode, time.monotonic() - start, timed_out, cancelled)

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
        """Run a program to its end; see `ports.Shell`."""
        del silence_s
        return self.run(
            command,
            cwd=cwd,
            env=env,
            on_line=lambda line: on_output(f"{line}\n".encode()),
            timeout_s=timeout_s,
            cancel=cancel,
        )

    def capture(
        self, command: tuple[str, ...], *, cwd: str, timeout_s: float = 30.0
    ) -> tuple[int, list[str]]:
        """Run a short program and return its exit status and all its lines."""
        lines: list[str] = []
        done = self.run(command, cwd=cwd, env={}, on_line=lines.append, timeout_s=timeout_s)
        return done.status, lines

    def _surroundings(self, cwd: str, env: Mapping[str, str]) -> dict[str, str]:
        both = {**os.environ, **env}
        first = [os.path.join(cwd, folder) for folder in self._first_on_path]  # noqa: PTH118 - a text for PATH
        both["PATH"] = os.pathsep.join([*first, both.get("PATH", os.defpath)])
        return both


def _find(name: str, cwd: str, path: str) -> str:
    """Find a program; one that is named by a path is meant from `cwd`, wherever we are."""
    named = os.path.join(cwd, name) if os.sep in name else name  # noqa: PTH118 - a path, as text
    program = shutil.which(named, path=path)
    if program is None:
        raise ToolIsMissing(
            f"there is no program {name!r}",
            hint="install it, or add the check that installs it to `needs`",
        )
    return program


def _read(process: subprocess.Popen[str], on_line: OnLine) -> None:
    if process.stdout:
        with process.stdout as pipe:
            for line in pipe:
                on_line(line.rstrip("\r\n"))


def _feed(process: subprocess.Popen[str], stdin: str) -> None:
    if process.stdin:
        with suppress(BrokenPipeError), process.stdin as pipe:  # it may end without reading
            pipe.write(stdin)


def _await(
    process: subprocess.Popen[str], deadline: float, cancel: Cancel | None
) -> tuple[bool, bool]:
    while True:
        try:
            process.wait(timeout=_LOOK_S)
        except subprocess.TimeoutExpired:
            timed_out = time.monotonic() > deadline
            cancelled = cancel is not None and cancel.wanted()
            if timed_out or cancelled:
                return timed_out, cancelled
        else:
            return False, False


def _end_group(process: subprocess.Popen[str]) -> None:
    """End whatever of the group still lives: politely, then not."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        try:
            process.wait(timeout=GRACE_S)
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGKILL)
            process.wait()
    _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return
