"""How checks end each other, which of them run again, and what has no answer."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier

import pytest

from shipway.apply.checks import run_checks
from shipway.apply.run import conduct
from shipway.errors import CheckFailed, SecretIsTooShort, ShipwayError, ToolIsMissing
from shipway.events.types import CheckStarted, RunEnded
from shipway.model.kept import Past
from shipway.plan.steps import RunChecks
from shipway.testing.builders import ROOT, Stage, a_check, a_compose_check
from shipway.testing.fakes import Script
from shipway.testing.machine import PATIENCE_S
from tests.apply.checking import (
    GREEN,
    RED,
    acting,
    end_of,
    ended,
    go,
    ran,
    record,
    said,
    step,
)

BROKE_OFF = Script(status=1, lines=("npm error code ECONNRESET",))


@pytest.fixture
def stage() -> Stage:
    """An empty world."""
    return Stage()


def exit_of(stage: Stage, wanted: RunChecks) -> int:
    """The exit status of a whole run."""
    world = stage.world()
    with pytest.raises(ShipwayError):
        conduct(world, "run", "", lambda: run_checks(wanted, world))
    (end,) = [event for event in stage.events if isinstance(event, RunEnded)]
    return end.exit_status


def test_after_a_failure_nothing_begins(stage: Stage) -> None:
    """With one slot a failure keeps all that waited from starting."""
    stage.shell.scripts["a"] = Script(status=1)
    with pytest.raises(CheckFailed):
        go(stage, step(*map(a_check, "abc")), world=stage.world(slots=1))
    assert ran(stage) == ["a"]
    assert end_of(stage).checks == ("a: failed", "b: skipped", "c: skipped")


def test_keep_going_runs_what_does_not_need_the_failed(stage: Stage) -> None:
    """With --keep-going only what needs a failed check is left out."""
    stage.shell.scripts["a"] = Script(status=1)
    checks = (a_check("a"), a_check("b"), a_check("c", needs=("a",)), a_check("d", needs=("b",)))
    with pytest.raises(CheckFailed):
        go(stage, step(*checks, keep_going=True), world=stage.world(slots=1))
    assert sorted(ran(stage)) == ["a", "b", "d"]
    assert sorted(end_of(stage).checks) == ["a: failed", "b: passed", "c: skipped", "d: passed"]
    assert end_of(stage).outcome == "failed"


def test_keep_going_tells_every_failure(stage: Stage) -> None:
    """With --keep-going the first failure is told at length, and each other with its log."""
    stage.shell.scripts = {name: Script(status=1) for name in "ab"}
    with pytest.raises(CheckFailed) as found:
        go(stage, step(*map(a_check, "ab"), keep_going=True), world=stage.world(slots=1))
    assert found.value.message.startswith("a: exit status 1\n")
    assert "b: exit status 1; all of it: /runs/run-1/checks/b.log" in found.value.message


def test_a_failure_says_how_to_go_on(stage: Stage) -> None:
    """The hint names the run to resume."""
    stage.shell.scripts["a"] = Script(status=1)
    with pytest.raises(CheckFailed) as found:
        go(stage, step(a_check("a")), "run-7")
    assert found.value.hint == "`shipway resume run-7` runs again what did not pass"


def test_what_failed_of_late_goes_first(stage: Stage) -> None:
    """Among checks that may start, one that failed recently is started before the others."""
    stage.memory.pasts["c"] = Past(seconds=(1.0,), outcomes=("failed",))
    go(stage, step(*map(a_check, "abc")), world=stage.world(slots=1))
    assert ran(stage)[0] == "c"


def test_how_a_check_went_is_remembered(stage: Stage) -> None:
    """Each run of a check adds how it ended to what the next order rests on."""
    stage.shell.scripts["a"] = Script(status=1)
    with pytest.raises(CheckFailed):
        go(stage, step(a_check("a")))
    assert stage.memory.pasts["a"].outcomes == ("failed",)


def test_one_mutex_is_held_by_one_check(stage: Stage) -> None:
    """A check waits for a mutex that another one holds, though a slot is free for it."""
    both = Barrier(2)
    stage.shell.scripts = {
        "a": Script(hangs=True, meets=both),
        "c": Script(status=1, meets=both),
    }
    first, second = (replace(a_check(name), mutexes=("database",)) for name in "ab")
    with pytest.raises(CheckFailed):
        go(stage, step(first, second, a_check("c")), world=stage.world(slots=3))
    assert sorted(end_of(stage).checks) == ["a: aborted", "b: skipped", "c: failed"]


def test_another_mutex_holds_up_nobody(stage: Stage) -> None:
    """Checks with different mutexes run beside each other."""
    pair = Barrier(2)
    stage.shell.scripts = {name: Script(meets=pair) for name in "ab"}
    go(stage, step(*(replace(a_check(name), mutexes=(name,)) for name in "ab")))
    assert stage.shell.most_at_once == 2


def test_a_mutex_is_free_after_a_failure(stage: Stage) -> None:
    """A check that fails lets go of its mutex."""
    stage.shell.scripts["a"] = Script(status=1)
    checks = [replace(a_check(name), mutexes=("database",)) for name in "ab"]
    with pytest.raises(CheckFailed):
        go(stage, step(*checks, keep_going=True))
    assert ran(stage) == ["a", "b"]


def test_a_registry_that_broke_off_is_asked_again(stage: Stage) -> None:
    """A check that fails for the network's sake runs again, as often as it allows."""
    acting(stage).turns["install"] = [BROKE_OFF, BROKE_OFF, Script()]
    go(stage, step(replace(a_check("install"), retries=2)))
    assert ran(stage) == ["install"] * 3
    assert end_of(stage).checks == ("install: passed",)
    assert record(stage).checks[0].attempts == 3


