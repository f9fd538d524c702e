"""Who may send which release where, and which one to return to."""

from __future__ import annotations

import pytest

from shipway.errors import NothingToRollBackTo, ReleaseIsUnknown
from shipway.events.types import ApprovalGiven, ApprovalRefused
from shipway.ledger import History
from shipway.model.outcome import DeploymentOutcome, Outcome, Purpose
from shipway.model.service import GateRules
from shipway.promotion.gate import No, Yes, is_author, may_enter
from shipway.promotion.rollback import previous_good, rollback_target
from shipway.testing.builders import a_digest, a_release, a_service, an_environment
from tests.story.telling import PREPROD, A, B, C, Story

OPEN = an_environment("open")


def gated(approvals: int = 1, *groups: str) -> GateRules:
    """A gate of so many approvals by these groups."""
    return GateRules(approvals, groups)


def approval(by: str, *, comment: str = "", where: str = "gated") -> ApprovalGiven:
    """An approval of release A."""
    return ApprovalGiven(where, A.name, A.digest, by, comment)


def refusal(by: str, *, comment: str = "") -> ApprovalRefused:
    """A rejection of release A."""
    return ApprovalRefused("gated", A.name, A.digest, by, comment)


def ask(rules: GateRules | None, story: Story, *, after: str | None = None) -> Yes | No:
    """Ask the gate of an environment about release A."""
    environment = an_environment("gated", gate=rules, after=after)
    return may_enter(a_service(), environment, A, story.history())


def test_without_a_gate_everybody_may_enter() -> None:
    """No rules, no reasons."""
    assert ask(None, Story()) == Yes(())


def test_what_was_not_verified_before_may_not_enter() -> None:
    """A release must have been verified in the environment before."""
    answer = ask(None, Story().requested(A).started(A).ended(A), after="preprod")
    assert isinstance(answer, No)
    assert "was never verified in preprod" in answer.reasons[0]


def test_what_was_verified_before_may_enter() -> None:
    """Once verified in the environment before, it may go on."""
    assert ask(None, Story().live(A), after="preprod") == Yes(())


@pytest.mark.parametrize(
    ("people", "allowed"),
    [
        ((), False),
        (("quinn",), False),
        (("quinn", "robin"), True),
        (("quinn", "quinn"), False),
        (("quinn", "stranger"), False),
    ],
)
def test_a_quorum_is_of_different_members(people: tuple[str, ...], allowed: bool) -> None:  # noqa: FBT001 - a table
    """Two approvals of a group are two people of that group."""
    story = Story()
    for who in people:
        story.tell(approval(who))
    assert isinstance(ask(gated(2, "qa"), story), Yes) is allowed


def test_a_person_in_two_spellings_is_one() -> None:
    """The same name in other letters does not count twice."""
    story = Story().tell(approval("Quinn")).tell(approval("quinn "))
    answer = ask(gated(2), story)
    assert isinstance(answer, No)


def test_the_author_does_not_approve() -> None:
    """The author's own approval does not count, whichever of their names they use."""
    for who in ("Ada Author", "ada@example.test", "ADA"):
        answer = ask(gated(1), Story().tell(approval(who)))
        assert isinstance(answer, No)
        assert "0 of 1 approvals: `shipway approve gated --release" in answer.reasons[0]


@pytest.mark.parametrize(
    ("who", "author", "same"),
    [
        ("ada", "Ada <ada@x.test>", True),
        ("adam", "Ada <ada@x.test>", False),
        ("", "Ada <>", False),
        ("x.test", "Ada <ada@x.test>", False),
    ],
)
def test_an_author_is_told_by_name_or_mail(who: str, author: str, same: bool) -> None:  # noqa: FBT001 - a table
    """The git identity's name, mail and local part are the author, nothing else is."""
    assert is_author(who, a_release("a", author=author)) is same


