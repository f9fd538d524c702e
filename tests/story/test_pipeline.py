"""What a delivery does next, for every point at which it can stand."""

from __future__ import annotations

from shipway.events.types import ApprovalGiven
from shipway.ledger import History
from shipway.model.outcome import DeploymentOutcome, Outcome, Purpose
from shipway.model.release import Release
from shipway.model.service import Environment
from shipway.pipeline import (
    Bring,
    Build,
    Done,
    Examine,
    Follow,
    Journey,
    Stop,
    Wait,
    next_phase,
    plan,
    plan_known,
)
from shipway.plan.steps import RecordRelease, RunChecks, Verify, Watch
from shipway.testing.builders import a_digest, a_source
from tests.story.telling import PREPROD, PRODUCTION, SERVICE, A, B, Story, arn


def journey(
    release: Release = A,
    *,
    run: str = "run-1",
    stops: tuple[Environment, ...] = (PREPROD,),
    purpose: Purpose = Purpose.DELIVERY,
    insist: bool = False,
    verify: bool = True,
) -> Journey:
    """A journey of a release's commit."""
    word = release.subject.removeprefix("Say ")
    return Journey(SERVICE, a_source(word), stops, run, purpose, insist=insist, verify=verify)


def test_a_fresh_commit_is_built() -> None:
    """Without a release of the commit, the first thing is to build it."""
    assert next_phase(journey(), History()) == Build()


def test_a_release_is_brought_to_the_first_stop() -> None:
    """With a release, the journey goes to its first environment."""
    history = Story().recorded(A).history()
    assert next_phase(journey(), history) == Bring(PREPROD, A, Purpose.DELIVERY)


def test_a_journey_without_stops_is_done_with_its_release() -> None:
    """`shipway image` has nowhere to go: its journey ends with the release."""
    assert next_phase(journey(stops=()), Story().recorded(A).history()) == Done(A)


def test_a_request_without_a_start_is_brought_again() -> None:
    """A run that died between intention and request is resumed by planning that again."""
    history = Story().recorded(A).requested(A).history()
    assert next_phase(journey(run="run-2"), history) == Bring(PREPROD, A, Purpose.DELIVERY)


def test_a_started_deployment_is_followed() -> None:
    """A deployment that is under way is watched, by whichever run."""
    history = Story().recorded(A).requested(A).started(A).history()
    assert next_phase(journey(run="run-2"), history) == Follow(PREPROD, A, arn(A))


def test_an_ended_deployment_is_examined() -> None:
    """A deployment that succeeded is verified next."""
    history = Story().recorded(A).requested(A).started(A).ended(A).history()
    assert next_phase(journey(), history) == Examine(PREPROD, A)


def test_a_verified_release_goes_on() -> None:
    """What was verified in the last stop is done."""
    assert next_phase(journey(), Story().recorded(A).live(A).history()) == Done(A)


def test_a_gate_without_approval_lets_nobody_in() -> None:
    """The journey waits at a gate that says no, with the gate's reasons."""
    history = Story().recorded(A).live(A).history()
    phase = next_phase(journey(stops=(PREPROD, PRODUCTION)), history)
    assert isinstance(phase, Wait)
    assert "0 of 1 approvals of qa" in phase.reasons[0]


def test_an_approved_release_enters() -> None:
    """With its approval the release is brought to production."""
    given = ApprovalGiven("production", A.name, A.digest, "quinn", "")
    history = Story().recorded(A).live(A).tell(given).history()
    phase = next_phase(journey(stops=(PREPROD, PRODUCTION)), history)
    assert phase == Bring(PRODUCTION, A, Purpose.DELIVERY)


def test_a_failed_deployment_stops_the_run_that_tried() -> None:
    """In the run that tried, a deployment which failed is the end."""
    outcome = DeploymentOutcome.ROLLED_BACK
    history = Story().recorded(A).recorded(B).live(A).requested(B).started(B).ended(B, outcome)
    phase = next_phase(journey(B), history.history())
    assert isinstance(phase, Stop)
    assert phase.back_at == A.name
    assert phase.attempt.ended is outcome


def test_another_run_tries_anew_after_a_failure() -> None:
    """A failure that left nothing behind binds only its own run: asked again, it is tried again."""
    outcome = DeploymentOutcome.FAILED
    history = Story().recorded(B).requested(B).started(B).ended(B, outcome).history()
    assert next_phase(journey(B, run="run-2"), history) == Bring(PREPROD, B, Purpose.DELIVERY)