def test_each_attempt_has_its_log(stage: Stage) -> None:
    """An attempt keeps its own log; the one that counts is told."""
    acting(stage).turns["install"] = [BROKE_OFF, Script(lines=("added 9 packages",))]
    go(stage, step(replace(a_check("install"), retries=1)))
    texts = stage.files.texts
    assert texts["/runs/run-1/checks/install.log"] == "npm error code ECONNRESET\n"
    assert texts["/runs/run-1/checks/install.2.log"] == "added 9 packages\n"
    assert ended(stage)["install"].log == "/runs/run-1/checks/install.2.log"


def test_trying_again_is_told_with_its_cause(stage: Stage) -> None:
    """Why a check runs again is a line of its output, and it has started once."""
    acting(stage).turns["install"] = [BROKE_OFF, Script()]
    go(stage, step(replace(a_check("install"), retries=1)))
    cause = "the npm registry broke off: npm error code ECONNRESET: trying again"
    assert said(stage, "install") == ["npm error code ECONNRESET", cause]
    assert [e for e in stage.events if isinstance(e, CheckStarted)] == [
        CheckStarted("install", "install")
    ]


def test_retries_are_used_up(stage: Stage) -> None:
    """A registry that never answers fails the check after the last attempt."""
    acting(stage).turns["install"] = [BROKE_OFF] * 5
    with pytest.raises(CheckFailed):
        go(stage, step(replace(a_check("install"), retries=2)))
    assert ran(stage) == ["install"] * 3


def test_without_retries_there_is_one_attempt(stage: Stage) -> None:
    """A check that allows no retries runs once, whatever the cause."""
    acting(stage).turns["install"] = [BROKE_OFF, Script()]
    with pytest.raises(CheckFailed):
        go(stage, step(a_check("install")))
    assert ran(stage) == ["install"]


def test_a_failure_of_its_own_is_not_tried_again(stage: Stage) -> None:
    """What is the code's fault is told at once, however many retries there are."""
    acting(stage).turns["lint"] = [Script(status=1, lines=("2 problems",)), Script()]
    with pytest.raises(CheckFailed):
        go(stage, step(replace(a_check("lint"), retries=3)))
    assert ran(stage) == ["lint"]


def test_a_check_that_takes_too_long_is_not_tried_again(stage: Stage) -> None:
    """A time-out is the check's failure, even where its output speaks of the network."""
    slow = replace(BROKE_OFF, seconds=100)
    acting(stage).turns["install"] = [slow, Script()]
    with pytest.raises(CheckFailed, match="took longer than 60 s"):
        go(stage, step(replace(a_check("install"), retries=3)))
    assert ran(stage) == ["install"]


def test_a_check_that_falls_silent_fails(stage: Stage) -> None:
    """A check that prints nothing for as long as it may is ended, and says so."""
    stage.shell.scripts["unit"] = Script(silent=True)
    with pytest.raises(CheckFailed, match="unit: printed nothing for 5 s"):
        go(stage, step(replace(a_check("unit"), silence_s=5.0)))


def failing_once(stage: Stage, *, passes: str = GREEN) -> RunChecks:
    """A check whose test fails first, and reports something else the second time."""
    acting(stage).turns["unit"] = [
        Script(status=1, lines=("first",), writes=((f"{ROOT}/unit.xml", RED),)),
        Script(lines=("second",), writes=((f"{ROOT}/unit.xml", passes),)),
    ]
    return step(replace(a_check("unit", junit="unit.xml"), retries=1))


def test_a_flaky_test_fails_with_a_label(stage: Stage) -> None:
    """A test that passes the second time is called flaky, and its check fails."""
    with pytest.raises(CheckFailed, match="flaky: adds"):
        go(stage, failing_once(stage))
    assert ended(stage)["unit"].labels == ("flaky: adds",)
    assert ended(stage)["unit"].outcome == "failed"
    assert ended(stage)["unit"].failed_tests == ("adds",)


