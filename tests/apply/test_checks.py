"""Checks run as parallel as they may; the first failure ends the others; nothing is hidden."""

from __future__ import annotations

from threading import Barrier

import pytest

from shipway.apply.checks import run_checks
from shipway.errors import CheckFailed, ToolIsMissing
from shipway.events.types import CheckEnded, ChecksEnded, CheckStarted, Output
from shipway.model.service import Check
from shipway.plan.steps import RunChecks
from shipway.testing.builders import ROOT, Stage, a_check, a_commit, a_compose_check
from shipway.testing.fakes import Script

JUNIT = """<testsuites><testsuite tests="9">
  <testcase classname="math" name="adds"/>
  <testcase classname="math" name="divides"><failure/></testcase>
  <testcase name="waits"><skipped/></testcase>
  <testcase name="breaks"><error/></testcase>
</testsuite></testsuites>"""
GREEN = '<testsuite><testcase name="adds"/><testcase name="waits"><skipped/></testcase></testsuite>'


@pytest.fixture
def stage() -> Stage:
    """An empty world."""
    return Stage()


def check(stage: Stage, *checks: Check, slots: int = 2) -> ChecksEnded:
    """Run checks and return what is remembered of them."""
    run_checks(RunChecks(a_commit(), checks), stage.world(slots=slots))
    return end_of(stage)


def end_of(stage: Stage) -> ChecksEnded:
    """The one event that ends all checks."""
    (found,) = [event for event in stage.events if isinstance(event, ChecksEnded)]
    return found


def ended(stage: Stage) -> dict[str, CheckEnded]:
    """How each check that ran has ended."""
    return {event.check: event for event in stage.events if isinstance(event, CheckEnded)}


def test_a_check_waits_for_what_it_needs(stage: Stage) -> None:
    """What is needed has passed before the check that needs it starts."""
    check(stage, a_check("c", needs=("b",)), a_check("b", needs=("a",)), a_check("a"))
    assert [ran.command for ran in stage.shell.ran] == [("a",), ("b",), ("c",)]


def test_checks_run_beside_each_other_up_to_the_slots(stage: Stage) -> None:
    """Two slots mean two commands at once, never three."""
    pair = Barrier(2)
    names = ("a", "b", "c", "d")
    stage.shell.scripts = {name: Script(meets=pair) for name in names}
    found = check(stage, *(a_check(name) for name in names), slots=2)
    assert stage.shell.most_at_once == 2
    assert sorted(found.checks) == [f"{name}: passed" for name in names]


def test_compose_takes_no_slot(stage: Stage) -> None:
    """A compose check, which mostly waits, runs beside a command on a single slot."""
    pair = Barrier(2)
    stage.shell.scripts["a"] = Script(meets=pair)
    stage.compose.scripts["integration"] = Script(meets=pair)
    check(stage, a_check("a"), a_compose_check("integration"), slots=1)
    assert stage.compose.projects == ["shipway-sender-run-1-integration"]


def test_the_first_failure_cancels_what_runs(stage: Stage) -> None:
    """A failing check stops its siblings, which end as aborted and are not blamed."""
    pair = Barrier(2)
    stage.shell.scripts["bad"] = Script(status=3, meets=pair, lines=("oops",))
    stage.shell.scripts["slow"] = Script(hangs=True, meets=pair)
    with pytest.raises(CheckFailed) as found:
        check(stage, a_check("bad"), a_check("slow"))
    assert found.value.message.startswith("bad: exit status 3")
    assert "slow" not in found.value.message
    assert ended(stage)["slow"].outcome == "aborted"


def test_what_was_never_started_is_told(stage: Stage) -> None:
    """After a failure each check that did not run is remembered as skipped."""
    stage.shell.scripts["a"] = Script(status=1)
    with pytest.raises(CheckFailed):
        check(stage, a_check("a"), a_check("b", needs=("a",)), a_check("c", needs=("b",)))
    assert end_of(stage).checks == ("a: failed", "b: skipped", "c: skipped")
    assert end_of(stage).outcome == "failed"


