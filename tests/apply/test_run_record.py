"""A run writes down how it goes while it goes, and joins all reports of tests at its end."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from shipway.apply.checks import run_checks
from shipway.checks.record import RunRecord, decode, unfinished
from shipway.errors import CheckFailed, ImageBuildFailed, SecretIsMissing
from shipway.model.outcome import Outcome
from shipway.plan.steps import RunChecks
from shipway.testing.builders import ROOT, Stage, a_check, a_commit
from shipway.testing.fakes import Killed, Script
from tests.apply.checking import (
    GREEN,
    RED,
    a_stage,
    acting,
    built,
    go,
    keyed,
    record,
    step,
)

CANARY = "hunter2-hunter2"
JOINED = "/runs/run-1/junit.xml"


@pytest.fixture
def stage() -> Stage:
    """A checkout with two sources."""
    return a_stage()


def outcomes(found: RunRecord) -> dict[str, Outcome | None]:
    """How each check stands in a record."""
    return {check.name: check.outcome for check in found.checks}


def joined(stage: Stage, run: str = "run-1") -> dict[str, tuple[str, str]]:
    """The suites of the joined report, with their tests and failures."""
    root = ET.fromstring(stage.files.texts[f"/runs/{run}/junit.xml"])  # noqa: S314 - our own text
    return {s.get("name", ""): (s.get("tests", ""), s.get("failures", "")) for s in root}


def test_the_record_says_what_was_asked(stage: Stage) -> None:
    """The record names the run, its command, what was asked for and how."""
    wanted = replace(step(keyed("lint"), asked=("lint",), use_cache=False), keep_going=True)
    go(stage, wanted)
    found = record(stage)
    assert (found.run, found.service, found.command) == ("run-1", "sender", "run")
    assert (found.asked, found.flags) == (("lint",), ("--no-cache", "--keep-going"))
    assert found.platform == "linux-x86_64"


def test_the_record_names_the_commit(stage: Stage) -> None:
    """A delivery's record says whose checks they were."""
    go(stage, RunChecks(a_commit(), (keyed("lint"),)))
    assert record(stage).commit == a_commit()


def test_the_record_says_how_each_check_ended(stage: Stage) -> None:
    """Outcome, reason, exit status, log and key of each check are in the record, as declared."""
    stage.shell.scripts["unit"] = Script(status=3)
    with pytest.raises(CheckFailed):
        go(stage, step(keyed("lint"), keyed("unit", "lint")))
    lint, unit = record(stage).checks
    assert (lint.name, lint.outcome, lint.exit_status) == ("lint", Outcome.PASSED, 0)
    assert (unit.outcome, unit.reason, unit.exit_status) == (Outcome.FAILED, "exit status 3", 3)
    assert (unit.needs, unit.attempts) == (("lint",), 1)
    assert unit.log == "/runs/run-1/checks/unit.log"
    assert len(unit.key) == 64


def test_what_never_began_is_skipped(stage: Stage) -> None:
    """At the end a check that was not started stands as skipped, without times."""
    stage.shell.scripts["lint"] = Script(status=1)
    with pytest.raises(CheckFailed):
        go(stage, step(keyed("lint"), keyed("unit", "lint")))
    unit = record(stage).checks[1]
    assert (unit.outcome, unit.reason) == (Outcome.SKIPPED, "not started")
    assert (unit.started, unit.ended) == (None, None)
    assert unfinished(record(stage)) == ("lint", "unit")


def test_times_count_from_the_start(stage: Stage) -> None:
    """Times are seconds since the run began, and the run's own stands once it is over."""
    acting(stage).acts = {"a": lambda: stage.clock.wait(2.0), "b": lambda: stage.clock.wait(3.0)}
    stage.clock.wait(100.0)
    go(stage, step(a_check("a"), a_check("b", needs=("a",))))
    found = record(stage)
    assert [(c.started, c.ended) for c in found.checks] == [(0.0, 2.0), (2.0, 5.0)]
    assert found.seconds == 5.0


def test_a_result_from_the_cache_says_so(stage: Stage) -> None:
    """A restored result is recorded with its source, and no program was started for it."""
    go(stage, step(keyed("lint")))
    go(stage, step(keyed("lint")), "run-2")
    (lint,) = record(stage, "run-2").checks
    assert (lint.cached, lint.attempts, lint.outcome) == ("this machine", 0, Outcome.PASSED)


def test_the_record_stands_before_anything_ran(stage: Stage) -> None:
    """A run that is killed in its first check has left its name and what it was to do."""
    seen: list[str] = []
    acting(stage).acts["lint"] = lambda: seen.append(stage.files.texts["/runs/run-1/run.json"])
    go(stage, step(keyed("lint"), keyed("unit", "lint")))
    found = decode(seen[0])
    assert found is not None
    assert outcomes(found) == {"lint": None, "unit": None}
    assert (found.checks[0].started, found.checks[1].started) == (0.0, None)
    assert found.seconds is None


def test_a_killed_run_leaves_what_had_ended(stage: Stage) -> None:
    """While the second check runs, the record on the disk holds the first one's end."""
    seen: list[str] = []
    acting(stage).acts["unit"] = lambda: seen.append(stage.files.texts["/runs/run-1/run.json"])
    go(stage, step(keyed("lint"), keyed("unit", "lint")))
    found = decode(seen[0])
    assert found is not None
    assert outcomes(found) == {"lint": Outcome.PASSED, "unit": None}


