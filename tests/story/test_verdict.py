"""The verdict over a check: in words, with labels, and never green without a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.checks import junit
from shipway.checks.junit import read
from shipway.checks.verdict import Ending, Verdict, judge
from shipway.checks.weather import is_infrastructure
from shipway.model.outcome import Outcome
from shipway.model.service import CommandCheck, Quarantine

NONE = junit.Tests(total=0, skipped=0, failed=())
TODAY = "2026-11-23"
HELD = Quarantine("reconnects", "team-broker", "one in fifty", "2027-01-31")
JEST_ENV = (("JEST_JUNIT_REPORT_TEST_SUITE_ERRORS", "true"),)


def unit(*held: Quarantine, env: tuple[tuple[str, str], ...] = ()) -> CommandCheck:
    """Return a check that promises a report and has tests in quarantine."""
    return CommandCheck(
        name="unit",
        command=("vitest",),
        junit="unit.xml",
        timeout_s=60,
        silence_s=20,
        quarantine=held,
        env=env,
    )


def ran(*failed: str, passed: tuple[str, ...] = ("adds",), runner: str = "") -> junit.Tests:
    """Return what a report of these tests says."""
    total = len(failed) + len(passed)
    return junit.Tests(total=total, skipped=0, failed=failed, passed=passed, runner=runner)


def verdict(
    status: int,
    tests: junit.Tests,
    *held: Quarantine,
    said: tuple[str, ...] = (),
    today: str = TODAY,
) -> Verdict:
    """Judge a check that came to its own end."""
    return judge(unit(*held), Ending(status), tests, "", today=today, said=said)


@pytest.mark.parametrize(
    ("ending", "outcome", "reason"),
    [
        (Ending(0), Outcome.PASSED, ""),
        (Ending(2), Outcome.FAILED, "exit status 2"),
        (Ending(127), Outcome.FAILED, "exit status 127 (no such command)"),
        (Ending(-9), Outcome.FAILED, "killed by SIGKILL (out of memory?)"),
        (Ending(137), Outcome.FAILED, "killed by SIGKILL (out of memory?)"),
        (Ending(139), Outcome.FAILED, "killed by SIGSEGV"),
        (Ending(255), Outcome.FAILED, "exit status 255"),
        (Ending(-15, timed_out=True), Outcome.FAILED, "took longer than 60 s"),
        (Ending(-15, silent=True), Outcome.FAILED, "printed nothing for 20 s"),
        (Ending(-15, cancelled=True), Outcome.ABORTED, "another check failed first"),
        (Ending(0, timed_out=True), Outcome.FAILED, "took longer than 60 s"),
    ],
)
def test_an_ending_has_its_words(ending: Ending, outcome: Outcome, reason: str) -> None:
    """Each way in which a program ends has an outcome and words of its own."""
    found = judge(unit(), ending, ran(), "", today=TODAY)
    assert (found.outcome, found.reason) == (outcome, reason)


def test_a_promised_report_that_is_missing_fails_the_check() -> None:
    """A program that exits 0 without the report it promised did not pass."""
    found = judge(unit(), Ending(0), NONE, "wrote no unit.xml", today=TODAY)
    assert (found.outcome, found.reason) == (Outcome.FAILED, "wrote no unit.xml")


def test_a_report_without_tests_is_labelled() -> None:
    """A check that promised a report of tests and ran none says so."""
    assert verdict(0, NONE).labels == ("its report holds no test",)


def test_failing_tests_fail_a_check_that_exits_0() -> None:
    """A program that hides its failing tests behind exit status 0 did not pass."""
    assert verdict(0, ran("subtracts")).reason == "1 of 2 tests failed"


def test_another_status_beside_failing_tests_is_told() -> None:
    """A status that failing tests do not explain stands beside them."""
    found = verdict(137, ran("subtracts"))
    assert found.reason == "1 of 2 tests failed, killed by SIGKILL (out of memory?)"


def test_a_test_in_quarantine_fails_no_check() -> None:
    """Where only tests in quarantine fail, the check passes, and says whose they are."""
    found = verdict(1, ran("broker > reconnects"), HELD)
    label = "quarantined: broker > reconnects (team-broker, until 2027-01-31)"
    assert found == Verdict(Outcome.PASSED, "", (label,))


@pytest.mark.parametrize(
    ("status", "tests", "said"),
    [
        (1, ran("reconnects", "subtracts"), ()),
        (2, ran("reconnects"), ()),
        (137, ran("reconnects"), ()),
        (3, ran("reconnects", runner="mocha"), ()),
        (1, ran("reconnects quickly"), ()),
        (1, NONE, ()),
        (1, ran(), ()),
        (1, ran("reconnects"), ("      Errors  1 error",)),
        (1, ran("reconnects"), ("\x1b[31m⎯⎯ Unhandled Rejection ⎯⎯\x1b[39m",)),
        (1, ran("reconnects"), ("ERROR: Coverage for lines (70%) does not meet",)),
    ],
)
def test_quarantine_excuses_nothing_else(
    status: int, tests: junit.Tests, said: tuple[str, ...]
) -> None:
    """A failure that the tests in quarantine do not wholly account for stays a failure."""
    assert verdict(status, tests, HELD, said=said).outcome is Outcome.FAILED


def test_mocha_exits_with_the_number_of_its_failures() -> None:
    """Two failures in quarantine account for mocha's exit status 2, and for no other runner's."""
    names = ("a > reconnects", "b > reconnects")
    assert verdict(2, ran(*names, runner="mocha"), HELD).outcome is Outcome.PASSED
    assert verdict(2, ran(*names), HELD).outcome is Outcome.FAILED


def test_a_report_beside_a_complaint_excuses_nothing() -> None:
    """Quarantine does not hold where something is wrong with the report itself."""
    found = judge(unit(HELD), Ending(1), ran("reconnects"), "half of it is gone", today=TODAY)
    assert found.outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("today", "outcome"), [("2027-01-30", Outcome.PASSED), ("2027-01-31", Outcome.FAILED)]
)
def test_a_quarantine_expires(today: str, outcome: Outcome) -> None:
    """From its day of expiry on a quarantine holds no more, and the failure says so."""
    found = verdict(1, ran("reconnects"), HELD, today=today)
    assert found.outcome is outcome
    assert ("expired on 2027-01-31" in found.reason) is (outcome is Outcome.FAILED)


def test_a_test_that_passes_again_may_leave_quarantine() -> None:
    """A test in quarantine that passes is labelled, also when its entry has expired."""
    found = verdict(0, ran(passed=("broker > reconnects",)), HELD, today="2028-01-01")
    label = "in quarantine, but passes: reconnects (team-broker)"
    assert found == Verdict(Outcome.PASSED, "", (label,))


def test_jest_needs_to_tell_of_suites_that_could_not_be_loaded() -> None:
    """With jest a quarantine holds only where jest-junit is told to report what cannot be loaded.

    Its real reports show why: without, a suite that cannot be loaded leaves no trace.
    """
    folder = Path(__file__).parent / "junit"
    silent = read((folder / "jest-junit.xml").read_bytes().decode())
    telling = read((folder / "jest-junit-errors.xml").read_bytes().decode())
    held = tuple(Quarantine(name, "o", "r", "2027-01-31") for name in silent.failed)
    quiet = judge(unit(*held), Ending(1), silent, "", today=TODAY)
    assert quiet.outcome is Outcome.FAILED
    assert "JEST_JUNIT_REPORT_TEST_SUITE_ERRORS=true" in quiet.reason
    asked = judge(unit(*held, env=JEST_ENV), Ending(1), telling, "", today=TODAY)
    assert asked.outcome is Outcome.FAILED
    known = judge(unit(*held, env=JEST_ENV), Ending(1), silent, "", today=TODAY)
    assert known.outcome is Outcome.PASSED


def test_a_retry_buys_a_label_and_never_a_pass() -> None:
    """A test that fails and then passes is labelled flaky, and the check stays failed."""
    again = ran("subtracts", passed=("adds", "reconnects"))
    first = ran("subtracts", "reconnects")
    found = judge(unit(), Ending(1), first, "", today=TODAY, again=again)
    assert found == Verdict(Outcome.FAILED, "2 of 3 tests failed", ("flaky: reconnects",))


def test_a_test_that_did_not_run_again_is_not_flaky() -> None:
    """A test that is missing from the second report has not passed."""
    found = judge(unit(), Ending(1), ran("reconnects"), "", today=TODAY, again=NONE)
    assert found.labels == ()


RETRIED = [
    "npm error code ECONNRESET",
    "npm ERR! code E503",
    "\x1b[31mnpm error\x1b[39m code EAI_AGAIN",
    " ERR_PNPM_FETCH_503  GET http://registry.test/left-pad: Service Unavailable - 503",
    " ERR_PNPM_META_FETCH_FAIL  GET http://r.test/a: request to r failed, reason: read ECONNRESET",
    "error Error: read ECONNRESET",
    "Error response from daemon: Get https://r.test/v2/: net/http: TLS handshake timeout",
    "toomanyrequests: You have reached your pull rate limit.",
    "received unexpected HTTP status: 502 Bad Gateway",
]


@pytest.mark.parametrize("line", RETRIED)
def test_a_registry_that_breaks_off_allows_a_retry(line: str) -> None:
    """What package managers and Docker print when a registry fails is a cause for a retry."""
    assert is_infrastructure(Ending(1), ("installing", line, "bye"), reported=False)


@pytest.mark.parametrize(
    "line",
    [
        "Error: connect ECONNRESET 127.0.0.1:5432",
        "AssertionError: expected 'ETIMEDOUT' to be 'ok'",
        "npm error code ENOTFOUND",
        "npm error code E404",
        "npm error code ELIFECYCLE",
        "answered 503 Service Unavailable",
        " ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with frozen-lockfile",
        " ERR_PNPM_META_FETCH_FAIL  GET http://r.test/a: reason: getaddrinfo ENOTFOUND r.test",
    ],
)
def test_what_may_be_our_own_fault_allows_no_retry(line: str) -> None:
    """A broken connection of the code itself, or a wrong address, is no cause for a retry."""
    assert is_infrastructure(Ending(1), (line,), reported=False) == ""


@pytest.mark.parametrize(
    ("ending", "reported"),
    [
        (Ending(1), True),
        (Ending(0), False),
        (Ending(-9), False),
        (Ending(137), False),
        (Ending(1, timed_out=True), False),
        (Ending(1, silent=True), False),
        (Ending(1, cancelled=True), False),
    ],
)
def test_nothing_is_retried_that_ran_or_was_ended(ending: Ending, *, reported: bool) -> None:
    """A check whose tests ran, or that was killed or ended by us, is never run again."""
    assert is_infrastructure(ending, tuple(RETRIED), reported=reported) == ""
