"""What the events add up to."""

from __future__ import annotations

import pytest

from shipway.errors import ReleaseIsUnknown
from shipway.events.types import ChecksEnded, DeploymentStarted, RunStarted
from shipway.ledger import History
from shipway.model.outcome import DeploymentOutcome, Outcome
from tests.story.telling import PRODUCTION, A, B, Story, arn


def test_nothing_adds_up_to_nothing() -> None:
    """An empty history knows no release, no try and nothing live."""
    assert Story().history() == History()
    assert History().live("preprod") is None


def test_a_release_is_found_by_its_commit() -> None:
    """A recorded release comes back as it was, with the moment of its recording."""
    history = Story().recorded(A).recorded(B).history()
    assert history.release_of(B.commit) == B
    assert history.recorded_at == (0.0, 1.0)


@pytest.mark.parametrize("text", [A.name, A.name.upper(), A.commit, A.commit[:4], A.digest])
def test_a_release_is_found_by_what_people_type(text: str) -> None:
    """A name, a digest and the beginning of a commit all find it."""
    assert Story().recorded(A).recorded(B).history().find(text) == A


@pytest.mark.parametrize("text", ["", A.commit[:3], "sender", "zzzz"])
def test_a_guess_finds_nothing(text: str) -> None:
    """What is too short or fits nothing is unknown."""
    with pytest.raises(ReleaseIsUnknown):
        Story().recorded(A).history().find(text)


def test_a_try_remembers_how_it_went() -> None:
    """A try holds who asked, when, which deployment, how it ended and what was found."""
    (attempt,) = Story().live(A).history().attempts
    assert (attempt.by, attempt.run, attempt.at, attempt.ended_at) == ("dev", "run-1", 0.0, 2.0)
    assert (attempt.deployment, attempt.ended) == (arn(A), DeploymentOutcome.SUCCEEDED)
    assert attempt.good
    assert not attempt.pending


def test_what_is_live_is_the_last_success() -> None:
    """Failed and unfinished tries do not change what is live; each environment has its own."""
    story = Story().live(A).live(A, PRODUCTION).requested(B).started(B)
    assert live(story) == A.name
    assert live(story.ended(B, DeploymentOutcome.FAILED)) == A.name
    assert live(story.live(B)) == B.name
    assert live(story, "production") == A.name


def live(story: Story, environment: str = "preprod") -> str | None:
    """Name what is live."""
    found = story.history().live(environment)
    return found.release if found else None


def test_a_verification_belongs_to_its_environment() -> None:
    """Verified in one environment says nothing about another one."""
    history = Story().live(A).history()
    assert history.verified_in("preprod", A.name)
    assert not history.verified_in("production", A.name)


def test_whoever_finishes_a_try_has_taken_it_over() -> None:
    """A try that another run goes on with is that run's from then on."""
    history = Story().requested(A).died("run-2").started(A).history()
    assert history.attempts[0].run == "run-2"


def test_a_request_that_was_lost_is_one_try_with_its_repetition() -> None:
    """A second request for what the first never reached replaces it, in the newer run."""
    history = Story().requested(A).died("run-2").requested(A, after="arn:new").history()
    (attempt,) = history.attempts
    assert (attempt.run, attempt.after) == ("run-2", "arn:new")


def test_a_second_deployment_is_a_second_try() -> None:
    """A release that is deployed again has two tries."""
    assert len(Story().live(A).live(A).history().attempts) == 2


def test_only_checks_that_passed_are_remembered() -> None:
    """A commit counts as checked when all its checks passed, and not before."""
    red = ChecksEnded(A.commit, "failed", (), 0, 1.0)
    green = ChecksEnded(B.commit, "passed", (), 0, 1.0)
    assert Story().tell(red).tell(green).history().checked == {B.commit}


def test_checks_of_no_commit_prove_nothing() -> None:
    """What passed on a working copy says nothing about any commit."""
    assert Story().tell(ChecksEnded("", "passed", (), 0, 1.0)).history().checked == frozenset()


def test_what_fits_no_try_is_left_out() -> None:
    """An event about a deployment that nobody asked for changes nothing."""
    story = Story().tell(DeploymentStarted("preprod", "x", "arn")).tell(RunStarted("d", "a", ""))
    assert story.history() == History()


def test_a_verdict_lands_on_the_newest_try() -> None:
    """Of two tries of a release, the newer one is verified."""
    history = Story().failed_verification(A).live(A).history()
    assert [a.verified for a in history.attempts] == [Outcome.FAILED, Outcome.PASSED]
