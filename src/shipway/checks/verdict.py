"""What a check's end means: passed, failed, or no answer, and in which words.

A retry and a quarantine never make a red check green on their own: a retry buys a label, and a
quarantine counts only while the report accounts for the whole failure. Which causes allow a retry
at all stands in `weather`.
"""

from __future__ import annotations

import re
from signal import Signals

from shipway.checks.junit import Tests
from shipway.checks.said import cut, plain
from shipway.model.lazy import dataclass
from shipway.model.outcome import Outcome
from shipway.model.service import Check, Quarantine

_SHELL_ADDS = 128  # to the number of the signal; Docker and Jenkins do as shells do
_REASONS = {
    "SIGKILL": " (out of memory?)",
    "SIGABRT": " (node ends so when its heap is full)",
}
_STATUSES = {126: " (not executable)", 127: " (no such command)"}
_JEST_TELLS_ALL = ("JEST_JUNIT_REPORT_TEST_SUITE_ERRORS", "true")

# Failures that the runner prints and leaves out of its report, though they alone make it exit 1.
_UNREPORTED = re.compile(
    r"Unhandled (?:Rejection|Errors?|Exception)"  # vitest
    r"|^\s*Errors\s+\d+ errors?\b"  # vitest's summary
    r"|Coverage for \w+ \(.*\) does not meet"  # vitest, nyc
    r"|coverage threshold for .* not met"  # jest
    r"|FAIL Required test coverage"  # pytest-cov
    r"|Test suite failed to run"  # jest
    r"|Jest: Failed to"
)


@dataclass(frozen=True, slots=True)
class Ending:
    """How the program of a check ended; the three flags say that we ended it, and why."""

    status: int
    timed_out: bool = False
    silent: bool = False
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer; `reason` is empty when it passed, `labels` are what to know besides."""

    outcome: Outcome
    reason: str
    labels: tuple[str, ...] = ()


def judge(
    check: Check,
    ending: Ending,
    tests: Tests,
    complaint: str,
    *,
    today: str,
    again: Tests | None = None,
    said: tuple[str, ...] = (),
) -> Verdict:
    """Judge a check that ran.

    Args:
        check: what it promised, and which of its tests are in quarantine.
        ending: how its program ended, the first time.
        tests: what its report says of that first time.
        complaint: what is wrong with the report itself; empty where nothing is.
        today: the ISO 8601 date in UTC, which expires quarantines.
        again: what the report of a second run says, where there was one after the failure.
        said: the last lines of the output, where runners tell of failures outside of any test.
    """
    if ending.cancelled:
        return Verdict(Outcome.ABORTED, "another check failed first")
    labels = (*_flaky(tests, again), *_healed(check, tests), *_empty(check, tests, complaint))
    if ended_by_us(check, ending):
        return Verdict(Outcome.FAILED, ended_by_us(check, ending), labels)
    reasons = _reasons(ending, tests, complaint)
    if not reasons:
        return Verdict(Outcome.PASSED, "", labels)
    reason = ", ".join(reasons)
    held = {name: _entry(check, name) for name in tests.failed}
    if not any(held.values()):
        return Verdict(Outcome.FAILED, reason, labels)
    objections = _objections(check, ending, tests, held, today) or _outside(complaint, said)
    if objections:
        return Verdict(Outcome.FAILED, "; ".join((reason, *objections)), labels)
    pardoned = tuple(
        f"quarantined: {n} ({q.owner}, until {q.expires})" for n, q in held.items() if q
    )
    return Verdict(Outcome.PASSED, "", (*pardoned, *labels))


def ended_by_us(check: Check, ending: Ending) -> str:
    """Return why we ended it, or nothing."""
    if ending.timed_out:
        return f"took longer than {check.timeout_s:g} s"
    if ending.silent:
        return f"printed nothing for {check.silence_s or 0:g} s"
    return ""


def in_words(status: int) -> str:
    """Return an exit status in words: the signal where it stands for one."""
    number = -status if status < 0 else status - _SHELL_ADDS
    try:
        name = Signals(number).name
    except ValueError:
        return f"exit status {status}{_STATUSES.get(status, '')}"
    return f"killed by {name}{_REASONS.get(name, '')}"


def _reasons(ending: Ending, tests: Tests, complaint: str) -> tuple[str, ...]:
    """Return what is wrong; a plain exit status 1 beside failing tests says nothing new."""
    reasons = []
    if tests.failed:
        reasons.append(f"{len(tests.failed)} of {tests.total} tests failed")
    if ending.status != 0 and not (tests.failed and ending.status in _explained(tests)):
        reasons.append(in_words(ending.status))
    if complaint:
        reasons.append(complaint)
    return tuple(reasons)


def _explained(tests: Tests) -> tuple[int, ...]:
    """Return the statuses that failing tests explain: mocha's is their number, others' is 1."""
    failed = len(tests.failed)
    return (0, 1, min(failed, 255)) if tests.runner == "mocha" and failed else (0, 1)


def _entry(check: Check, name: str) -> Quarantine | None:
    """Return the entry that holds a test, by its whole name or by that without its class."""
    return next(
        (q for q in check.quarantine if name == q.test or name.endswith(f" > {q.test}")), None
    )


def _objections(
    check: Check, ending: Ending, tests: Tests, held: dict[str, Quarantine | None], today: str
) -> tuple[str, ...]:
    """Say why a quarantine does not make this failure good."""
    expired = tuple(
        f"the quarantine of {q.test} ({q.owner}) expired on {q.expires}"
        for q in dict.fromkeys(q for q in held.values() if q)
        if q.expires <= today
    )
    if expired or None in held.values() or ending.status not in _explained(tests):
        return expired or ("more failed than what is in quarantine",)
    if tests.runner == "jest" and _JEST_TELLS_ALL not in check.env:
        return (f"no quarantine without {'='.join(_JEST_TELLS_ALL)} in `env`: {_JEST_WHY}",)
    return ()


_JEST_WHY = "jest-junit leaves out what could not be loaded"


def _outside(complaint: str, said: tuple[str, ...]) -> tuple[str, ...]:
    """Say what failed besides the tests."""
    if complaint:
        return ("more failed than what is in quarantine",)
    lines = (plain(line).strip() for line in said)
    told = next((line for line in lines if _UNREPORTED.search(line)), "")
    return (f"more failed than what is in quarantine: {cut(told, 120)}",) if told else ()


def _flaky(tests: Tests, again: Tests | None) -> tuple[str, ...]:
    """Return a label for each test that failed first and then passed: both must be in a report."""
    passed = frozenset(again.passed) if again else frozenset()
    return tuple(f"flaky: {name}" for name in dict.fromkeys(tests.failed) if name in passed)


def _healed(check: Check, tests: Tests) -> tuple[str, ...]:
    if not check.quarantine:
        return ()
    held = {q.test for name in tests.passed if (q := _entry(check, name))}
    failed = {q.test for name in tests.failed if (q := _entry(check, name))}
    return tuple(
        f"in quarantine, but passes: {q.test} ({q.owner})"
        for q in check.quarantine
        if q.test in held - failed
    )


def _empty(check: Check, tests: Tests, complaint: str) -> tuple[str, ...]:
    return ("its report holds no test",) if check.junit and not tests.total + len(complaint) else ()