def test_what_was_rolled_back_is_held_until_somebody_insists() -> None:
    """A delivery does not try a release again that ECS rolled back; a promotion by name does."""
    story = Story().recorded(A).recorded(B).live(A).requested(B).started(B)
    history = story.ended(B, DeploymentOutcome.ROLLED_BACK).history()
    phase = next_phase(journey(B, run="run-2"), history)
    assert phase == Wait(PREPROD, B, (f"{B.name} is held: it was rolled back: so",))
    insisting = journey(B, run="run-2", insist=True)
    assert next_phase(insisting, history) == Bring(PREPROD, B, Purpose.DELIVERY)


def test_what_somebody_rolled_back_is_held() -> None:
    """A delivery of the same commit does not go on from where a person took it away."""
    story = Story().recorded(A).recorded(B).live(A).live(B).live(A, purpose=Purpose.ROLLBACK)
    phase = next_phase(journey(B, run="run-2"), story.history())
    assert phase == Wait(PREPROD, B, (f"{B.name} is held: dev rolled it back to {A.name}",))
    assert next_phase(journey(A, run="run-2"), story.history()) == Done(A)


def test_a_failed_verification_leads_back() -> None:
    """A release that does not verify is replaced by the last good one, by itself."""
    history = Story().recorded(A).recorded(B).live(A).failed_verification(B).history()
    assert next_phase(journey(B), history) == Bring(PREPROD, A, Purpose.ROLLBACK)


def test_a_first_release_that_fails_verification_stops() -> None:
    """Where nothing was good before there is nothing to return to."""
    history = Story().recorded(A).failed_verification(A).history()
    phase = next_phase(journey(), history)
    assert isinstance(phase, Stop)
    assert phase.back_at is None


def test_the_way_back_is_verified_too() -> None:
    """After the automatic rollback was deployed, it is examined; it need not bake."""
    story = Story().recorded(A).recorded(B).live(A).failed_verification(B)
    story.requested(A, purpose=Purpose.ROLLBACK).started(A).ended(A)
    assert next_phase(journey(B), story.history()) == Examine(PREPROD, A, bake=False)


def test_after_the_way_back_the_run_stops() -> None:
    """An automatic rollback that is well ends the run, saying what runs there again."""
    story = Story().recorded(A).recorded(B).live(A).failed_verification(B)
    story.live(A, purpose=Purpose.ROLLBACK)
    phase = next_phase(journey(B), story.history())
    assert isinstance(phase, Stop)
    assert (phase.release, phase.back_at) == (B, A.name)
    assert phase.attempt.release == B.name


def test_a_way_back_that_fails_stops_without_a_home() -> None:
    """An automatic rollback that is not well is told as what it is, and nothing is tried again."""
    story = Story().recorded(A).recorded(B).live(A).failed_verification(B)
    story.requested(A, purpose=Purpose.ROLLBACK).started(A).ended(A)
    story.verified(A, Outcome.FAILED)
    phase = next_phase(journey(B), story.history())
    assert isinstance(phase, Stop)
    assert phase.back_at is None
    assert phase.attempt.purpose is Purpose.ROLLBACK


def test_another_run_goes_on_with_a_way_back_that_was_asked_for() -> None:
    """A run that died after asking for the rollback is resumed on the way back."""
    story = Story().recorded(A).recorded(B).live(A).failed_verification(B)
    story.requested(A, purpose=Purpose.ROLLBACK)
    phase = next_phase(journey(B, run="run-2"), story.history())
    assert phase == Bring(PREPROD, A, Purpose.ROLLBACK)


def test_another_run_follows_a_way_back_that_started() -> None:
    """A run that died while the rollback rolled out is resumed by watching it."""
    story = Story().recorded(A).recorded(B).live(A).failed_verification(B)
    story.requested(A, purpose=Purpose.ROLLBACK).started(A)
    assert next_phase(journey(B, run="run-2"), story.history()) == Follow(PREPROD, A, arn(A))


def test_a_way_back_that_was_asked_for_twice_is_one_way_back() -> None:
    """A rollback whose first request was lost and repeated still ends the run with Stop."""
    story = Story().recorded(A).recorded(B).live(A).failed_verification(B)
    story.requested(A, purpose=Purpose.ROLLBACK).died()
    story.live(A, purpose=Purpose.ROLLBACK)
    phase = next_phase(journey(B, run="run-2"), story.history())
    assert isinstance(phase, Stop)
    assert phase.back_at == A.name


