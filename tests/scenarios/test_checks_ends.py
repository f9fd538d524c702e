"""How checks end: the first no ends the others, and nothing turns a no into a yes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.contracts.processes import lives
from tests.scenarios.checking import Stage, events

FAIL_FAST = """\
  report: { run: sh report.sh, junit: made/report.xml }
  endless: { run: sh endless.sh, needs: [report] }
  bad: { run: sh bad.sh, needs: [report] }
  later: { run: say later, needs: [bad] }
"""
REPORT = """\
mkdir -p made
echo '<testsuite><testcase classname="queue" name="is empty"/></testsuite>' > made/report.xml
say report
"""
ENDLESS = """\
sleep 600 &
echo $! > "$STAGE/grandchild"
echo $$ > "$STAGE/child"
echo > "$STAGE/go"
wait
"""
BAD = 'read -r go < "$STAGE/go"\necho "Error: the queue is not empty"\nexit 3\n'

TWICE = """\
echo "try" >> "$STAGE/tries"
mkdir -p made
if [ "$(wc -l < "$STAGE/tries")" -eq 1 ]; then
  FAILURE='<failure message="expected 1 to be 2"/>'
fi
echo "<testsuite><testcase classname='queue' name='drains'>$FAILURE</testcase></testsuite>" \\
  > made/report.xml
[ -z "$FAILURE" ]
"""
"""A test that fails the first time, and passes when it is tried again."""

NETWORK = """\
echo "try" >> "$STAGE/tries"
[ "$(wc -l < "$STAGE/tries")" -gt 1 ] || { echo "npm error code ECONNRESET"; exit 1; }
"""

HELD = """\
  unit:
    run: sh unit.sh
    junit: made/report.xml
    quarantine: [{ test: drains, owner: dora, reason: since the new broker, expires: %s }]
"""
RED = """\
mkdir -p made
echo "<testsuite><testcase name='drains'><failure message='1'/></testcase></testsuite>" \\
  > made/report.xml
exit 1
"""


def _failing_fast(tmp_path: Path) -> Stage:
    stage = Stage.fresh(tmp_path, FAIL_FAST)
    stage.meeting("go")
    stage.write("report.sh", REPORT)
    stage.write("endless.sh", ENDLESS)
    stage.write("bad.sh", BAD)
    return stage


def test_the_first_failure_ends_the_others_with_all_that_they_started(tmp_path: Path) -> None:
    """A sibling and its own child are gone when the run ends, and its dependants never start."""
    stage = _failing_fast(tmp_path)

    failed = stage.shipway("run")

    assert failed.status == 3
    assert not lives(stage.number("child"))
    assert not lives(stage.number("grandchild"))
    assert stage.ran() == ["report"]


def test_a_failure_is_reported_with_all_that_ran(tmp_path: Path) -> None:
    """Events, run.json and junit.xml tell of what passed, what failed and what was stopped."""
    stage = _failing_fast(tmp_path)

    failed = stage.shipway("run", "--json")

    outcomes = {"report": "passed", "endless": "aborted", "bad": "failed"}
    assert {e["check"]: e["outcome"] for e in events(failed, "CheckEnded")} == outcomes
    assert stage.outcomes() == {**outcomes, "later": "skipped"}
    assert stage.record().seconds is not None
    merged = ET.parse(next(stage.state.glob("runs/*/junit.xml"))).getroot()  # noqa: S314 - our own
    assert merged.get("tests") == "1"


def test_a_failure_is_told_with_what_a_person_needs_to_see_it_again(tmp_path: Path) -> None:
    """Which check, its status, its first error, its log and the command by hand are on stderr."""
    stage = _failing_fast(tmp_path)

    failed = stage.shipway("run")

    log = next(stage.state.glob("runs/*/checks/bad.log"))
    told = failed.err.partition("shipway: ")[2]
    assert told.startswith("bad: exit status 3\n  first error: Error: the queue is not empty\n")
    assert f"all of it: {log}\n" in told
    assert "by hand: " in told
    assert " sh bad.sh\n" in told
    assert f"shipway resume {log.parts[-3]}" in told


def test_with_keep_going_all_that_can_run_runs(tmp_path: Path) -> None:
    """After a failure the others go on, dependants of it stay out, and the end is a failure."""
    stage = Stage.fresh(
        tmp_path,
        '  bad: { run: sh -c "exit 3" }\n'
        "  later: { run: say later, needs: [bad] }\n"
        "  first: { run: say first }\n"
        "  second: { run: say second, needs: [first] }\n",
    )

    failed = stage.shipway("run", "--keep-going")

    assert failed.status == 3
    assert stage.ran() == ["first", "second"]


def test_two_checks_that_share_a_mutex_never_overlap(tmp_path: Path) -> None:
    """Each finds the place empty that it takes for itself, though there were slots for both."""
    stage = Stage.fresh(
        tmp_path,
        "".join(f"  c{n}: {{ run: sh alone.sh c{n}, mutex: port-3000 }}\n" for n in range(4)),
    )
    stage.write("alone.sh", 'mkdir "$STAGE/port" && say "$1" && sleep 0.05 && rmdir "$STAGE/port"')

    done = stage.shipway("run")

    assert done.status == 0, done
    assert stage.ran() == ["c0", "c1", "c2", "c3"]


def test_a_check_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """The limit is told as the reason, and the status that its program gave does not count."""
    stage = Stage.fresh(tmp_path, "  slow: { run: sh slow.sh, timeout: 1 }\n")
    stage.write("slow.sh", 'trap "exit 0" TERM\necho $$ > "$STAGE/pid"\nsleep 600 &\nwait\n')

    failed = stage.shipway("run")

    assert failed.status == 3
    assert "slow: took longer than 1 s" in failed.err
    assert not lives(stage.number("pid"))


def test_a_check_that_says_nothing_for_too_long_is_ended(tmp_path: Path) -> None:
    """What it said last and how long it was silent are told."""
    stage = Stage.fresh(tmp_path, "  slow: { run: sh slow.sh, silence: 1 }\n")
    stage.write("slow.sh", 'echo $$ > "$STAGE/pid"\necho waiting for the broker\nexec sleep 600\n')

    failed = stage.shipway("run")

    assert failed.status == 3
    assert "slow: printed nothing for 1 s" in failed.err
    assert "| waiting for the broker" in failed.err
    assert not lives(stage.number("pid"))


def test_a_registry_that_broke_off_is_tried_again(tmp_path: Path) -> None:
    """With `retries` a network failure costs a second attempt, which counts."""
    stage = Stage.fresh(tmp_path, "  install: { run: sh install.sh, retries: 1 }\n")
    stage.write("install.sh", NETWORK)

    done = stage.shipway("run")

    assert done.status == 0
    assert [c.attempts for c in stage.record().checks] == [2]


def test_without_retries_a_registry_that_broke_off_fails_the_check(tmp_path: Path) -> None:
    """Nothing is tried again that nobody asked to try again."""
    stage = Stage.fresh(tmp_path, "  install: { run: sh install.sh }\n")
    stage.write("install.sh", NETWORK)

    assert stage.shipway("run").status == 3
    assert [c.attempts for c in stage.record().checks] == [1]


def test_a_failure_of_the_code_is_never_tried_again(tmp_path: Path) -> None:
    """The word ECONNRESET in a program's own output buys no second attempt."""
    stage = Stage.fresh(tmp_path, "  unit: { run: sh unit.sh, retries: 5 }\n")
    stage.write("unit.sh", 'echo try >> "$STAGE/tries"\necho "Error: read ECONNRESET"\nexit 1\n')

    assert stage.shipway("run").status == 3
    assert (stage.place / "tries").read_text(encoding="utf-8") == "try\n"


