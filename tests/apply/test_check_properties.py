"""Whatever the graph, the cache and the failures are: nothing runs too early or is told wrongly."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.errors import CheckFailed, ToolIsMissing
from shipway.events.types import CheckEnded, CheckStarted
from shipway.model.outcome import Outcome
from shipway.model.service import CacheUse, CommandCheck
from shipway.testing.builders import Stage
from shipway.testing.fakes import Script
from tests.apply.checking import a_stage, end_of, ended, go, keyed, ran, record, step

# derandomised: the same examples in each run, so that a red one is a change's and never luck's
bounded = settings(deadline=None, max_examples=60, derandomize=True, database=None)


@dataclass(frozen=True, slots=True)
class Case:
    """A graph, as it is declared; which of it is kept before, and how the rest will end."""

    checks: tuple[CommandCheck, ...]
    held: frozenset[str]
    broken: frozenset[str]
    scripts: dict[str, Script]
    asked: tuple[str, ...]
    slots: int
    use_cache: bool
    keep_going: bool


ENDS = st.sampled_from([Script(), Script(), Script(), Script(status=1), Script(missing=True)])
USES = st.sampled_from([CacheUse.ON, CacheUse.ON, CacheUse.ON, CacheUse.OFF])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Up to eight checks that need earlier ones, declared in any order."""
    names = [f"c{n}" for n in range(draw(st.integers(1, 8)))]
    checks = []
    for at, name in enumerate(names):
        needs = draw(st.lists(st.sampled_from(names[:at]), unique=True)) if at else []
        check = keyed(name, *needs, cache=draw(USES))
        mutexes = ("one",) if draw(st.booleans()) else ()
        inputs = () if draw(st.integers(0, 5)) == 0 else check.inputs
        checks.append(replace(check, inputs=inputs, mutexes=mutexes))
    some = st.frozensets(st.sampled_from(names))
    return Case(
        checks=tuple(draw(st.permutations(checks))),
        held=draw(some),
        broken=draw(some),
        scripts={name: draw(ENDS) for name in names},
        asked=tuple(sorted(draw(some))) if draw(st.booleans()) else (),
        slots=draw(st.integers(1, 4)),
        use_cache=draw(st.booleans()),
        keep_going=draw(st.booleans()),
    )


def played(case: Case) -> tuple[Stage, bool]:
    """Run the graph with all passing, drop what is not held, run it again; did that raise?"""
    stage = a_stage()
    go(stage, step(*case.checks), "before")
    for key, entry in list(stage.cache.entries.items()):
        if entry.kept.check not in case.held:
            del stage.cache.entries[key]
        elif entry.kept.check in case.broken:
            stage.cache.broken.add(key)
    stage.shell.scripts.update(case.scripts)
    stage.shell.most_at_once = 0
    wanted = step(
        *case.checks, asked=case.asked, use_cache=case.use_cache, keep_going=case.keep_going
    )
    with suppress(CheckFailed, ToolIsMissing):
        go(stage, wanted, world=stage.world(slots=case.slots))
        return stage, False
    return stage, True


def outcomes(stage: Stage) -> dict[str, str]:
    """How each check is told to have ended at the end."""
    return dict(line.split(": ") for line in end_of(stage).checks)


def meant(case: Case, *names: str) -> set[str]:
    """Some checks, or what was asked for, with all that they need."""
    needs = {check.name: check.needs for check in case.checks}
    todo, found = list(names or case.asked or needs), set[str]()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += needs[name]
    return found


@bounded
@given(cases())
def test_nothing_runs_before_what_it_needs_has_passed(case: Case) -> None:
    """When a check starts, all that stands before it has been told as passed, however far."""
    stage, _ = played(case)
    passed: set[str] = set()
    for event in stage.events:
        match event:
            case CheckEnded(check=name, outcome="passed"):
                passed.add(name)
            case CheckStarted(check=name):
                assert passed.issuperset(meant(case, name) - {name})
            case _:
                pass


