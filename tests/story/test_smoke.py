"""What an answer, a command's end and an alarm say about a release: pass, fail, or nobody knows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.environments.smoke import (
    Judged,
    judge_alarm,
    judge_command,
    judge_digests,
    judge_http,
    p95,
    worst,
    wrong_answer,
)
from shipway.model.observed import ProbeAnswer, RunningTask
from shipway.model.outcome import Outcome
from shipway.model.preflight import AlarmState, Unknown
from shipway.model.probes import AlarmProbe, BodyRule, CommandProbe, HttpProbe
from shipway.model.release import Digest
from shipway.testing.builders import a_digest, a_release

A = a_release()
PROBE = HttpProbe("/x", (200, 204), 1.0)
COMMAND = CommandProbe(("pnpm", "accept"), 30.0)
JSON = '{"status": "ok", "ready": true, "depth": 3, "list": [{"a/b": "c~d"}], "nothing": null}'


@pytest.mark.parametrize(
    ("rule", "body", "got"),
    [
        (BodyRule(), "anything", ""),
        (BodyRule(contains="ok"), "it is ok", ""),
        (BodyRule(contains="ok"), "no", "the body 'no'"),
        (BodyRule(matches=r"^v\d+$"), "v12", ""),
        (BodyRule(matches=r"^v\d+$"), "12", "the body '12'"),
        (BodyRule(contains="x"), "y" * 99, f"the body '{'y' * 60}'..."),
        (BodyRule(equals=(("/status", "ok"),)), JSON, ""),
        (BodyRule(equals=(("/ready", "true"), ("/depth", "3"), ("/nothing", "null"))), JSON, ""),
        (BodyRule(equals=(("/list/0/a~1b", "c~d"),)), JSON, ""),
        (BodyRule(equals=(("/status", "down"),)), JSON, "/status = ok"),
        (BodyRule(equals=(("/list/1", "x"),)), JSON, "/list/1 is not there"),
        (BodyRule(equals=(("/status/deep", "x"),)), JSON, "/status/deep is not there"),
        (BodyRule(equals=(("/a", "x"),)), "<html>", "a body that is no JSON: '<html>'"),
    ],
)
def test_a_body_is_right_or_says_what_it_is(rule: BodyRule, body: str, got: str) -> None:
    """Text, pattern and JSON pointer are compared, and the difference is shown briefly."""
    assert wrong_answer(replace(PROBE, body=rule), ProbeAnswer(200, 0.1, "", body)) == got


@pytest.mark.parametrize(("status", "got"), [(200, ""), (204, ""), (503, "status 503")])
def test_one_of_several_statuses_is_right(status: int, got: str) -> None:
    """Whatever is listed is right, and nothing else."""
    assert wrong_answer(PROBE, ProbeAnswer(status, 0.1, "")) == got


@pytest.mark.parametrize(
    ("judged", "outcome", "line"),
    [
        (
            judge_http(PROBE, wrong="status 503", reached=True),
            Outcome.FAILED,
            "GET /x: wanted status 200 or 204, got status 503",
        ),
        (
            judge_http(PROBE, wrong="no answer (timed out)", reached=False),
            Outcome.INCONCLUSIVE,
            "GET /x: wanted status 200 or 204, got no answer (timed out)",
        ),
        (
            judge_http(PROBE, wrong="", reached=True, seconds=(0.01, 0.02)),
            Outcome.PASSED,
            "GET /x: wanted status 200 or 204, got it 2 times, p95 20 ms",
        ),
        (
            judge_http(replace(PROBE, latency_s=0.25), wrong="", reached=True, seconds=(0.3,)),
            Outcome.FAILED,
            "GET /x: wanted status 200 or 204 within 250 ms (p95 of 1), got 300 ms",
        ),
        (
            judge_http(replace(PROBE, latency_s=0.25), wrong="", reached=True, seconds=(0.25,)),
            Outcome.PASSED,
            "GET /x: wanted status 200 or 204 within 250 ms (p95 of 1), got 250 ms",
        ),
        (
            judge_command(COMMAND, status=0, timed_out=False, log="l"),
            Outcome.PASSED,
            "pnpm accept: wanted exit 0, got it",
        ),
        (
            judge_command(COMMAND, status=1, timed_out=False, log="l"),
            Outcome.FAILED,
            "pnpm accept: wanted exit 0, got exit 1; all it said is in l",
        ),
        (
            judge_command(COMMAND, status=75, timed_out=True, log="l"),
            Outcome.FAILED,
            "pnpm accept: wanted exit 0, got no end within 30 s; all it said is in l",
        ),
        (
            judge_command(COMMAND, status=75, timed_out=False, log="l"),
            Outcome.INCONCLUSIVE,
            "pnpm accept: wanted exit 0, got exit 75; all it said is in l",
        ),
    ],
)
def test_each_probe_tells_in_one_line_what_it_wanted_and_got(
    judged: Judged, outcome: Outcome, line: str
) -> None:
    """The verdict and its line, for each way in which a probe can end."""
    assert judged == Judged(outcome, line)


@pytest.mark.parametrize(
    ("digests", "outcome"),
    [
        ((A.digest, A.digest), Outcome.PASSED),
        ((A.digest, None), Outcome.INCONCLUSIVE),
        ((None,), Outcome.INCONCLUSIVE),
        ((a_digest("x"), None), Outcome.FAILED),
        ((), Outcome.FAILED),
    ],
)
def test_a_digest_that_ecs_has_not_resolved_says_nothing(
    digests: tuple[Digest | None, ...], outcome: Outcome
) -> None:
    """Only another digest, or no task at all, is wrong; an unknown one is for a person."""
    tasks = tuple(RunningTask(f"t{n}", digest) for n, digest in enumerate(digests))
    judged = judge_digests(A, tasks)
    assert judged.outcome is outcome
    assert bool(judged.line) is (outcome is not Outcome.PASSED)


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (AlarmState.OK, Outcome.PASSED),
        (AlarmState.ALARM, Outcome.FAILED),
        (AlarmState.INSUFFICIENT_DATA, Outcome.INCONCLUSIVE),
        (None, Outcome.INCONCLUSIVE),
        (Unknown("denied"), Outcome.INCONCLUSIVE),
    ],
)
def test_only_an_alarm_that_fires_is_a_failure(
    state: AlarmState | Unknown | None, outcome: Outcome
) -> None:
    """No data, no such alarm and no access are no verdict at all."""
    judged = judge_alarm(AlarmProbe("errors"), state)
    assert judged.outcome is outcome
    assert judged.line.startswith("alarm errors: wanted OK, got ")


_OUTCOMES = st.sampled_from([Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE])


@given(st.lists(_OUTCOMES))
def test_inconclusive_is_never_a_pass_and_never_hides_a_failure(outcomes: list[Outcome]) -> None:
    """A failure wins; without one, what nobody knows wins; all passed is a pass."""
    found = worst(tuple(Judged(o, o.value) for o in outcomes)).outcome
    if Outcome.FAILED in outcomes:
        assert found is Outcome.FAILED
    elif Outcome.INCONCLUSIVE in outcomes:
        assert found is Outcome.INCONCLUSIVE
    else:
        assert found is Outcome.PASSED


@given(st.lists(st.floats(0, 60), min_size=1, max_size=200))
def test_95_of_100_keep_to_p95(seconds: list[float]) -> None:
    """At least 95 in 100 are not above it, and it is one of them."""
    found = p95(tuple(seconds))
    assert found in seconds
    assert sum(s <= found for s in seconds) >= 0.95 * len(seconds)
    assert sum(s < found for s in seconds) < 0.95 * len(seconds)
