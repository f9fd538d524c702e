"""Verification as part of whole journeys: three verdicts, and the time to bake."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from shipway.apply.delivery import travel
from shipway.apply.run import conduct
from shipway.apply.verification import check_again
from shipway.errors import (
    AccessIsDenied,
    RolledBack,
    VerificationFailed,
    VerificationIsInconclusive,
)
from shipway.events.judging import ProbeEnded, VerificationJudged
from shipway.events.types import VerificationEnded
from shipway.model.observed import ProbeAnswer
from shipway.model.outcome import Outcome
from shipway.model.preflight import AlarmState, Unknown
from shipway.model.probes import AlarmProbe, HttpProbe
from shipway.pipeline import Journey
from shipway.plan.steps import Verify
from shipway.testing.builders import Stage, a_service, a_source, an_environment
from tests.apply.travelling import deliver, delivered, ends_with, live

OUT_OF_REACH = ProbeAnswer(None, 5.0, "no answer (timed out)", reached=False)
PROBE = HttpProbe("/healthz", (200,), 5.0)
BAKED = replace(an_environment(probes=(PROBE, AlarmProbe("errors"))), bake_s=60.0)
SERVICE = a_service(environments=(BAKED,))


@pytest.fixture
def stage() -> Stage:
    """An empty world."""
    return Stage()


def verdicts(stage: Stage) -> list[str]:
    """Return how each verification ended, in order."""
    return [e.outcome for e in stage.events if isinstance(e, VerificationEnded)]


def judged(stage: Stage, word: str, *, accepted: bool, run: str) -> None:
    """Let a person judge, as `shipway verify --accept` or `--refuse` does."""
    release = stage.world().history().release_of(a_source(word).commit)
    assert release is not None
    stage.remember(
        VerificationJudged("preprod", release.name, accepted, "quinn", "I looked"), run=run
    )


def falls_sick(stage: Stage, word: str, after_s: float) -> Callable[[str], int | str | ProbeAnswer]:
    """Answer as what runs does, but let one commit fall sick some time after its first answer."""
    start: list[float] = []

    def answer(url: str) -> int | str | ProbeAnswer:
        start.append(stage.clock.monotonic())
        if stage.clock.monotonic() - start[0] > after_s:
            stage.orchestrator.sick.add(a_source(word).commit)
        return stage.orchestrator.status_of(url)

    return answer


def test_it_bakes_for_as_long_as_it_says(stage: Stage) -> None:
    """Probes and alarms are asked again and again for the whole window, then it is well."""
    begin = stage.clock.monotonic()
    release = delivered(stage, "a", service=SERVICE)
    assert stage.clock.monotonic() - begin >= 60
    assert live(stage, BAKED) == release.name
    assert verdicts(stage) == ["passed"]
    assert len(stage.http.asked) >= 5 + 12


def test_a_probe_that_fails_in_the_window_leads_back(stage: Stage) -> None:
    """Well at first and broken after half a minute: it is rolled back, and does not bake again."""
    good = delivered(stage, "a", service=SERVICE)
    stage.http.answer = falls_sick(stage, "b", 30)
    with pytest.raises(RolledBack, match="got status 500"):
        delivered(stage, "b", service=SERVICE)
    assert verdicts(stage) == ["passed", "failed", "passed"]
    assert live(stage, BAKED) == good.name


def test_an_alarm_that_fires_in_the_window_leads_back(stage: Stage) -> None:
    """The release that runs is replaced by the last good one, and the run ends with 8."""
    good = delivered(stage, "a", service=SERVICE)
    calm = AlarmState.OK
    stage.inspector.states["errors"] = [calm, calm, calm, AlarmState.ALARM, calm]
    with pytest.raises(RolledBack, match="alarm errors: wanted OK, got ALARM"):
        delivered(stage, "b", service=SERVICE)
    assert live(stage, BAKED) == good.name
    assert ends_with(stage).exit_status == 8


def test_one_lost_look_in_the_window_is_made_up_for(stage: Stage) -> None:
    """An alarm that could not be seen for a moment changes nothing."""
    stage.inspector.states["errors"] = [AlarmState.OK, Unknown("throttled"), AlarmState.OK]
    delivered(stage, "a", service=SERVICE)
    assert verdicts(stage) == ["passed"]


@pytest.mark.parametrize("state", [AlarmState.INSUFFICIENT_DATA, Unknown("denied"), None])
def test_an_alarm_that_says_nothing_asks_a_person(
    stage: Stage, state: AlarmState | Unknown | None
) -> None:
    """It is no pass and no failure: the delivery stops with 4, and nothing is rolled back."""
    delivered(stage, "a", service=SERVICE)
    stage.inspector.states["errors"] = [state]
    with pytest.raises(VerificationIsInconclusive, match="--accept --reason") as found:
        delivered(stage, "b", service=SERVICE)
    assert found.value.exit_status == 4
    assert ends_with(stage).exit_status == 4
    assert stage.orchestrator.asked("preprod") == 2
    last = stage.world().history().last_attempt("preprod")
    assert last is not None
    assert (last.verified, last.good) == (Outcome.INCONCLUSIVE, False)


def test_a_server_that_never_answered_asks_a_person(stage: Stage) -> None:
    """A connection that was never made says nothing about the release; a refused one does."""
    stage.http.answer = lambda _url: OUT_OF_REACH
    with pytest.raises(VerificationIsInconclusive, match="inconclusive"):
        delivered(stage, "a", service=SERVICE)
    stage.http.answer = lambda _url: "connection refused"
    with pytest.raises(VerificationFailed):
        delivered(stage, "c", service=SERVICE)


def test_a_denied_look_at_the_tasks_asks_a_person(stage: Stage) -> None:
    """Access denied is no verdict, and waiting would not change it."""
    world = stage.world("again")
    release = delivered(stage, "a", service=SERVICE)
    stage.orchestrator.task_trouble.append(AccessIsDenied("AWS refused ListTasks"))
    with pytest.raises(VerificationIsInconclusive, match="AWS refused ListTasks"):
        check_again(Verify(BAKED, release, bake=False), world)


def test_what_a_person_accepts_goes_on(stage: Stage) -> None:
    """Accepted, the release counts as verified there, with who and why, and the delivery ends."""
    stage.inspector.states["errors"] = [AlarmState.INSUFFICIENT_DATA]
    with pytest.raises(VerificationIsInconclusive):
        delivered(stage, "a", service=SERVICE)
    judged(stage, "a", accepted=True, run="by-hand")
    release = deliver(stage, a_source("a"), service=SERVICE, run="run-3")
    attempt = stage.world().history().last_attempt("preprod", release.name)
    assert attempt is not None
    assert attempt.good
    assert (attempt.judged_by, attempt.verdict) == ("quinn", "accepted by quinn: I looked")
    assert stage.orchestrator.asked("preprod") == 1


def test_what_a_person_refuses_goes_back(stage: Stage) -> None:
    """Refused, it is rolled back as after any failed verification, and is not looked at again."""
    good = delivered(stage, "a", service=SERVICE)
    stage.inspector.states["errors"] = [AlarmState.INSUFFICIENT_DATA]
    with pytest.raises(VerificationIsInconclusive):
        delivered(stage, "b", service=SERVICE)
    stage.inspector.states.clear()
    judged(stage, "b", accepted=False, run="by-hand")
    world, source = stage.world("run-4"), a_source("b")
    journey = Journey(SERVICE, source, (BAKED,), "run-4")
    with pytest.raises(RolledBack, match="refused by quinn: I looked"):
        conduct(world, "verify", source.commit, lambda: travel(journey, world))
    assert live(stage, BAKED) == good.name


def test_another_run_looks_again_at_what_was_inconclusive(stage: Stage) -> None:
    """Metrics that have come meanwhile give a verdict without any person."""
    stage.inspector.states["errors"] = [AlarmState.INSUFFICIENT_DATA]
    with pytest.raises(VerificationIsInconclusive):
        delivered(stage, "a", service=SERVICE)
    stage.inspector.states.clear()
    deliver(stage, a_source("a"), service=SERVICE, run="run-2")
    assert verdicts(stage) == ["inconclusive", "passed"]
    assert stage.orchestrator.asked("preprod") == 1


def test_a_way_back_that_nobody_can_judge_asks_too(stage: Stage) -> None:
    """The release before runs again, but whether it is well is for a person to say."""
    delivered(stage, "a", service=SERVICE)
    fires, silent = AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA
    stage.inspector.states["errors"] = [fires, silent]
    with pytest.raises(VerificationIsInconclusive, match="inconclusive"):
        delivered(stage, "b", service=SERVICE)
    assert verdicts(stage) == ["passed", "failed", "inconclusive"]


def test_each_probe_is_told(stage: Stage) -> None:
    """What each one wanted and got is in the stream, also when it passed."""
    delivered(stage, "a", service=SERVICE)
    told = [e for e in stage.events if isinstance(e, ProbeEnded)]
    assert [e.line.partition(":")[0] for e in told] == ["GET /healthz", "alarm errors"]
    assert all("wanted" in e.line and "got" in e.line for e in told)


@pytest.mark.parametrize(
    ("retries", "wrong", "verdict"), [(1, 1, "passed"), (1, 2, "failed"), (0, 1, "failed")]
)
def test_wrong_answers_are_forgiven_as_often_as_it_says(
    stage: Stage, retries: int, wrong: int, verdict: str
) -> None:
    """With one retry a single wrong answer among five is forgiven, two are not."""
    said = iter([200, *[500] * wrong])
    stage.http.answer = lambda _url: next(said, 200)
    probe = replace(PROBE, retries=retries)
    with suppress(VerificationFailed):
        delivered(stage, "a", service=a_service(environments=(an_environment(probes=(probe,)),)))
    assert verdicts(stage) == [verdict]