def test_a_rejection_keeps_it_out_whatever_others_say() -> None:
    """One no outweighs every yes, with its comment."""
    story = Story().tell(approval("robin")).tell(refusal("quinn", comment="wrong colour"))
    answer = ask(gated(1, "qa"), story)
    assert answer == No(("quinn rejected it: wrong colour",))


def test_the_last_word_of_a_person_counts() -> None:
    """Who rejected and then approves has approved."""
    story = Story().tell(refusal("quinn")).tell(approval("quinn"))
    assert ask(gated(1, "qa"), story) == Yes(("quinn",))


def test_an_approval_is_for_one_digest_in_one_place() -> None:
    """Approvals of other digests or for other environments open nothing."""
    other = ApprovalGiven("gated", A.name, a_digest("other"), "quinn", "")
    story = Story().tell(other).tell(approval("quinn", where="elsewhere"))
    assert isinstance(ask(gated(1, "qa"), story), No)


def test_every_reason_is_told_at_once() -> None:
    """A no names everything that would have to change."""
    answer = ask(gated(1, "qa"), Story().tell(refusal("robin")), after="preprod")
    assert isinstance(answer, No)
    assert len(answer.reasons) == 3


def test_a_gate_may_want_nobody() -> None:
    """With zero approvals only a rejection closes the gate."""
    assert ask(gated(0), Story()) == Yes(())
    assert isinstance(ask(gated(0), Story().tell(refusal("quinn"))), No)


# --- rollback -----------------------------------------------------------------------------------


def previous(story: Story) -> str | None:
    """Name the release that a rollback of pre-production leads to."""
    found = previous_good(story.history(), "preprod")
    return found.name if found else None


def recorded() -> Story:
    """A history with three releases."""
    return Story().recorded(A).recorded(B).recorded(C)


def test_without_anything_live_there_is_no_way_back() -> None:
    """Nothing and a single release have no release before them."""
    assert previous(recorded()) is None
    assert previous(recorded().live(A)) is None


def test_the_way_back_leads_to_the_last_good_one() -> None:
    """It skips what failed in between."""
    story = recorded().live(A).failed_verification(B).live(A, purpose=Purpose.ROLLBACK).live(C)
    assert previous(story) == A.name


def test_the_way_back_never_leads_to_what_was_left() -> None:
    """After C was rolled back to B, the release before B is next."""
    story = recorded().live(A).live(B).live(C).live(B, purpose=Purpose.ROLLBACK)
    assert previous(story) == A.name


def test_a_failed_deployment_does_not_move_the_way_back() -> None:
    """What ECS rolled back was never live."""
    story = recorded().live(A).live(B).requested(C).started(C)
    assert previous(story.ended(C, DeploymentOutcome.ROLLED_BACK)) == A.name


def test_a_named_target_must_have_been_good_there() -> None:
    """`--to` a release that was never verified there is refused, with the way forward."""
    with pytest.raises(NothingToRollBackTo) as found:
        rollback_target(recorded().live(A).history(), "preprod", B.name)
    assert "shipway promote preprod" in found.value.hint


def test_a_named_target_that_was_good_is_taken() -> None:
    """`--to` finds a release by the beginning of its commit."""
    history = recorded().live(A).live(B).live(C).history()
    assert rollback_target(history, "preprod", A.commit[:8]) == A


def test_an_unknown_target_is_told() -> None:
    """A name that fits no release is unknown, not a guess."""
    with pytest.raises(ReleaseIsUnknown):
        rollback_target(recorded().history(), "preprod", "nothing")


def test_nothing_to_return_to_is_told() -> None:
    """Without an earlier good release a rollback is refused."""
    with pytest.raises(NothingToRollBackTo):
        rollback_target(History(), PREPROD.name, None)


def test_a_release_that_once_failed_and_then_verified_is_good() -> None:
    """What counts is that it was verified there at some time."""
    story = recorded().requested(A).started(A).ended(A).verified(A, Outcome.FAILED).live(A).live(B)
    assert previous(story) == A.name
