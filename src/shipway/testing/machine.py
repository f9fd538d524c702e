"""One machine in memory: a clock that only waiting moves, programs that follow a script."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Barrier, RLock
from threading import Event as Flag

from shipway.errors import ToolIsMissing
from shipway.model.release import Source
from shipway.model.service import ComposeCheck
from shipway.ports import Cancel, Exit, OnLine, OnOutput
from shipway.testing.calls import Calls, Misuse
from shipway.testing.disk import FakeFiles as FakeFiles  # noqa: PLC0414 - a part of the machine

PATIENCE_S = 10.0  # real seconds after which a script that waits in vain complains

_ENDED = 128 + 15  # by SIGTERM


@dataclass(slots=True)
class FakeClock:
    """`ports.Clock`, virtual: time passes when somebody waits, and never else."""

    at: float = 1_700_000_000.0
    waited: float = 0.0

    def now(self) -> float:
        """Return seconds since the epoch, UTC."""
        return self.at

    def monotonic(self) -> float:
        """Return the seconds that were waited so far."""
        return self.waited

    def wait(self, seconds: float) -> None:
        """Let time pass at once."""
        if seconds < 0:
            raise Misuse(f"asked to wait {seconds} s")
        self.at += seconds
        self.waited += seconds


@dataclass(frozen=True, slots=True)
class Script:
    """What a program does when it is run.

    `output` follows `lines`, in `stream` only. `writes` are files (path and text) that it leaves
    behind; `meets` is a barrier at which it waits for others; `hangs` lets it run until somebody
    cancels it; `silent` lets it fall silent for too long, where somebody minds.
    """

    status: int = 0
    lines: tuple[str, ...] = ()
    seconds: float = 1.0
    writes: tuple[tuple[str, str], ...] = ()
    missing: bool = False
    meets: Barrier | None = None
    hangs: bool = False
    output: bytes = b""
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Ran:
    """A program that was run."""

    command: tuple[str, ...]
    cwd: str
    env: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class FakeShell:
    """`ports.Shell` that follows scripts, by the program's name or by its whole command line.

    Args:
        scripts: what each program does; one that has no script succeeds silently.
        files: where scripts write.
        calls: the record.
    """

    scripts: dict[str, Script] = field(default_factory=dict)
    files: FakeFiles = field(default_factory=FakeFiles)
    calls: Calls = field(default_factory=Calls)
    ran: list[Ran] = field(default_factory=list)
    most_at_once: int = 0
    _busy: int = 0
    _lock: RLock = field(default_factory=RLock)

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
        """Follow the script; see `ports.Shell`."""
        del stdin
        with self._running("shell.run", command, cwd, env) as script:
            for line in script.lines:
                on_line(line)
            return self._end(script, timeout_s, None, cancel)

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
        """Follow the script, each line a chunk; see `ports.Shell`."""
        with self._running("shell.stream", command, cwd, env) as script:
            for line in script.lines:
                on_output(f"{line}\n".encode())
            if script.output:
                on_output(script.output)
            return self._end(script, timeout_s, silence_s, cancel)

    def attach(self, command: tuple[str, ...], *, cwd: str, env: Mapping[str, str]) -> Exit:
        """Follow the script, silently; see `ports.Shell`."""
        with self._running("shell.attach", command, cwd, env) as script:
            return Exit(script.status, script.seconds)

    @contextmanager
    def _running(
        self, call: str, command: tuple[str, ...], cwd: str, env: Mapping[str, str]
    ) -> Iterator[Script]:
        if not command:
            raise Misuse("asked to run nothing")
        with self.calls.call(call):
            script = self.scripts.get(" ".join(command)) or self.scripts.get(command[0], Script())
            if script.missing:
                raise ToolIsMissing(f"there is no program {command[0]!r}")
            with self._lock:
                self.ran.append(Ran(command, cwd, tuple(sorted(env.items()))))
                self._busy += 1
                self.most_at_once = max(self.most_at_once, self._busy)
            try:
                _meet(script)
                yield script
            finally:
                with self._lock:
                    self._busy -= 1

    def _end(
        self, script: Script, timeout_s: float, silence_s: float | None, cancel: Cancel | None
    ) -> Exit:
        if script.silent and silence_s is not None:
            return Exit(_ENDED, silence_s, silent=True)
        if script.hangs:
            return _until_cancelled(cancel)
        if script.seconds > timeout_s:
            return Exit(_ENDED, timeout_s, timed_out=True)
        self.files.texts.update(script.writes)
        return Exit(script.status, script.seconds)


@dataclass(slots=True)
class FakeCompose:
    """`ports.ComposeRunner` that follows scripts by the check's name; one without succeeds.

    `projects` are all that were used, in order; `entered` the commands of `enter`.
    """

    scripts: dict[str, Script] = field(default_factory=dict)
    files: FakeFiles = field(default_factory=FakeFiles)
    calls: Calls = field(default_factory=Calls)
    projects: list[str] = field(default_factory=list)
    entered: list[tuple[str, ...]] = field(default_factory=list)
    envs: list[dict[str, str]] = field(default_factory=list)
    _in_use: set[str] = field(default_factory=set)

    def run(
        self,
        check: ComposeCheck,
        *,
        project: str,
        env: Mapping[str, str],
        on_output: OnOutput,
        logs: str,
        cancel: Cancel,
    ) -> Exit:
        """Follow the script; see `ports.ComposeRunner`."""
        with self.calls.call("compose.run"), self._use(project, env):
            script = self.scripts.get(check.name, Script())
            if script.missing:
                raise ToolIsMissing("compose is not installed")
            _meet(script)
            said = "".join(f"{line}\n" for line in script.lines).encode() + script.output
            if said:
                on_output(said)
            if script.hangs:
                return _until_cancelled(cancel)
            if script.silent and check.silence_s is not None:
                return Exit(_ENDED, check.silence_s, silent=True)
            if script.seconds > check.timeout_s:
                return Exit(_ENDED, check.timeout_s, timed_out=True)
            self.files.texts.update(script.writes)
            if script.status != 0:
                self.files.write(f"{logs}/{check.exit_code_from}.log", said.decode())
            return Exit(script.status, script.seconds)

    def down(self, project: str) -> tuple[str, ...]:
        """Remove nothing: what ran is gone already."""
        with self.calls.call("compose.down"):
            if project in self._in_use:
                raise Misuse(f"project {project} is in use")
            return ()

    def enter(
        self,
        check: ComposeCheck,
        *,
        project: str,
        env: Mapping[str, str],
        command: tuple[str, ...],
    ) -> Exit:
        """Remember the command, and end as the check's script does."""
        with self.calls.call("compose.enter"), self._use(project, env):
            self.entered.append(command)
            script = self.scripts.get(check.name, Script())
            return Exit(script.status, script.seconds)

    @contextmanager
    def _use(self, project: str, env: Mapping[str, str]) -> Iterator[None]:
        if project in self._in_use:
            raise Misuse(f"project {project} is in use")
        self.projects.append(project)
        self.envs.append(dict(env))
        self._in_use.add(project)
        try:
            yield
        finally:
            self._in_use.remove(project)


@dataclass(slots=True)
class FakeRepository:
    """`ports.Repository` with one commit checked out."""

    checked_out: Source

    def source(self, *, branch: str | None) -> Source:
        """Return the commit, on the branch that was named."""
        if branch is None or branch == self.checked_out.branch:
            return self.checked_out
        found = self.checked_out
        return Source(found.commit, branch, found.author, found.subject, found.committed_at)


def _meet(script: Script) -> None:
    if script.meets:
        script.meets.wait(timeout=PATIENCE_S)


def _until_cancelled(cancel: Cancel | None) -> Exit:
    """Wait for the wish to stop; for real, since it comes from another thread."""
    if cancel is None:
        raise Misuse("it hangs and nobody can cancel it")
    give_up = time.monotonic() + PATIENCE_S
    while not cancel.wanted():
        if time.monotonic() > give_up:
            raise Misuse("it hung and nobody cancelled it")
        Flag().wait(0.001)
    return Exit(_ENDED, 1.0, cancelled=True)