def test_each_line_is_told_and_kept(stage: Stage) -> None:
    """What a check says goes to the stream and into its log."""
    stage.shell.scripts["lint"] = Script(lines=("one", "two"))
    check(stage, a_check("lint"))
    assert [e for e in stage.events if isinstance(e, Output)] == [
        Output("lint", "one"),
        Output("lint", "two"),
    ]
    assert stage.files.texts["/runs/run-1/checks/lint.log"] == "one\ntwo\n"
    assert CheckStarted("lint", "lint") in stage.events


def test_a_failure_shows_its_last_lines_and_how_to_repeat_it(stage: Stage) -> None:
    """The error holds what the check said last, the command to repeat it and the whole log."""
    stage.shell.scripts["lint"] = Script(status=1, lines=tuple(f"line {n}" for n in range(60)))
    with pytest.raises(CheckFailed) as found:
        check(stage, a_check("lint"))
    assert "line 59" in found.value.message
    assert "line 44" not in found.value.message
    assert "again: shipway run lint" in found.value.message
    assert "all of it: /runs/run-1/checks/lint.log" in found.value.message


def test_a_check_that_takes_too_long_fails(stage: Stage) -> None:
    """The time-out of a check is its failure, with the limit."""
    stage.shell.scripts["slow"] = Script(seconds=100)
    with pytest.raises(CheckFailed, match="slow: took longer than 60 s"):
        check(stage, a_check("slow"))


def test_tests_are_counted_from_the_cases(stage: Stage) -> None:
    """The number of tests is recounted from the JUnit file, whatever its summary says."""
    stage.shell.scripts["unit"] = Script(writes=((f"{ROOT}/unit.xml", GREEN),))
    assert check(stage, a_check("unit", junit="unit.xml")).tests == 2


def test_failed_tests_are_named(stage: Stage) -> None:
    """Failed and errored cases fail the check, by name, even if the command said 0."""
    stage.shell.scripts["unit"] = Script(writes=((f"{ROOT}/unit.xml", JUNIT),))
    with pytest.raises(CheckFailed) as found:
        check(stage, a_check("unit", junit="unit.xml"))
    assert "unit: 2 of 4 tests failed" in found.value.message
    assert "failed test: math > divides" in found.value.message
    assert ended(stage)["unit"].failed_tests == ("math > divides", "breaks")


def test_a_report_of_an_earlier_run_proves_nothing(stage: Stage) -> None:
    """A report that was there before is removed; a check that writes none fails."""
    stage.files.texts[f"{ROOT}/unit.xml"] = GREEN
    with pytest.raises(CheckFailed, match=r"unit: wrote no unit\.xml"):
        check(stage, a_check("unit", junit="unit.xml"))


def test_a_report_that_cannot_be_read_fails(stage: Stage) -> None:
    """Half a report is no proof."""
    stage.shell.scripts["unit"] = Script(writes=((f"{ROOT}/unit.xml", GREEN[:40]),))
    with pytest.raises(CheckFailed, match=r"unit: unit\.xml: not a JUnit file"):
        check(stage, a_check("unit", junit="unit.xml"))


def test_a_compose_check_is_judged_like_any_other(stage: Stage) -> None:
    """The exit of the deciding service decides, and it is told how to repeat it."""
    stage.compose.scripts["integration"] = Script(status=2, lines=("no broker",))
    with pytest.raises(CheckFailed, match=r"integration: exit status 2\n(.*\n)*    \| no broker"):
        check(stage, a_compose_check("integration"))
    started = next(event for event in stage.events if isinstance(event, CheckStarted))
    assert started.command == "docker-compose -f compose.yml up --exit-code-from tests"


def test_a_missing_program_ends_the_others(stage: Stage) -> None:
    """A program that is not installed is told as that, and cancels what runs beside it."""
    stage.shell.scripts["gone"] = Script(missing=True)
    stage.compose.scripts["integration"] = Script(hangs=True)
    with pytest.raises(ToolIsMissing):
        check(stage, a_compose_check("integration"), a_check("gone"))
    assert ended(stage)["integration"].outcome == "aborted"


def test_no_checks_pass(stage: Stage) -> None:
    """A service without checks has nothing to wait for."""
    assert check(stage) == ChecksEnded(a_commit(), "passed", (), 0, 0.0)