def test_a_test_that_fails_twice_is_not_flaky(stage: Stage) -> None:
    """A test that fails both times has no label."""
    with pytest.raises(CheckFailed):
        go(stage, failing_once(stage, passes=RED))
    assert ended(stage)["unit"].labels == ()


def test_the_log_of_the_failure_is_told(stage: Stage) -> None:
    """Of a check that ran again for the label, the first log is told and stays as it was."""
    with pytest.raises(CheckFailed):
        go(stage, failing_once(stage))
    assert stage.files.texts[ended(stage)["unit"].log] == "first\n"


def test_a_label_costs_no_log_of_an_attempt(stage: Stage) -> None:
    """The run for the label writes over no log of an earlier attempt."""
    shell = acting(stage)
    failing = Script(status=1, lines=("failed",), writes=((f"{ROOT}/unit.xml", RED),))
    passing = Script(lines=("passed",), writes=((f"{ROOT}/unit.xml", GREEN),))
    shell.turns["unit"] = [BROKE_OFF, failing, passing]
    with pytest.raises(CheckFailed):
        go(stage, step(replace(a_check("unit", junit="unit.xml"), retries=2)))
    assert stage.files.texts[ended(stage)["unit"].log] == "failed\n"
    assert ended(stage)["unit"].labels == ("flaky: adds",)


def test_without_retries_nothing_is_called_flaky(stage: Stage) -> None:
    """A check that allows no retries is not run again for a label."""
    wanted = failing_once(stage)
    (check,) = wanted.checks
    with pytest.raises(CheckFailed):
        go(stage, step(replace(check, retries=0)))
    assert ran(stage) == ["unit"]


def test_a_missing_tool_has_no_answer(stage: Stage) -> None:
    """A check whose program is not installed is errored, and the run ends as wrong usage."""
    stage.shell.scripts["gone"] = Script(missing=True)
    assert exit_of(stage, step(a_check("gone"), a_check("after", needs=("gone",)))) == 2
    assert ended(stage)["gone"].outcome == "errored"
    assert ended(stage)["gone"].reason == "there is no program 'gone'"
    assert end_of(stage).checks == ("gone: errored", "after: skipped")


def test_a_missing_tool_is_told_while_others_fail(stage: Stage) -> None:
    """With --keep-going a failure decides the exit, and what had no answer is told beside it."""
    stage.shell.scripts = {"gone": Script(missing=True), "bad": Script(status=1)}
    with pytest.raises(CheckFailed) as found:
        go(stage, step(a_check("gone"), a_check("bad"), keep_going=True))
    assert found.value.message.startswith("bad: exit status 1\n")
    assert found.value.message.endswith("\ngone: there is no program 'gone'")


def test_a_missing_tool_is_found_by_keep_going_too(stage: Stage) -> None:
    """With --keep-going a check without an answer keeps the run from passing."""
    stage.shell.scripts["gone"] = Script(missing=True)
    with pytest.raises(ToolIsMissing):
        go(stage, step(a_check("gone"), a_check("fine"), keep_going=True))
    assert sorted(end_of(stage).checks) == ["fine: passed", "gone: errored"]
    assert end_of(stage).outcome == "failed"


def test_an_error_is_not_remembered_as_a_run(stage: Stage) -> None:
    """A check that could not run says nothing about how long it takes or how often it fails."""
    stage.shell.scripts["gone"] = Script(missing=True)
    with pytest.raises(ToolIsMissing):
        go(stage, step(a_check("gone")))
    assert stage.memory.pasts == {}


def test_a_secret_that_cannot_be_hidden_is_refused(stage: Stage) -> None:
    """A check whose secret is too short to hide never starts."""
    stage.secrets.values["env:PIN"] = "1234"
    with pytest.raises(SecretIsTooShort):
        go(stage, step(replace(a_check("lint"), secrets=(("PIN", "env:PIN"),))))
    assert ran(stage) == []
    assert ended(stage)["lint"].outcome == "errored"


def test_a_compose_check_that_hangs_is_cancelled(stage: Stage) -> None:
    """A failing command ends a compose check as it ends any other."""
    both = Barrier(2)
    acting(stage).acts["lint"] = lambda: meet(both)
    stage.shell.scripts["lint"] = Script(status=1)
    stage.compose.scripts["e2e"] = Script(meets=both, hangs=True)
    with pytest.raises(CheckFailed, match="lint: exit status 1"):
        go(stage, step(a_compose_check("e2e"), a_check("lint")))
    assert ended(stage)["e2e"].outcome == "aborted"


def meet(barrier: Barrier) -> None:
    """Wait for the other program."""
    barrier.wait(PATIENCE_S)
