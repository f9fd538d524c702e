"""Runs one check: environment and secrets in, a judged result out. It decides nothing itself."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import field, replace
from threading import Event as Flag

from shipway.apply.step_log import StepLog
from shipway.apply.world import World
from shipway.checks import junit
from shipway.checks.compose import project
from shipway.checks.verdict import Ending, Verdict, judge
from shipway.events.types import CheckStarted, Output
from shipway.model.lazy import dataclass
from shipway.model.outcome import Outcome
from shipway.model.secret import Secret
from shipway.model.service import Check, CommandCheck, ComposeCheck
from shipway.ports import Exit

NO_TESTS = junit.Tests(total=0, skipped=0, failed=())


@dataclass(slots=True)
class Wish:
    """The wish that running checks should stop; `why`, for those who are stopped."""

    why: str = ""
    _flag: Flag = field(default_factory=Flag)

    def wanted(self) -> bool:
        """Tell whether somebody wants to stop."""
        return self._flag.is_set()

    def make(self, why: str) -> None:
        """Want it; the first reason stays."""
        self.why = self.why or why
        self._flag.set()


@dataclass(frozen=True, slots=True)
class Result:
    """How one check ended; `started` and `ended` are seconds of the run's clock.

    `cached` is empty where it ran; `status` is None where it has no exit status.
    """

    check: str
    verdict: Verdict
    tests: junit.Tests = NO_TESTS
    started: float = 0.0
    ended: float = 0.0
    status: int | None = None
    attempts: int = 0
    cached: str = ""
    log: str = ""
    last_lines: tuple[str, ...] = ()
    first_error: str = ""

    @property
    def outcome(self) -> Outcome:
        """The verdict's outcome."""
        return self.verdict.outcome


def run_check(check: Check, world: World, stop: Wish, *, today: str) -> Result:
    """Run a check to its end, again where the infrastructure failed and the check allows it.

    Raises:
        ShipwayError: it could not be run at all.
    """
    from shipway.checks.weather import is_infrastructure  # noqa: PLC0415 - a run that is all hits does without

    started = world.clock.monotonic()
    world.publish(CheckStarted(check.name, command_line(check)))
    env = environment(check, world)
    attempts = 0
    while True:
        attempts += 1
        log = log_of(check, world, attempts)
        done, written = _execute(check, world, stop, env, log)
        lines = written.last_lines()
        tests, complaint = _tests(check, world, done)
        ending = Ending(done.status, done.timed_out, done.silent, done.cancelled)
        cause = is_infrastructure(ending, lines, reported=tests.total > 0)
        if not cause or attempts > check.retries or stop.wanted():
            break
        world.publish(Output(check.name, f"{cause}: trying again"))
    again = None
    if attempts <= check.retries:
        again = _flaky(check, world, stop, env, tests, attempt=attempts + 1)
    verdict = judge(check, ending, tests, complaint, today=today, again=again, said=lines)
    if verdict.outcome is Outcome.ABORTED:
        verdict = replace(verdict, reason=stop.why)
    return Result(
        check=check.name,
        verdict=verdict,
        tests=tests,
        started=started,
        ended=world.clock.monotonic(),
        status=done.status,
        attempts=attempts + (again is not None),
        log=log,
        last_lines=lines,
        first_error="" if verdict.outcome is Outcome.PASSED else _first_error(written),
    )


def _first_error(written: StepLog) -> str:
    from shipway.checks.digest import first_error  # noqa: PLC0415 - a run that is all hits does without

    return first_error(written.lines())


def environment(check: Check, world: World) -> dict[str, str]:
    """Return what is added to our own environment for a check; its secrets are hidden from now on.

    Raises:
        SecretIsMissing, SecretIsTooShort: a secret cannot be had, or not be hidden.
    """
    env = {**world.env, **dict(check.env)}
    for variable, reference in check.secrets:
        value = world.secrets.resolve(reference)
        world.redactor.add(Secret(value, variable))
        env[variable] = value
    return env


def log_of(check: Check, world: World, attempt: int = 1) -> str:
    """Return the path of a check's log file."""
    name = file_name(check.name)
    return f"{world.folder}/checks/{name}{f'.{attempt}' if attempt > 1 else ''}.log"


def file_name(check: str) -> str:
    """Return what the files of a check are called; no two checks share one."""
    return check.replace("+", "++").replace("/", "+").replace(":", ".")


def command_line(check: Check) -> str:
    """Return what a person types to see the same by hand."""
    match check:
        case CommandCheck(command=command, shell=True):
            return command[-1]
        case CommandCheck(command=command):
            return shlex.join(command)
        case ComposeCheck(file=file, exit_code_from=service):
            return f"docker-compose -f {file} up --exit-code-from {service}"


def _execute(
    check: Check, world: World, stop: Wish, env: Mapping[str, str], path: str
) -> tuple[Exit, StepLog]:
    """Run it once; what an earlier run reported is removed before, so it cannot pass for ours."""
    if check.junit:
        world.files.remove(f"{world.root}/{check.junit}")
    with StepLog(world, check.name, path) as log:
        match check:
            case CommandCheck():
                done = world.shell.stream(
                    check.command,
                    cwd=f"{world.root}/{check.cwd}" if check.cwd != "." else world.root,
                    env=env,
                    on_output=log.feed,
                    timeout_s=check.timeout_s,
                    silence_s=check.silence_s,
                    cancel=stop,
                )
            case ComposeCheck():
                done = world.compose.run(
                    check,
                    project=project(world.service, world.run, check.name),
                    env=env,
                    on_output=log.feed,
                    logs=path.removesuffix(".log"),
                    cancel=stop,
                )
    return done, log


def _flaky(
    check: Check,
    world: World,
    stop: Wish,
    env: Mapping[str, str],
    tests: junit.Tests,
    *,
    attempt: int,
) -> junit.Tests | None:
    """Run a check whose tests failed once more: for the label, never for a pass."""
    if not (check.junit and check.retries and tests.failed) or stop.wanted():
        return None
    report = f"{world.root}/{check.junit}"
    first = world.files.read(report)
    done, _ = _execute(check, world, stop, env, log_of(check, world, attempt))
    again, _ = _tests(check, world, done)
    if first is not None:  # readers of reports must see the failure, as the verdict does
        world.files.write(report, first)
    return again


def _tests(check: Check, world: World, done: Exit) -> tuple[junit.Tests, str]:
    """Read what the check wrote; a check that promises a report must have written one."""
    if check.junit is None:
        return NO_TESTS, ""
    text = world.files.read(f"{world.root}/{check.junit}")
    if text is None:
        return NO_TESTS, f"wrote no {check.junit}" if done.status == 0 else ""
    try:
        return junit.read(text), ""
    except ValueError as problem:
        return NO_TESTS, f"{check.junit}: {problem}"
