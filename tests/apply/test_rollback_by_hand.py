"""Rollbacks by hand: what is under way is turned back, what is done is replaced."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shipway.apply.reversal import go_on, see_through, turn_back
from shipway.apply.rollback import roll_back
from shipway.errors import (
    GateSaidNo,
    LeaseIsHeld,
    NothingIsUnderWay,
    NothingToRollBackTo,
    StoppedWatching,
)
from shipway.events.steering import DeploymentSteered, MigrationEnded, MigrationStarted
from shipway.events.types import Warned
from shipway.ledger import fold
from shipway.model.observed import DeploymentArn
from shipway.model.outcome import DeploymentOutcome, Outcome, Purpose
from shipway.model.release import Digest, Release
from shipway.model.spec import decode
from shipway.testing.builders import Stage, a_source
from shipway.testing.fakes import Ending
from tests.apply.travelling import PREPROD_ONLY, deliver, delivered, live

PREPROD = PREPROD_ONLY.environments[0]
BRIEF = replace(PREPROD_ONLY, environments=(replace(PREPROD, timeout_s=5.0),))


@pytest.fixture
def stage() -> Stage:
    """An empty world."""
    return Stage()


def under_way(stage: Stage, ending: Ending) -> tuple[Release, Release, DeploymentArn]:
    """A good release, and one after it whose deployment is under way and not watched."""
    good = delivered(stage, "a")
    stage.orchestrator.will("preprod", ending)
    with pytest.raises(StoppedWatching):
        deliver(stage, a_source("b"), service=BRIEF, run="run-b")
    attempt = fold(stage.ledger.written).last_attempt("preprod")
    assert attempt is not None
    assert attempt.deployment is not None
    found = fold(stage.ledger.written).named(attempt.release)
    assert found is not None
    return good, found, attempt.deployment


def back(stage: Stage, to: str | None = None) -> Release:
    """Roll back by hand."""
    return roll_back(PREPROD_ONLY, PREPROD, to, stage.world("by-hand", actor="quinn"))


def test_a_deployment_under_way_is_stopped_with_a_rollback(stage: Stage) -> None:
    """ECS is asked to turn it back, no second deployment is asked for, and the ledger knows who."""
    good, bad, arn = under_way(stage, Ending.HANGS)
    assert back(stage) == good
    assert stage.calls.made["orchestrator.stop_deployment"] == 1
    assert stage.orchestrator.asked("preprod") == 2
    told = [e.event for e in stage.ledger.written if isinstance(e.event, DeploymentSteered)]
    assert told == [DeploymentSteered("preprod", bad.name, arn, "rollback", "quinn")]
    attempt = fold(stage.ledger.written).last_attempt("preprod")
    assert attempt is not None
    assert attempt.ended is DeploymentOutcome.ROLLED_BACK
    assert live(stage, "preprod") == good.name


def test_a_paused_deployment_is_turned_back_at_its_pause(stage: Stage) -> None:
    """Where a person is awaited, the answer is ROLLBACK, and nothing is stopped."""
    good, _, _ = under_way(stage, Ending.PAUSES)
    assert back(stage) == good
    assert stage.calls.made["orchestrator.stop_deployment"] == 0


def test_what_was_turned_back_is_held(stage: Stage) -> None:
    """The next delivery of the same commit does not try it again by itself."""
    under_way(stage, Ending.HANGS)
    back(stage)
    with pytest.raises(GateSaidNo, match="is held: it was rolled back"):
        deliver(stage, a_source("b"), run="run-again")
    assert stage.orchestrator.asked("preprod") == 2


def test_who_watches_already_writes_the_end(stage: Stage) -> None:
    """While the delivery holds its lease, a rollback turns it back and only looks on."""
    good, _, _ = under_way(stage, Ending.HANGS)
    written = len(stage.ledger.written)
    with stage.leases.hold("sender/preprod", owner="the delivery"):
        assert back(stage) == good
    new = [type(e.event).__name__ for e in stage.ledger.written[written:]]
    assert new == ["DeploymentSteered"]


def test_a_rollback_under_way_is_not_rolled_back(stage: Stage) -> None:
    """A rollback of a rollback would lead to what was left: it is refused."""
    delivered(stage, "a")
    delivered(stage, "b")
    stage.orchestrator.will("preprod", Ending.HANGS)
    with pytest.raises(StoppedWatching):
        roll_back(BRIEF, BRIEF.environments[0], None, stage.world("first"))
    with pytest.raises(LeaseIsHeld, match=r"a rollback to .* is under way"):
        back(stage)
    assert stage.calls.made["orchestrator.stop_deployment"] == 0


def test_a_first_release_under_way_has_nothing_to_return_to(stage: Stage) -> None:
    """Without anything live before, nothing is asked of ECS."""
    stage.orchestrator.will("preprod", Ending.HANGS)
    with pytest.raises(StoppedWatching):
        deliver(stage, a_source("a"), service=BRIEF)
    with pytest.raises(NothingToRollBackTo, match="is the first release here"):
        back(stage)
    assert stage.calls.made["orchestrator.stop_deployment"] == 0


def test_a_deployment_that_is_over_is_replaced(stage: Stage) -> None:
    """After the end of a deployment, the way back is a deployment of the last good release."""
    good, bad = delivered(stage, "a"), delivered(stage, "b")
    assert back(stage) == good
    assert stage.orchestrator.asked("preprod") == 3
    attempt = fold(stage.ledger.written).last_attempt("preprod")
    assert attempt is not None
    assert (attempt.release, attempt.purpose) == (good.name, Purpose.ROLLBACK)
    assert bad.name != live(stage, "preprod")


def test_the_way_back_is_what_was_good_not_what_the_file_says_today(stage: Stage) -> None:
    """Variables, sizes and grace are those with which the release was verified there."""
    good = delivered(stage, "a")
    delivered(stage, "b")
    was = stage.orchestrator.deployments[-1].definition
    container = replace(PREPROD.container, env=(("MODE", "new"),), memory=2048, grace_s=99)
    today = replace(PREPROD, container=container)
    service = replace(PREPROD_ONLY, environments=(today,))
    assert roll_back(service, today, None, stage.world("by-hand")) == good
    assert stage.orchestrator.deployments[0].definition == was
    last = fold(stage.ledger.written).last_attempt("preprod")
    assert last is not None
    spec = decode(last.spec)
    assert spec is not None
    assert (spec.definition, spec.grace_s) == (was, PREPROD.container.grace_s)


def test_a_target_whose_image_is_gone_is_refused(stage: Stage) -> None:
    """Nothing is asked of ECS when the registry says that the digest is not there any more."""
    good = delivered(stage, "a")
    delivered(stage, "b")
    stage.registry.tags["sender"].pop(f"sha-{good.commit}")
    with pytest.raises(NothingToRollBackTo, match="is not in the registry any more"):
        back(stage)
    stage.registry.tags["sender"][f"sha-{good.commit}"] = Digest("sha256:" + "f" * 64)
    with pytest.raises(NothingToRollBackTo, match="is not in the registry any more"):
        back(stage)
    assert stage.orchestrator.asked("preprod") == 2


def test_a_registry_without_an_answer_does_not_stop_it(stage: Stage) -> None:
    """No answer is not a no: the rollback goes on, and says what it could not ask for."""
    good = delivered(stage, "a")
    delivered(stage, "b")
    stage.registry.silent = True
    assert back(stage) == good
    assert any(isinstance(e, Warned) and "could not ask" in e.message for e in stage.events)


def test_crossing_a_migration_is_said(stage: Stage) -> None:
    """A rollback to before a migration names it: old code meets new data."""
    good, bad = delivered(stage, "a"), delivered(stage, "b")
    stage.remember(MigrationStarted("preprod", bad.name, bad.digest, "t", "dev"))
    stage.remember(MigrationEnded("preprod", bad.name, "t", Outcome.PASSED.value, "", 1.0))
    assert back(stage) == good
    said = [e.message for e in stage.events if isinstance(e, Warned)]
    assert len(said) == 1
    assert said[0].startswith(f"this crosses the migration of {bad.name}: {good.name} will meet")


def test_a_pause_is_continued_once(stage: Stage) -> None:
    """`continue` lets it go on to its success; without a pause there is nothing to answer."""
    _, bad, arn = under_way(stage, Ending.PAUSES)
    world = stage.world("by-hand")
    go_on(PREPROD, bad, arn, world)
    with pytest.raises(NothingIsUnderWay, match="does not wait for anybody"):
        go_on(PREPROD, bad, arn, world)
    assert see_through(PREPROD, bad, arn, world) is DeploymentOutcome.SUCCEEDED
    with pytest.raises(NothingIsUnderWay, match="has ended: succeeded"):
        turn_back(PREPROD, bad, arn, world)
