"""Compose: one project per check and run, labelled as ours, always torn down by those labels."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from shipway.adapters.clock import SystemClock
from shipway.adapters.compose import file, labels, program, services
from shipway.adapters.compose.engine import Container, Engine
from shipway.adapters.shell import LocalShell
from shipway.errors import ComposeFileIsUnfit, EngineIsDown, FileIsMissing
from shipway.model.service import ComposeCheck
from shipway.ports import Cancel, Exit, OnOutput


@dataclass(slots=True)
class _Attempt:
    """One run of a check: the words that begin each command, and what is left of its time.

    `settled` once compose has ended by itself, so that the engine has nothing more to make.
    """

    check: ComposeCheck
    label: str
    base: tuple[str, ...]
    env: Mapping[str, str]
    began: float
    settled: bool = False


class Compose:
    """`ports.ComposeRunner` through whichever compose is installed.

    Args:
        root: the checkout, in which the compose file is.
        shell: runs the programs.
        docker: the docker client, asked for its compose plug-in first.
        run: the run whose projects these are.
        home: who made that run, as `identity` names it.
        clean: hides secrets in the services' logs before they are written.
    """

    def __init__(
        self,
        root: str,
        shell: LocalShell,
        docker: str = "docker",
        *,
        run: str = "none",
        home: str = "none",
        clean: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self._root, self._shell, self._docker = root, shell, docker
        self._run, self._home, self._clean = run, home, clean
        self._engine, self._clock = Engine(shell, root, docker), SystemClock()
        self._found: tuple[str, ...] = ()

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
        """Start the file's services and return the decisive exit; see `ports.ComposeRunner`."""
        with self._project(check, project, env) as attempt:
            done = self._up(attempt, on_output, cancel)
            if done.status == 0:
                done = self._follow(attempt, on_output, cancel)
            if done.status != 0 and not done.cancelled:
                self._tell_why(attempt, logs, on_output)
        return replace(done, seconds=self._clock.monotonic() - attempt.began)

    def enter(
        self, check: ComposeCheck, *, project: str, env: Mapping[str, str], command: tuple[str, ...]
    ) -> Exit:
        """Run a command beside the services, on our terminal; see `ports.ComposeRunner`."""
        options = ["--rm", "--use-aliases", "--entrypoint", shlex.quote(command[0])]
        if not sys.stdin.isatty():
            options.append("-T")  # 1.29 would refuse
        with self._project(check, project, env) as attempt:
            return self._shell.attach(
                (*attempt.base, "run", *options, check.exit_code_from, *command[1:]),
                cwd=self._root,
                env=attempt.env,
            )

    def program(self) -> tuple[str, ...]:
        """Return the words that start compose; asked for once.

        Raises:
            ToolIsMissing: neither version is installed.
        """
        self._found = self._found or program.find(self._shell, self._root, self._docker)
        return self._found

    def down(self, project: str) -> tuple[str, ...]:
        """Remove everything of one project; see `ports.ComposeRunner`."""
        return self._engine.remove(f"{labels.PROJECT}={project}")

    def clean_up(self, run: str) -> tuple[str, ...]:
        """Remove everything of one run, whoever made it; return each thing as `kind name`."""
        return self._engine.remove(f"{labels.RUN}={run}")

    def left(self) -> tuple[str, ...]:
        """Return the runs of our home of which the engine still has something, in order."""
        return tuple(sorted(self._engine.values(labels.RUN, f"{labels.HOME}={self._home}")))

    def sweep(self, alive: Callable[[], frozenset[str]]) -> tuple[str, ...]:
        """Remove what runs of our home left that died; return each thing as `kind name`.

        Args:
            alive: tells the runs that go on; asked after looking, so that it knows of all found.
        """
        left = self.left()
        living = alive() if left else frozenset()
        dead = [run for run in left if run not in living]
        return tuple(thing for run in dead for thing in self.clean_up(run))

    @contextmanager
    def _project(
        self, check: ComposeCheck, project: str, env: Mapping[str, str]
    ) -> Iterator[_Attempt]:
        """Prepare a project, and remove everything of it whatever happens inside."""
        began, where = self._clock.monotonic(), f"checks.{check.name}.compose"
        path = Path(self._root) / check.file
        if not path.is_file():
            raise FileIsMissing(f"there is no {check.file}", where=where)
        buildkit = "1" if self._engine.has_buildkit() else "0"
        builder = {"COMPOSE_DOCKER_CLI_BUILD": buildkit, "DOCKER_BUILDKIT": buildkit}
        base = (*self.program(), "--ansi", "never", "-p", project, "-f", str(path))
        status, said = self._config(base, env)
        if status != 0:
            raise ComposeFileIsUnfit("\n".join((f"{check.file} is invalid", *said)), where=where)
        of = file.read(said, project=project, decisive=check.exit_code_from, where=check.file)
        marks = labels.marks(run=self._run, home=self._home, project=project, check=check.name)
        with tempfile.TemporaryDirectory(prefix="shipway-compose-") as folder:
            labelled = Path(folder) / "labels.yml"
            labelled.write_text(file.override(of, marks), encoding="utf-8")
            attempt = _Attempt(
                check=check,
                label=f"{labels.PROJECT}={project}",
                base=(*base, "-f", str(labelled)),
                env={**env, **builder},
                began=began,
            )
            try:
                yield attempt
            finally:
                self._tear_down(attempt)

    def _config(self, base: tuple[str, ...], env: Mapping[str, str]) -> tuple[int, list[str]]:
        said: list[str] = []
        done = self._shell.run(
            (*base, "config"), cwd=self._root, env=env, on_line=said.append, timeout_s=30.0
        )
        return done.status, said

    def _up(self, attempt: _Attempt, on_output: OnOutput, cancel: Cancel) -> Exit:
        """Build and start everything, each service when those before it are as it wants them."""
        done = self._stream((*attempt.base, "up", "-d", "--build"), attempt, on_output, cancel)
        attempt.settled = not (done.cancelled or done.timed_out or done.silent)
        if done.status != 0 and attempt.settled:
            self._engine.has_buildkit()  # or the engine is what failed
        return done

    def _follow(self, attempt: _Attempt, on_output: OnOutput, cancel: Cancel) -> Exit:
        """Tell what the deciding service says until it ends; its exit status is ours."""
        decisive = self._decisive(attempt)
        command = self._engine.follow(decisive.id)
        done = self._stream(command, attempt, on_output, cancel)
        while not (done.cancelled or done.timed_out or done.silent):
            now = self._decisive(attempt)
            if now.has_ended:
                return replace(done, status=now.exit_code)
            self._clock.wait(0.1)  # its log ended before it: the engine keeps none, or lost us
            command = self._engine.wait(decisive.id)
            done = self._stream(command, attempt, lambda _: None, cancel)
        self._engine.stop(decisive.id)
        return done

    def _decisive(self, attempt: _Attempt) -> Container:
        found = [
            c
            for c in self._engine.containers(attempt.label)
            if c.service == attempt.check.exit_code_from
        ]
        if len(found) != 1:
            raise ComposeFileIsUnfit(
                f"{attempt.check.file} starts {len(found)} containers of"
                f" {attempt.check.exit_code_from}, and one has to decide",
                where=f"checks.{attempt.check.name}.exit_code_from",
                hint="is it in a profile, or scaled?",
            )
        return found[0]

    def _stream(
        self, command: tuple[str, ...], attempt: _Attempt, on_output: OnOutput, cancel: Cancel
    ) -> Exit:
        spent = self._clock.monotonic() - attempt.began
        return self._shell.stream(
            command,
            cwd=self._root,
            env=attempt.env,
            on_output=on_output,
            timeout_s=max(0.0, attempt.check.timeout_s - spent),
            silence_s=attempt.check.silence_s,
            cancel=cancel,
        )

    def _tell_why(self, attempt: _Attempt, logs: str, on_output: OnOutput) -> None:
        """Keep each service's log, and tell which services are not well."""
        containers = self._engine.containers(attempt.label)
        services.keep_logs(self._engine, containers, logs, self._clean)
        lines = services.complaints(self._engine, containers, attempt.check.exit_code_from)
        if containers:
            lines.append(f"shipway: what each service said is in {logs}")
        on_output("".join(f"{line}\n" for line in lines).encode())

    def _tear_down(self, attempt: _Attempt) -> None:
        try:
            self._engine.remove(attempt.label, again=not attempt.settled)
        except EngineIsDown as problem:
            raise EngineIsDown(
                f"{problem.message}; containers, networks and volumes of {attempt.check.name}"
                " may be left",
                where=f"checks.{attempt.check.name}",
                hint=f"once the engine is back: `shipway cleanup --run {self._run}`",
            ) from problem
