"""Why the newest release is not live everywhere, from the ledger alone."""

from __future__ import annotations

from shipway.model.outcome import DeploymentOutcome
from shipway.promotion.why import WhyNot, fate, why_not
from tests.story.telling import PREPROD, PRODUCTION, SERVICE, A, B, Story


def test_without_a_release_there_is_nothing_to_ask() -> None:
    """No release, no question."""
    assert why_not(SERVICE, Story().history()) is None


def test_a_release_that_is_live_everywhere_needs_no_reason() -> None:
    """Live in every environment: nothing to explain."""
    history = Story().recorded(A).live(A).live(A, PRODUCTION).history()
    assert why_not(SERVICE, history) is None


def test_what_waits_at_the_gate_says_who_is_missing() -> None:
    """The first environment that it is not live in, with the gate's own reasons."""
    found = why_not(SERVICE, Story().recorded(A).live(A).history())
    assert found is not None
    assert (found.environment, found.release) == (PRODUCTION.name, A.name)
    assert "approvals" in found.reasons[0]


def test_what_failed_says_how() -> None:
    """A roll-back is told with ECS's own reason and the hold, and nothing of places behind it."""
    story = Story().recorded(A).live(A).recorded(B).requested(B).started(B)
    history = story.ended(B, DeploymentOutcome.ROLLED_BACK).history()
    again = f"shipway promote {PREPROD.name} --release {B.name}"
    hold = f"it is held until somebody insists: `{again}`"
    reasons = ("delivery rolled-back: so", hold)
    assert why_not(SERVICE, history) == WhyNot(PREPROD.name, B.name, reasons)


def test_a_failed_verification_is_told_by_its_verdict() -> None:
    """What ECS calls a success is told as what the verification found."""
    history = Story().recorded(A).failed_verification(A).history()
    attempt = history.last_attempt(PREPROD.name)
    assert attempt is not None
    assert fate(attempt) == "delivery succeeded, verification failed: so"