def test_a_death_in_a_check_tells_no_pass(stage: Stage) -> None:
    """A check during which the process dies never stands as passed."""

    def die() -> None:
        raise Killed("unit")

    acting(stage).acts["unit"] = die
    world = stage.world()
    with pytest.raises(Killed):
        run_checks(step(keyed("lint"), keyed("unit", "lint")), world)
    assert outcomes(record(stage)) == {"lint": Outcome.PASSED, "unit": None}


def test_the_build_of_the_image_is_recorded(stage: Stage) -> None:
    """The build beside the checks is a line of its own."""
    go(stage, built(keyed("lint")))
    assert outcomes(record(stage)) == {"lint": Outcome.PASSED, "image build": Outcome.PASSED}


def test_a_failed_build_leaves_the_run_unfinished(stage: Stage) -> None:
    """A run whose checks passed and whose image did not is one that can be resumed."""
    stage.builder.build_problem = ImageBuildFailed("no such stage")
    with pytest.raises(ImageBuildFailed):
        go(stage, built(keyed("lint"), needs=("lint",)))
    assert unfinished(record(stage)) == ("image build",)


def test_reports_are_joined(stage: Stage) -> None:
    """All reports of the run stand in one file, each under the name of its check."""
    stage.shell.scripts["unit"] = Script(writes=((f"{ROOT}/unit.xml", GREEN),))
    stage.shell.scripts["e2e"] = Script(status=1, writes=((f"{ROOT}/e2e.xml", RED),))
    with pytest.raises(CheckFailed):
        go(
            stage,
            step(
                a_check("unit", junit="unit.xml"), a_check("e2e", needs=("unit",), junit="e2e.xml")
            ),
        )
    assert joined(stage) == {"unit / s": ("1", "0"), "e2e / s": ("1", "1")}


def test_without_reports_there_is_no_joined_one(stage: Stage) -> None:
    """A run without tests writes no report that says zero of zero."""
    go(stage, step(a_check("lint")))
    assert JOINED not in stage.files.texts


def test_a_restored_report_is_joined(stage: Stage) -> None:
    """The tests of a hit are in the joined report of this run too."""
    stage.shell.scripts["unit"] = Script(writes=((f"{ROOT}/unit.xml", GREEN),))
    go(stage, step(keyed("unit", junit="unit.xml")))
    go(stage, step(keyed("unit", junit="unit.xml")), "run-2")
    assert joined(stage, "run-2") == {"unit / s": ("1", "0")}


def test_a_report_of_an_earlier_run_is_not_joined(stage: Stage) -> None:
    """A check that could not even begin brings no report that somebody else has left."""
    stage.files.texts[f"{ROOT}/unit.xml"] = RED
    check = replace(a_check("unit", junit="unit.xml"), secrets=(("TOKEN", "env:TOKEN"),))
    with pytest.raises(SecretIsMissing):
        go(stage, step(check))
    assert JOINED not in stage.files.texts


def test_a_report_of_what_was_not_needed_is_not_joined(stage: Stage) -> None:
    """What was left out has made no report in this run."""
    checks = (keyed("unit", junit="unit.xml"), keyed("cover", "unit"))
    stage.shell.scripts["unit"] = Script(writes=((f"{ROOT}/unit.xml", GREEN),))
    go(stage, step(*checks))
    gone = [key for key, held in stage.cache.entries.items() if held.kept.check == "unit"]
    del stage.cache.entries[gone[0]]
    stage.files.texts[f"{ROOT}/unit.xml"] = RED
    go(stage, step(*checks), "run-2")
    assert "/runs/run-2/junit.xml" not in stage.files.texts


def test_a_flaky_test_stays_red_in_the_report(stage: Stage) -> None:
    """The second run of a flaky check buys a label; reports show the failure that counts."""
    shell = acting(stage)
    shell.turns["unit"] = [
        Script(status=1, writes=((f"{ROOT}/unit.xml", RED),)),
        Script(writes=((f"{ROOT}/unit.xml", GREEN),)),
    ]
    with pytest.raises(CheckFailed):
        go(stage, step(replace(a_check("unit", junit="unit.xml"), retries=1)))
    assert record(stage).checks[0].labels == ("flaky: adds",)
    assert joined(stage) == {"unit / s": ("1", "1")}


def test_no_secret_is_in_the_record(stage: Stage) -> None:
    """Names of tests, labels and reasons hold no value of a secret, nor does the joined report."""
    stage.secrets.values["env:TOKEN"] = CANARY
    red, green = RED.replace("adds", CANARY), GREEN.replace("adds", CANARY)
    shell = acting(stage)
    shell.turns["unit"] = [
        Script(status=1, writes=((f"{ROOT}/unit.xml", red),)),
        Script(writes=((f"{ROOT}/unit.xml", green),)),
    ]
    check = replace(a_check("unit", junit="unit.xml"), secrets=(("T", "env:TOKEN"),), retries=1)
    with pytest.raises(CheckFailed):
        go(stage, step(check))
    (unit,) = record(stage).checks
    assert (unit.failed_tests, unit.labels) == (("***",), ("flaky: ***",))
    ours = {path: text for path, text in stage.files.texts.items() if path.startswith("/runs")}
    assert [path for path, text in ours.items() if CANARY in text] == []


def test_a_full_disk_decides_nothing(stage: Stage) -> None:
    """A record that finds no room on the disk fails no check that passed."""
    go(stage, step(keyed("lint")))

    def fill() -> None:
        stage.files.full = True

    acting(stage).acts["lint"] = fill
    go(stage, step(keyed("lint"), use_cache=False), "run-2")
    assert outcomes(record(stage, "run-2")) == {"lint": None}