@bounded
@given(cases())
def test_every_check_is_told_exactly_once(case: Case) -> None:
    """What was asked for, and all that it needs, is told at the end, and its own end once."""
    stage, _ = played(case)
    told = Counter(line.split(": ")[0] for line in end_of(stage).checks)
    assert told == dict.fromkeys(meant(case), 1)
    ends = Counter(e.check for e in stage.events if isinstance(e, CheckEnded))
    assert ends == {name: 1 for name, end in outcomes(stage).items() if end != "skipped"}
    assert {n: e.outcome for n, e in ended(stage).items()}.items() <= outcomes(stage).items()


@bounded
@given(cases())
def test_the_end_says_failed_if_and_only_if_something_did_not_pass(case: Case) -> None:
    """The verdict over all checks, their own ends and the error say the same."""
    stage, raised = played(case)
    bad = any(outcome != "passed" for outcome in outcomes(stage).values())
    assert (end_of(stage).outcome == "failed") == bad
    assert raised == bad


@bounded
@given(cases())
def test_what_ran_and_passed_is_kept_and_nothing_else(case: Case) -> None:
    """This run has kept each result of its own that passed and has a key, and no other."""
    stage, _ = played(case)
    kept = {h.kept.check for h in stage.cache.entries.values() if h.kept.run == "run-1"}
    off = {check.name for check in case.checks if check.cache is CacheUse.OFF}
    own = {n for n, event in ended(stage).items() if event.outcome == "passed" and not event.cached}
    assert kept == own - off - unkeyed(case)


def unkeyed(case: Case) -> set[str]:
    """The checks that declare no inputs, and all that need one of them."""
    found = {check.name for check in case.checks if not check.inputs}
    for check in sorted(case.checks, key=lambda check: check.name):  # needs have smaller numbers
        if found.intersection(check.needs):
            found.add(check.name)
    return found


@bounded
@given(cases())
def test_what_did_not_run_has_a_result_from_before(case: Case) -> None:
    """A pass without a run is a whole entry that was held, or is needed by passes alone."""
    stage, _ = played(case)
    ends = ended(stage)
    for name, event in ends.items():
        if event.cached == "this machine":
            assert name in case.held - case.broken
        elif event.cached:
            assert event.cached == "not needed"
            assert name not in case.asked
            behind = [n for n in ends if n != name and name in meant(case, n)]
            assert behind
            assert all(ends[n].cached for n in behind)
    assert case.use_cache or not any(event.cached for event in ends.values())
    assert set(ran(stage)) == {
        n for n, e in ends.items() if not e.cached and not case.scripts[n].missing
    }


@bounded
@given(cases())
def test_slots_are_never_exceeded(case: Case) -> None:
    """No more programs run at once than there are slots."""
    stage, _ = played(case)
    assert stage.shell.most_at_once <= case.slots


@bounded
@given(cases())
def test_the_record_says_what_the_events_say(case: Case) -> None:
    """At the end of a run its record holds each check with the outcome that was told."""
    stage, _ = played(case)
    written = {c.name: c.outcome for c in record(stage).checks}
    assert written == {name: Outcome(end) for name, end in outcomes(stage).items()}


@bounded
@given(cases())
def test_a_second_run_of_what_passed_runs_little(case: Case) -> None:
    """After a run that passed, only what has no key or keeps nothing runs again."""
    stage, raised = played(case)
    stage.cache.broken.clear()
    if raised:
        return
    go(stage, step(*case.checks, asked=case.asked), "run-3")
    kept = {held.kept.check for held in stage.cache.entries.values()}
    never_kept = {c.name for c in case.checks if c.cache is CacheUse.OFF} | unkeyed(case)
    needed = meant(case, *never_kept) if never_kept else set()
    assert set(ran(stage)) <= never_kept | (needed - kept)
