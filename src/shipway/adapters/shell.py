"""Runs programs: the one place that starts any. Never through a shell, never for ever."""

from __future__ import annotations

import codecs
import fcntl
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from shipway.adapters.program import Program, Why
from shipway.errors import FileIsMissing, ToolIsMissing
from shipway.ports import Cancel, Exit, OnLine, OnOutput

MARK: Final = "SHIPWAY_STEP"
"""The variable by which a program and all that it starts are known; see `Program`."""

_LONGEST_LINE = 1 << 20
_PIPE = 1 << 20  # bytes; what any user may ask for


class LocalShell:
    """`ports.Shell` on this machine.

    A status above 128 tells the signal that ended the program, as shells do (137: SIGKILL, often
    for want of memory). The status of a program that we ended is never 0, whatever it said itself.

    Args:
        first_on_path: folders, relative to a program's working directory, that are searched
            before `PATH` (`node_modules/.bin`).
    """

    def __init__(self, first_on_path: tuple[str, ...] = ()) -> None:
        self._first_on_path = first_on_path
        self._tether = _tether()

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
        """Run a program to its end; see `ports.Shell`.

        A line of more than 1 Mi characters is told in parts; a bare carriage return ends one too.
        """
        start = time.monotonic()
        lines = _Lines(on_line)
        with self._start(command, cwd, env, lines.feed, stdin) as program:
            why = program.follow(start + timeout_s, None, cancel)
        lines.end()
        return _exit(program, why, start)

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
        start = time.monotonic()
        with self._start(command, cwd, env, on_output) as program:
            why = program.follow(start + timeout_s, silence_s, cancel)
        return _exit(program, why, start)

    def attach(self, command: tuple[str, ...], *, cwd: str, env: Mapping[str, str]) -> Exit:
        """Run a program on our own terminal; see `ports.Shell`."""
        start = time.monotonic()
        both = self._environment(cwd, env)
        program = _find(command[0], cwd, both["PATH"])
        # Ctrl-C is for the program: a handler, unlike SIG_IGN, is not inherited by it
        ours = signal.signal(signal.SIGINT, lambda *_: None)
        try:
            process = subprocess.Popen((program, *command[1:]), cwd=cwd, env=both)
            try:
                status = process.wait()
            except BaseException:  # SIGTERM, say: whoever ends us ends it as well
                process.terminate()
                process.wait()
                raise
        finally:
            signal.signal(signal.SIGINT, ours)
        return Exit(status if status >= 0 else 128 - status, time.monotonic() - start)

    def capture(
        self, command: tuple[str, ...], *, cwd: str, timeout_s: float = 30.0
    ) -> tuple[int, list[str]]:
        """Run a short program and return its exit status and all its lines."""
        lines: list[str] = []
        done = self.run(command, cwd=cwd, env={}, on_line=lines.append, timeout_s=timeout_s)
        return done.status, lines

    def ask(
        self,
        commands: tuple[tuple[str, ...], ...],
        *,
        cwd: str,
        env: Mapping[str, str],
        without: tuple[str, ...] = (),
        timeout_s: float = 30.0,
    ) -> list[tuple[Exit, bytes]]:
        """Run short programs that only look, all at once; return how each ended, and its output.

        Such as questions to git. They start nothing that could outlive them, so none of the care
        that `run` takes is needed, and none of its time. What they say on stderr is dropped;
        `without` are variables of our own environment that they do not get.
        """
        until, start = time.monotonic() + timeout_s, time.monotonic()
        both = self._environment(cwd, env)
        for name in without:
            both.pop(name, None)
        started: list[subprocess.Popen[bytes]] = []
        try:
            for command in commands:
                program = _find(command[0], cwd, both["PATH"])
                started.append(_quick((program, *command[1:]), cwd, both))
            return [_answer(process, start, until) for process in started]
        finally:
            for process in started:
                if process.poll() is None:
                    process.kill()
                    process.wait()
                if process.stdout:
                    process.stdout.close()

    def _start(
        self,
        command: tuple[str, ...],
        cwd: str,
        env: Mapping[str, str],
        on_output: OnOutput,
        stdin: str = "",
    ) -> Program:
        both = self._environment(cwd, env)
        mark = os.urandom(8).hex()
        both[MARK] = f"{os.environ.get(MARK, '')}/{mark}"  # within another's step it carries both
        program = _find(command[0], cwd, both["PATH"])
        try:
            process = subprocess.Popen(
                (*self._tether, program, *command[1:]),
                cwd=cwd,
                env=both,
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                bufsize=0,
            )
        except (FileNotFoundError, NotADirectoryError) as problem:
            raise FileIsMissing(f"there is no folder to run {command[0]!r} in", where=cwd) from (
                problem
            )
        _widen(process)
        return Program(process, mark.encode(), on_output, stdin.encode())

    def _environment(self, cwd: str, env: Mapping[str, str]) -> dict[str, str]:
        first = [os.path.join(cwd, folder) for folder in self._first_on_path]  # noqa: PTH118 - a text for PATH
        both = {**os.environ, **env}
        both["PATH"] = os.pathsep.join([*first, both.get("PATH", os.defpath)])
        return both


class _Lines:
    """Cuts chunks of bytes into lines; what ends them, and what is no UTF-8, is told by nobody."""

    def __init__(self, on_line: OnLine) -> None:
        self._on_line = on_line
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
        self._rest = ""

    def feed(self, chunk: bytes) -> None:
        """Tell the lines that this ends; a line without an end only as far as it is too long."""
        self._tell(self._decoder.decode(chunk))

    def end(self) -> None:
        """Tell the last line, if it has no end."""
        self._tell(self._decoder.decode(b"", final=True))
        if self._rest:
            self._on_line(self._rest)

    def _tell(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._on_line(self._part(line))
        self._rest = self._part(self._rest)

    def _part(self, line: str) -> str:
        """Tell what is too long for one line, and return the rest of it."""
        while len(line) > _LONGEST_LINE:
            self._on_line(line[:_LONGEST_LINE])
            line = line[_LONGEST_LINE:]
        return line


def _quick(command: tuple[str, ...], cwd: str, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except (FileNotFoundError, NotADirectoryError) as problem:
        raise FileIsMissing(f"there is no folder to run {command[0]!r} in", where=cwd) from problem


def _answer(process: subprocess.Popen[bytes], start: float, until: float) -> tuple[Exit, bytes]:
    try:
        output, _ = process.communicate(timeout=max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return Exit(128 + signal.SIGKILL, time.monotonic() - start, timed_out=True), b""
    status = process.returncode
    return Exit(status if status >= 0 else 128 - status, time.monotonic() - start), output


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


def _tether() -> tuple[str, ...]:
    """Return the words before a command that end it with us, even when we are killed with -9."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None or Path(setpriv).resolve().name == "busybox":  # whose own cannot do it
        return ()
    return (setpriv, "--pdeathsig", "TERM", "--")


def _widen(process: subprocess.Popen[bytes]) -> None:
    """Let a program print on while we are busy."""
    if process.stdout and sys.platform == "linux":
        with suppress(OSError):  # the pipes of one user may hold so much, and no more
            fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, _PIPE)


def _exit(program: Program, why: Why | None, start: float) -> Exit:
    status = program.status
    if why and status == 0:
        status = 128 + signal.SIGTERM
    return Exit(
        status,
        time.monotonic() - start,
        timed_out=why is Why.TIMED_OUT,
        cancelled=why is Why.CANCELLED,
        silent=why is Why.SILENT,
    )
