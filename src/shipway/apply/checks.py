"""Runs the checks of a commit: as parallel as needs and slots allow, ended by the first failure."""

from __future__ import annotations

import shlex
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Event as Flag

from shipway.apply.world import World
from shipway.checks import junit
from shipway.checks.graph import ready
from shipway.errors import CheckFailed, ShipwayError
from shipway.events.types import CheckEnded, ChecksEnded, CheckStarted, Output
from shipway.model.outcome import Outcome
from shipway.model.service import Check, CommandCheck, ComposeCheck
from shipway.plan.steps import RunChecks
from shipway.ports import Exit, OnLine

LAST_LINES = 40
_NO_TESTS = junit.Tests(total=0, skipped=0, failed=())


@dataclass(slots=True)
class Wish:
    """The wish that running checks should stop."""

    _flag: Flag = field(default_factory=Flag)

    def wanted(self) -> bool:
        """Tell whether somebody wants to stop."""
        return self._flag.is_set()

    def make(self) -> None:
        """Want it."""
        self._flag.set()


@dataclass(frozen=True, slots=True)
class Result:
    """How one check ended, with the last lines that it wrote."""

    check: Check
    outcome: Outcome
    reason: str
    tests: junit.Tests
    seconds: float
    log: str
    last_lines: tuple[str, ...]


def run_checks(step: RunChecks, world: World) -> None:
    """Run checks and write down that they ended.

    Raises:
        CheckFailed: naming each check that failed, with what it said last.
    """
    start = world.clock.monotonic()
    results = _run_graph(step.checks, world)
    failed = [r for r in results if r.outcome in {Outcome.FAILED, Outcome.ERRORED}]
    world.publish(
        ChecksEnded(
            commit=step.commit or "",
            outcome=(Outcome.FAILED if failed else Outcome.PASSED).value,
            checks=tuple(f"{r.check.name}: {r.outcome.value}" for r in results),
            tests=sum(r.tests.total for r in results),
            seconds=round(world.clock.monotonic() - start, 3),
        )
    )
    if failed:
        raise _failure(failed)


def _run_graph(checks: tuple[Check, ...], world: World) -> list[Result]:
    """Start what may start, until all has ended; compose waits, so it takes no slot."""
    stop = Wish()
    results: list[Result] = []
    running: dict[Future[Result], Check] = {}
    passed: set[str] = set()
    started: set[str] = set()
    with ThreadPoolExecutor(max_workers=max(1, len(checks))) as pool:
        try:
            while not stop.wanted() or running:
                for check in ready(checks, frozenset(passed), frozenset(started)):
                    busy = sum(isinstance(c, CommandCheck) for c in running.values())
                    waits = isinstance(check, CommandCheck) and busy >= world.slots
                    if not stop.wanted() and not waits:
                        started.add(check.name)
                        running[pool.submit(_run_one, check, world, stop)] = check
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    del running[future]
                    result = future.result()
                    results.append(result)
                    if result.outcome is Outcome.PASSED:
                        passed.add(result.check.name)
                    else:
                        stop.make()
        finally:
            stop.make()
    results += [_skipped(c) for c in checks if c.name not in started]
    return results


def _run_one(check: Check, world: World, stop: Wish) -> Result:
    log = f"{world.folder}/checks/{check.name}.log"
    last: deque[str] = deque(maxlen=LAST_LINES)

    def on_line(line: str) -> None:
        last.append(line)
        world.files.append(log, line)
        world.publish(Output(check.name, line))

    world.publish(CheckStarted(check.name, command_line(check)))
    if check.junit:
        world.files.remove(f"{world.root}/{check.junit}")
    try:
        done = _execute(check, world, stop, on_line)
    except ShipwayError as problem:  # it could not run, so it has no answer
        _tell_end(Result(check, Outcome.ERRORED, problem.message, _NO_TESTS, 0.0, log, ()), world)
        raise
    tests, complaint = _tests(check, world, done)
    outcome, reason = _judge(check, done, tests, complaint)
    result = Result(check, outcome, reason, tests, done.seconds, log, tuple(last))
    _tell_end(result, world)
    return result


def _tell_end(result: Result, world: World) -> None:
    world.publish(
        CheckEnded(
            check=result.check.name,
            outcome=result.outcome.value,
            reason=result.reason,
            seconds=round(result.seconds, 3),
            tests=result.tests.total,
            failed_tests=result.tests.failed,
            log=result.log,
        )
    )


def _execute(check: Check, world: World, stop: Wish, on_line: OnLine) -> Exit:
    match check:
        case CommandCheck():
            return world.shell.run(
                check.command,
                cwd=world.root,
                env={},
                on_line=on_line,
                timeout_s=check.timeout_s,
                cancel=stop,
            )
        case ComposeCheck():
            project = f"shipway-{world.service}-{world.run}-{check.name}"
            return world.compose.run(
                check,
                project=project,
                env={},
                on_output=lambda said: _tell_lines(said, on_line),
                logs=f"{world.folder}/checks/{check.name}",
                cancel=stop,
            )


def _tell_lines(said: bytes, on_line: OnLine) -> None:
    for line in said.decode("utf-8", "replace").splitlines():
        on_line(line)


def _tests(check: Check, world: World, done: Exit) -> tuple[junit.Tests, str]:
    """Read what the check wrote; a check that promises a report must have written one."""
    if check.junit is None:
        return _NO_TESTS, ""
    text = world.files.read(f"{world.root}/{check.junit}")
    if text is None:
        return _NO_TESTS, f"wrote no {check.junit}" if done.status == 0 else ""
    try:
        return junit.read(text), ""
    except ValueError as problem:
        return _NO_TESTS, f"{check.junit}: {problem}"


def _judge(check: Check, done: Exit, tests: junit.Tests, complaint: str) -> tuple[Outcome, str]:
    if done.cancelled:
        return Outcome.ABORTED, "another check failed first"
    if done.timed_out:
        return Outcome.FAILED, f"took longer than {check.timeout_s:g} s"
    if tests.failed:
        return Outcome.FAILED, f"{len(tests.failed)} of {tests.total} tests failed"
    if done.status != 0:
        return Outcome.FAILED, f"exit status {done.status}"
    if complaint:
        return Outcome.FAILED, complaint
    return Outcome.PASSED, ""


def _skipped(check: Check) -> Result:
    return Result(check, Outcome.SKIPPED, "not started", _NO_TESTS, 0.0, "", ())


def command_line(check: Check) -> str:
    """Return what a person types to see the same by hand."""
    match check:
        case CommandCheck(command=command):
            return shlex.join(command)
        case ComposeCheck(file=file, exit_code_from=service):
            return f"docker-compose -f {file} up --exit-code-from {service}"


def _failure(failed: list[Result]) -> CheckFailed:
    first = failed[0]
    lines = [f"{r.check.name}: {r.reason}" for r in failed]
    if first.tests.failed:
        lines += [f"  failed test: {name}" for name in first.tests.failed[:10]]
    else:
        lines += [f"  {line}" for line in first.last_lines[-15:]]
    return CheckFailed(
        "\n".join(lines),
        hint=f"again by hand: `shipway run {first.check.name}`; all of it: {first.log}",
    )
