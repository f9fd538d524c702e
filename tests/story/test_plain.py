"""The plain lines: groups that never mix, a sign of life, and the table at the end."""

from __future__ import annotations

import io
import re

import pytest

from shipway.events.types import (
    CheckEnded,
    ChecksEnded,
    CheckStarted,
    Entry,
    Event,
    Output,
    RunEnded,
    RunStarted,
    StepEnded,
    StepStarted,
    Warned,
)
from shipway.views.grouped import PlainView
from shipway.views.markers import Markers, is_engine, markers_of


class Log:
    """A view with what it wrote, and a clock that stands until a test moves it."""

    def __init__(self, markers: Markers = Markers.NONE, *, verbose: bool = False) -> None:
        self.lines: list[str] = []
        self.now = 100.0
        self.view = PlainView(self.lines.append, lambda: self.now, markers=markers, verbose=verbose)

    def tell(self, *events: Event, at: float | None = None) -> Log:
        """Publish events, at the clock's time."""
        self.now = self.now if at is None else at
        for event in events:
            self.view(Entry(self.now, "sender", "run-1", event))
        return self

    def beat(self, at: float) -> list[str]:
        """Let the heartbeat have its moment, and return what it wrote."""
        before = len(self.lines)
        self.view.beat(at)
        return self.lines[before:]

    def text(self) -> str:
        """Return all lines."""
        return "\n".join(self.lines)


def ended(
    check: str, outcome: str = "passed", seconds: float = 2.0, cached: str = ""
) -> CheckEnded:
    """Return the end of a check."""
    reason = "" if outcome == "passed" else "exit status 1"
    return CheckEnded(check, outcome, reason, seconds, 0, (), f"{check}.log", cached)


def talk(check: str, count: int) -> list[Event]:
    """Return so many lines of output."""
    return [Output(check, f"{check} line {n}") for n in range(count)]


def mixed() -> list[Event]:
    """Return the output of two checks that take turns."""
    both = zip(talk("unit", 3), talk("lint", 3), strict=True)
    return [event for pair in both for event in pair]


def test_output_never_mixes() -> None:
    """What a failed check printed stands together, whoever printed in between."""
    log = Log().tell(CheckStarted("unit", "u"), CheckStarted("lint", "l"), *mixed())
    log.tell(ended("unit", "failed"))
    at = log.lines.index("  unit | unit line 0")
    assert log.lines[at - 1 : at + 3] == [
        "  unit failed, its output:",
        *(f"  unit | unit line {n}" for n in range(3)),
    ]
    assert "lint line" not in log.text()


def test_what_passes_stays_in_its_log() -> None:
    """What a check printed that passed, or was stopped, is not written."""
    log = Log().tell(CheckStarted("unit", "u"), *talk("unit", 3), ended("unit"))
    log.tell(CheckStarted("lint", "l"), *talk("lint", 3), ended("lint", "aborted"))
    assert " | " not in log.text()


def test_verbose_writes_every_group() -> None:
    """With `verbose` what a check printed is written when it passes as well, each on its own."""
    log = Log(verbose=True).tell(CheckStarted("unit", "u"), CheckStarted("lint", "l"), *mixed())
    log.tell(ended("lint"), ended("unit"))
    shown = [line for line in log.lines if " | " in line]
    assert shown == [f"  {c} | {c} line {n}" for c in ("lint", "unit") for n in range(3)]


def test_a_group_has_a_hundred_lines_at_most() -> None:
    """Of a failed check that printed a lot the last hundred lines are written, and it is said."""
    log = Log().tell(CheckStarted("unit", "u"), *talk("unit", 1234), ended("unit", "failed"))
    shown = [line for line in log.lines if " | " in line]
    assert (len(shown), shown[-1]) == (100, "  unit | unit line 1233")
    assert "  unit failed, last 100 of 1234 lines:" in log.lines


def test_a_failed_step_shows_what_it_printed() -> None:
    """A step that is no check, such as a push, shows its output where it fails."""
    step = StepStarted("push the image")
    log = Log().tell(step, Output("push", "denied"), StepEnded("push the image", "failed", "", 1))
    assert "  push | denied" in log.lines
    quiet = Log().tell(step, Output("push", "done"), StepEnded("push the image", "passed", "", 1))
    assert " | " not in quiet.text()


def test_a_group_is_written_once() -> None:
    """What a check printed is not written again when the step that it belongs to fails."""
    log = Log().tell(StepStarted("check"), CheckStarted("unit", "u"), *talk("unit", 2))
    log.tell(ended("unit", "failed"), StepEnded("check", "failed", "", 1.0))
    assert log.text().count("unit line 1") == 1