def test_a_rollback_by_hand_is_not_the_failure_of_what_it_replaced() -> None:
    """A rollback by hand that is under way does not make the verified release a failed one."""
    story = Story().recorded(A).recorded(B).live(A).live(B)
    story.requested(A, purpose=Purpose.ROLLBACK).started(A)
    assert next_phase(journey(B, run="run-2"), story.history()) == Done(B)


def test_after_a_way_back_only_who_insists_tries_again() -> None:
    """After an automatic rollback the release is held there, and the reason is told."""
    story = Story().recorded(A).recorded(B).live(A).failed_verification(B)
    story.live(A, purpose=Purpose.ROLLBACK)
    phase = next_phase(journey(B, run="run-2"), story.history())
    assert isinstance(phase, Wait)
    assert f"rolled back to {A.name}, since its verification failed" in phase.reasons[0]
    insisting = journey(B, run="run-2", insist=True)
    assert next_phase(insisting, story.history()) == Bring(PREPROD, B, Purpose.DELIVERY)


def test_a_failed_verification_is_looked_at_again_by_another_run() -> None:
    """A no of an earlier run is not taken on trust: the release that still runs is examined."""
    history = Story().recorded(A).failed_verification(A).history()
    assert next_phase(journey(run="run-2"), history) == Examine(PREPROD, A)


def test_delivering_twice_does_nothing() -> None:
    """What was delivered and verified is not deployed again, even if newer work runs there."""
    history = Story().recorded(A).recorded(B).live(A).live(B).history()
    assert next_phase(journey(A, run="run-2"), history) == Done(A)


def test_a_promotion_insists_on_being_live() -> None:
    """`deploy` and `promote` deploy a release again where another one runs by now."""
    history = Story().recorded(A).recorded(B).live(A).live(B).history()
    phase = next_phase(journey(A, run="run-2", insist=True), history)
    assert phase == Bring(PREPROD, A, Purpose.DELIVERY)


def test_a_promotion_of_what_is_live_is_done() -> None:
    """`promote` of the release that is live and verified changes nothing."""
    history = Story().recorded(A).live(A).history()
    assert next_phase(journey(run="run-2", insist=True), history) == Done(A)


def test_deploying_does_not_ask_for_a_verification() -> None:
    """`deploy` is done as soon as the deployment succeeded."""
    history = Story().recorded(A).requested(A).started(A).ended(A).history()
    assert next_phase(journey(insist=True, verify=False), history) == Done(A)


def test_a_rollback_asks_no_gate() -> None:
    """The way back into production needs no approval."""
    where = PRODUCTION
    history = Story().recorded(A).recorded(B).live(A, where).live(B, where).history()
    asked = journey(A, run="run-2", stops=(where,), purpose=Purpose.ROLLBACK, insist=True)
    assert next_phase(asked, history) == Bring(where, A, Purpose.ROLLBACK)


def test_a_rollback_by_hand_that_does_not_verify_stops() -> None:
    """From a rollback that is not well there is no second one."""
    story = Story().recorded(A).recorded(B).live(A).live(B).died()
    story.requested(A, purpose=Purpose.ROLLBACK).started(A).ended(A)
    story.verified(A, Outcome.FAILED)
    asked = journey(A, run="run-2", purpose=Purpose.ROLLBACK, insist=True)
    phase = next_phase(asked, story.history())
    assert isinstance(phase, Stop)
    assert phase.back_at is None


def test_a_build_is_planned_from_what_the_registry_holds() -> None:
    """With the commit's image in the registry, the plan only tags and records it."""
    found = plan(Build(), journey(), History(), repository="host/sender", image=a_digest("a"))
    assert isinstance(found.steps[-1], RecordRelease)
    assert not any(isinstance(step, RunChecks) for step in found.steps)


def test_phases_that_need_no_look_are_planned_from_the_ledger() -> None:
    """Watching and verifying are planned without asking the outside."""
    assert plan_known(Follow(PREPROD, A, arn(A))).steps == (Watch(PREPROD, A, arn(A)),)
    assert plan_known(Examine(PREPROD, A)).steps == (Verify(PREPROD, A),)
