"""Runs the checks of a commit, and the build of its image beside them, until the first failure."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

from shipway.apply.check_run import Result, Wish, run_check
from shipway.apply.explain import remember_keys
from shipway.apply.hits import hits, keep
from shipway.apply.look import Known, in_order, is_unchanged, look, today
from shipway.apply.run_record import Recorder
from shipway.apply.world import World
from shipway.checks.graph import Node, Schedule, expectation, node_of
from shipway.checks.verdict import Ending, Verdict
from shipway.errors import CheckFailed, Failed, ShipwayError
from shipway.events.types import CheckEnded, ChecksEnded, CheckStarted, Warned
from shipway.model.outcome import Outcome
from shipway.model.service import Check
from shipway.plan.steps import RunChecks, sentence

if TYPE_CHECKING:  # for annotations alone: loading it takes milliseconds
    from concurrent.futures import Future

IMAGE = "image build"
"""The node that builds the image; no check can be called that."""

UPLOAD_WITHIN_S = 10.0
_NO = frozenset({Outcome.FAILED, Outcome.ERRORED})
_ANSWERS = frozenset({Outcome.PASSED, Outcome.FAILED})


@dataclass(slots=True)
class _Run:
    """One run through the graph.

    `mixed` are the checks that passed over inputs which somebody changed meanwhile, and those that
    need them: what they say is true of no key.
    """

    step: RunChecks
    known: Known
    world: World
    record: Recorder
    stop: Wish = field(default_factory=Wish)
    results: list[Result] = field(default_factory=list)
    problems: list[ShipwayError] = field(default_factory=list)
    mixed: set[str] = field(default_factory=set)


def run_checks(step: RunChecks, world: World) -> None:
    """Run checks and write down that they ended.

    Raises:
        CheckFailed: naming each check that failed, with what it said last.
        ShipwayError: a check, or the image, could not be dealt with at all.
    """
    start = world.clock.monotonic()
    known = look(step, world)
    record = Recorder(step, known, world)
    run = _Run(step, known, world, record)
    with ExitStack() as ending:
        ending.callback(world.cache.close, UPLOAD_WITHIN_S)
        ending.callback(record.close)
        for result in hits(known, step, world).values():
            _tell_end(result, run)
        _run_graph(run)
    ended = {result.check for result in run.results if result.outcome in _ANSWERS}
    remember_keys(known, frozenset(ended - run.mixed), world)
    _conclude(run, world.clock.monotonic() - start)


def _run_graph(run: _Run) -> None:
    """Start what may start, until all has ended; the first no ends what still runs."""
    cached = {result.check for result in run.results}
    checks = {c.name: c for c in run.known.checks if c.name not in cached}
    nodes = _nodes(run.known, cached)
    if run.step.build:
        nodes.append(Node(IMAGE, run.step.build.image.needs, waits=True))
    if not nodes:
        return  # all is known already
    from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait  # noqa: PLC0415 - as above

    expected = {name: expectation(run.world.memory.recall(name)) for name in checks}
    schedule = Schedule(tuple(nodes), expected, run.world.slots)
    running: dict[Future[Result], str] = {}
    with ThreadPoolExecutor(max_workers=max(1, min(len(nodes), _MOST_THREADS))) as pool:
        try:
            while True:
                while not run.stop.wanted() and len(running) < _MOST_THREADS:
                    node = schedule.take()
                    if node is None:
                        break
                    work = _build if node.name == IMAGE else _check
                    running[pool.submit(work, checks.get(node.name), run)] = node.name
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    name = running.pop(future)
                    result = future.result()
                    schedule.end(name, passed=result.outcome is Outcome.PASSED)
                    if result.outcome in _NO and not run.step.keep_going:
                        run.stop.make("another check failed first")
        finally:
            run.stop.make("the run was stopped")
    told = {result.check for result in run.results}
    run.results += [_skipped(name) for name in checks if name not in told]


_MOST_THREADS = 64


def _nodes(known: Known, cached: set[str]) -> list[Node]:
    """Return the places of what has to run.

    Behind a result that was taken from a cache stands what it needed. If that runs, who needs the
    result waits for it: a check may use what `install` made though it names `build` alone.
    """
    behind: dict[str, tuple[str, ...]] = {}
    for check in in_order(known.checks):
        awaited = (behind.get(need, ()) if need in cached else (need,) for need in check.needs)
        behind[check.name] = tuple(dict.fromkeys(chain.from_iterable(awaited)))
    return [
        replace(node_of(check), needs=behind[check.name])
        for check in known.checks
        if check.name not in cached
    ]


def _check(check: Check | None, run: _Run) -> Result:
    """Run one check and tell its end; what could not run has no answer, and is told as well."""
    if check is None:  # pragma: no cover - every node but the image's is a check
        raise TypeError("a node that is no check")
    world = run.world
    run.record.began(check.name)
    started = world.clock.monotonic()
    try:
        result = run_check(check, world, run.stop, today=today(world))
    except ShipwayError as problem:
        verdict = Verdict(Outcome.ERRORED, problem.message, ())
        result = Result(check.name, verdict, started=started, ended=world.clock.monotonic())
        run.problems.append(problem)
    else:
        seconds = result.ended - result.started
        world.memory.remember(check.name, result.outcome.value, seconds)
        _keep(check, result, run)
    _tell_end(result, run)
    return result


def _keep(check: Check, result: Result, run: _Run) -> None:
    """Keep a result, unless somebody changed the inputs while it, or what it needs, was made."""
    if result.outcome is not Outcome.PASSED:
        return
    needs = [need for need in check.needs if need in run.mixed]
    if is_unchanged(check, run.known, run.world) and not needs:
        keep(check, run.known, result, run.world)
        return
    run.mixed.add(check.name)
    if check.name in run.known.keys:
        of = f"inputs of {needs[0]!r}, which it needs, changed" if needs else "its inputs changed"
        run.world.publish(Warned(check.name, f"{of} while it ran: not kept"))


def _build(_: Check | None, run: _Run) -> Result:
    """Build the image beside the checks."""
    step, world = run.step.build, run.world
    if step is None:  # pragma: no cover - the node is only there with the step
        raise TypeError("nothing to build")
    from shipway.apply.publication import build_image, secrets_of  # noqa: PLC0415 - checks alone do without

    started = world.clock.monotonic()
    world.publish(CheckStarted(IMAGE, sentence(step)))
    outcome, reason = Outcome.PASSED, ""
    try:
        built = build_image(step, world, secrets=secrets_of(step.image, world), cancel=run.stop)
        if not built:
            # an image is no check, so there is no other one
            outcome, reason = Outcome.ABORTED, run.stop.why.replace("another", "a")
    except ShipwayError as problem:
        outcome = Outcome.FAILED if isinstance(problem, Failed) else Outcome.ERRORED
        reason = problem.message.partition("\n")[0]
        run.problems.append(problem)
    log = f"{world.folder}/image.log"
    ended = world.clock.monotonic()
    result = Result(IMAGE, Verdict(outcome, reason, ()), started=started, ended=ended, log=log)
    _tell_end(result, run)
    return result


def _tell_end(result: Result, run: _Run) -> None:
    run.results.append(result)
    run.record.ended(result, proves=result.check not in run.mixed)
    run.world.publish(
        CheckEnded(
            check=result.check,
            outcome=result.outcome.value,
            reason=result.verdict.reason,
            seconds=round(result.ended - result.started, 3),
            tests=result.tests.total,
            failed_tests=result.tests.failed,
            log=result.log,
            cached=result.cached,
            labels=result.verdict.labels,
        )
    )


def _conclude(run: _Run, seconds: float) -> None:
    """Write down how the checks ended, without the image, which is no check; raise what failed."""
    checks = [r for r in run.results if r.check != IMAGE]
    failed = [r for r in checks if r.outcome is Outcome.FAILED]
    bad = any(r.outcome is not Outcome.PASSED for r in checks)
    ended = ChecksEnded(
        commit=run.step.commit or "",
        outcome=(Outcome.FAILED if bad else Outcome.PASSED).value,
        checks=tuple(f"{r.check}: {r.outcome.value}" for r in checks),
        tests=sum(r.tests.total for r in checks),
        seconds=round(seconds, 3),
    )
    # of several problems, such as those of a full disk, people have to hear of the first
    with suppress(*((ShipwayError,) if failed or run.problems else ())):
        run.world.publish(ended)
    if failed:
        errored = [r for r in checks if r.outcome is Outcome.ERRORED]
        raise _failure([*failed, *errored], run)
    if run.problems:
        raise run.problems[0]


def _failure(failed: list[Result], run: _Run) -> CheckFailed:
    """Tell of the first failure in some lines; of others, and what had no answer, in one each."""
    from shipway.checks.digest import digest  # noqa: PLC0415 - a run that is all hits does without

    first, *others = failed
    check = next(c for c in run.known.checks if c.name == first.check)
    ending = None if first.status is None else Ending(first.status)
    lines = digest(
        check,
        first.verdict,
        first.tests,
        first.last_lines,
        first.log,
        ending=ending,
        error=first.first_error,
    )
    more = [f"{r.check}: {r.verdict.reason}{_all_of(r)}" for r in others]
    return CheckFailed(
        run.world.redactor.text("\n".join((*lines, *more))),  # names of tests come from the report
        hint=f"`shipway resume {run.world.run}` runs again what did not pass",
    )


def _all_of(result: Result) -> str:
    return f"; all of it: {result.log}" if result.log else ""


def _skipped(name: str) -> Result:
    return Result(name, Verdict(Outcome.SKIPPED, "not started", ()))