def test_what_was_stopped_is_not_written_by_its_step() -> None:
    """What a check printed that passed or was stopped stays unwritten when its step fails."""
    log = Log().tell(StepStarted("check"), CheckStarted("unit", "u"), *talk("unit", 2))
    log.tell(ended("unit", "aborted"), StepEnded("check", "failed", "", 1.0))
    assert " | " not in log.text()


def test_output_cannot_move_the_cursor() -> None:
    """Colours and movements of the cursor are taken out of what a check printed."""
    log = Log().tell(Output("unit", "\x1b[2J\x1b[31mred\x1b[0m\x07"), ended("unit", "failed"))
    assert "  unit | red" in log.lines


def test_silence_is_broken_after_five_seconds() -> None:
    """While checks run and nothing is written, a line each five seconds says which, how long."""
    log = Log().tell(CheckStarted("unit", "u"))
    log.tell(CheckStarted("lint", "l"), at=103.0)
    log.tell(*talk("unit", 3), at=106.0)  # output that is held is no sign of life
    assert log.beat(107.9) == []
    assert log.beat(108.0) == ["    8.0s    ... unit 8 s, lint 5 s"]
    assert log.beat(112.9) == []
    assert log.beat(113.0) == ["   13.0s    ... unit 13 s, lint 10 s"]


def test_any_line_is_a_sign_of_life() -> None:
    """What is written for another reason postpones the heartbeat."""
    log = Log().tell(CheckStarted("unit", "u"), CheckStarted("lint", "l"))
    log.tell(ended("lint"), at=104.0)
    assert log.beat(108.9) == []
    assert log.beat(109.0) == ["    9.0s    ... unit 9 s"]


def test_a_step_without_checks_is_alive_too() -> None:
    """A step that waits, for a deployment as an example, says so in its own words."""
    log = Log().tell(RunStarted("deploy", "Ada", ""), StepStarted("wait for the deployment"))
    assert log.beat(170.0) == ["   70.0s    ... wait for the deployment 1 min 10 s"]


@pytest.mark.parametrize("last", [RunEnded("passed", "", 0, 1.0), RunEnded("failed", "x", 3, 1.0)])
def test_nothing_is_said_when_nothing_runs(last: RunEnded) -> None:
    """Before the run and after it there is no heartbeat."""
    log = Log()
    assert log.beat(200.0) == []
    log.tell(RunStarted("run", "Ada", ""), CheckStarted("unit", "u"), last, at=200.0)
    assert log.beat(300.0) == []


def test_many_checks_make_a_short_heartbeat() -> None:
    """A heartbeat names six checks, and counts the others."""
    log = Log().tell(*(CheckStarted(f"c{n}", "x") for n in range(40)))
    assert log.beat(110.0)[0].endswith("c5 10 s and 34 more")


def test_a_thread_of_the_view_makes_it_beat() -> None:
    """Nobody needs to ask for the heartbeat: the view has a thread for it, and ends it."""
    log = Log()
    with log.view:
        log.tell(CheckStarted("unit", "u"))
        log.now = 105.0
        while "... unit 5 s" not in log.text():
            log.view._over.wait(0.01)  # noqa: SLF001 - until its thread had a turn
    assert not log.view._thread.is_alive()  # noqa: SLF001 - what is promised


def test_a_cached_check_says_so() -> None:
    """A check whose result was kept is marked with where it was kept, and has no time."""
    log = Log().tell(ended("unit", cached="this machine"))
    assert log.lines == ["    0.0s    unit         ok, cached (this machine)"]


def test_labels_stand_below_their_check() -> None:
    """Flaky and quarantined tests stand in the log, below the check that they belong to."""
    event = CheckEnded(
        "unit", "passed", "", 2.0, 3, (), "", labels=("quarantined: a (b, until c)",)
    )
    assert Log().tell(event).lines == [
        "    0.0s    unit         ok, 2.0 s, 3 tests",
        "    0.0s      quarantined: a (b, until c)",
    ]


def test_a_warning_is_written() -> None:
    """What is not in order, and ends nothing, has its line."""
    log = Log().tell(Warned("cache", "S3 does not answer"))
    assert log.lines == ["    0.0s    warning: cache: S3 does not answer"]