def test_a_flaky_test_gets_a_label_and_still_fails(tmp_path: Path) -> None:
    """A test that passes when it is run again is called flaky, and the check is red."""
    stage = Stage.fresh(
        tmp_path, "  unit: { run: sh unit.sh, junit: made/report.xml, retries: 1 }\n"
    )
    stage.write("unit.sh", TWICE)

    failed = stage.shipway("run")

    assert failed.status == 3
    assert "flaky: queue > drains" in failed.err
    [unit] = stage.record().checks
    assert (unit.attempts, unit.labels) == (2, ("flaky: queue > drains",))


def test_a_test_in_quarantine_fails_nothing_until_its_day(tmp_path: Path) -> None:
    """The check passes with a label that names the test, its owner and the day."""
    stage = Stage.fresh(tmp_path, HELD % "2099-01-01")
    stage.write("unit.sh", RED)

    done = stage.shipway("run")

    assert done.status == 0
    assert "quarantined: drains (dora, until 2099-01-01)" in done.err


@pytest.mark.parametrize("day", ["2026-01-01", "2000-02-29"])
def test_a_quarantine_that_is_over_holds_nothing(tmp_path: Path, day: str) -> None:
    """From its day on the test fails the check again, and the reason says so."""
    stage = Stage.fresh(tmp_path, HELD % day)
    stage.write("unit.sh", RED)

    failed = stage.shipway("run")

    assert failed.status == 3
    assert f"the quarantine of drains (dora) expired on {day}" in failed.err


def test_a_report_of_an_earlier_run_is_not_taken_for_this_one(tmp_path: Path) -> None:
    """A check that promises a report and writes none fails, whatever lay there before."""
    stage = Stage.fresh(tmp_path, "  unit: { run: say unit, junit: made/report.xml }\n")
    stage.write("made/report.xml", '<testsuite><testcase name="old"/></testsuite>')

    failed = stage.shipway("run")

    assert failed.status == 3
    assert "wrote no made/report.xml" in failed.err


def test_what_failed_is_printed_as_one_group(tmp_path: Path) -> None:
    """Lines of checks that run beside each other are not mixed, and those of a pass not shown."""
    stage = Stage.fresh(
        tmp_path, "  good: { run: sh both.sh go come 0 }\n  bad: { run: sh both.sh come go 3 }\n"
    )
    for name in ("go", "come"):
        stage.meeting(name)
    # each waits for the other's line before it prints its next one
    both = """\
for n in 1 2 3; do
  echo "line $n of $3"
  if [ "$1" = go ]; then echo > "$STAGE/go"; read -r x < "$STAGE/come"
  else read -r x < "$STAGE/go"; echo > "$STAGE/come"; fi
done
exit "$3"
"""
    stage.write("both.sh", both)

    failed = stage.shipway("run", "--keep-going")

    assert "".join(f"  bad | line {n} of 3\n" for n in (1, 2, 3)) in failed.err
    assert "good |" not in failed.err


def test_a_machine_gets_one_object_a_line_and_the_error_last(tmp_path: Path) -> None:
    """With `--json` stdout holds JSON alone, of which the last says what failed and the exit."""
    stage = Stage.fresh(tmp_path, "  bad: { run: sh bad.sh }\n")
    stage.write("bad.sh", "echo Error: no\nexit 3\n")

    failed = stage.shipway("run", "--json")

    *_, last = (json.loads(line) for line in failed.out.splitlines())
    assert (last["error"], last["exit"]) == ("check-failed", 3)
    assert last["message"].startswith("bad: exit status 3")