def test_the_table_comes_once_at_the_end() -> None:
    """When all checks have ended, a table has each with its time, and the critical path."""
    log = Log().tell(ended("types", cached="the team"), CheckStarted("install", "i"))
    log.tell(ended("install"), CheckStarted("unit", "u"), CheckStarted("lint", "l"), at=102.0)
    log.tell(ended("lint", seconds=1.0), at=103.0)
    log.tell(ended("unit", "failed", 6.0), at=108.0)
    with log.view:
        log.tell(ChecksEnded("", "failed", (), 0, 8.0))
    at = log.lines.index("")
    assert log.lines[at + 1 :] == [
        "check    result             time   tests",
        "types    cached (the team)",
        "install  ok                 2.0 s",
        "lint     ok                 1.0 s",
        "unit     FAILED             6.0 s",
        "critical path: install 2.0 s -> unit 6.0 s = 8.0 s",
        "slowest: unit 6.0 s, install 2.0 s, lint 1.0 s",
    ]


def test_an_interrupted_run_has_its_table_too() -> None:
    """Where the run ends before its checks, the table has what had ended."""
    log = Log()
    with log.view:
        log.tell(ended("unit"), ended("lint"))
    assert "lint   ok      2.0 s" in log.lines


def test_a_single_check_needs_no_table() -> None:
    """One check is told by its own line."""
    log = Log().tell(CheckStarted("unit", "u"), ended("unit"))
    log.tell(ChecksEnded("", "passed", (), 0, 2.0))
    assert "" not in log.lines


def test_the_table_of_a_monorepo_is_bounded() -> None:
    """Of thousands of checks the table has thirty, what failed among them, and counts the rest."""
    log = Log().tell(*(ended(f"c{n}", seconds=n / 100) for n in range(1000)))
    log.tell(*(ended(f"k{n}", cached="this machine") for n in range(1000)))
    log.tell(ended("broken", "failed", 0.1), ChecksEnded("", "failed", (), 0, 2.0))
    table = log.lines[log.lines.index("") + 1 :]
    assert len(table) <= 1 + 30 + 3
    assert "broken  FAILED             0.1 s" in table or "broken  FAILED  0.1 s" in table
    assert any(re.match(r"and 1971 more: \d+ ", line) for line in table)


def test_github_folds_what_passed_and_shows_what_failed() -> None:
    """On GitHub what passed is a folded group; what failed is open, and an annotation."""
    log = Log(Markers.GITHUB, verbose=True)
    log.tell(Output("a", "fine"), ended("a"), Output("b", "::error::x"), ended("b", "failed"))
    marked = [line for line in log.lines if line.startswith("::")]
    assert marked == ["::group::a passed, its output:", "::endgroup::", "::error::b failed"]
    assert "  b failed, its output:" in log.lines


def test_a_program_cannot_give_github_a_command() -> None:
    """What a check printed is never at the beginning of a line, nor in GitHub's old form."""
    log = Log(Markers.GITHUB).tell(Output("a", "::add-mask::x"), Output("a", "##[add-mask]y"))
    log.tell(ended("a", "failed"))
    assert "  a | ::add-mask::x" in log.lines
    assert "##[" not in log.text()


def test_buildkite_opens_what_failed() -> None:
    """On Buildkite what passed is a closed group and what failed an open one."""
    log = Log(Markers.BUILDKITE, verbose=True)
    log.tell(Output("a", "fine"), ended("a"), Output("b", "--- no"), ended("b", "failed"))
    heads = [line for line in log.lines if line.startswith(("---", "+++"))]
    assert heads == [
        "--- a passed, its output:",
        "--- shipway",
        "+++ b failed, its output:",
        "--- shipway",
    ]


@pytest.mark.parametrize(
    ("env", "markers", "engine"),
    [
        ({"GITHUB_ACTIONS": "true", "CI": "true"}, Markers.GITHUB, True),
        ({"BUILDKITE": "true"}, Markers.BUILDKITE, True),
        ({"JENKINS_URL": "http://jenkins.test/"}, Markers.NONE, True),
        ({"CI": "false", "TERM": "xterm"}, Markers.NONE, False),
        ({}, Markers.NONE, False),
    ],
)
def test_the_engine_is_known_by_its_variables(
    env: dict[str, str], markers: Markers, *, engine: bool
) -> None:
    """Each engine is known by the variables that it promises; none needs a setting."""
    assert (markers_of(env), is_engine(env)) == (markers, engine)


def test_a_reader_that_went_away_ends_the_heartbeat_only() -> None:
    """Where nobody reads the log any more, the heartbeat ends without a word."""
    closed = io.StringIO()

    def write(line: str) -> None:
        closed.write(line)
        if "..." in line:
            raise BrokenPipeError

    view = PlainView(write, lambda: 200.0)
    view(Entry(100.0, "sender", "run-1", CheckStarted("unit", "u")))
    with view:
        view._thread.join(10)  # noqa: SLF001 - it ends by itself
        assert not view._thread.is_alive()  # noqa: SLF001 - what is promised
