"""`shipway watch` tells the truth about what is under way, whoever started it and died."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shipway.apply.rejoining import Rejoined, rejoin
from shipway.environments.taskdef import task_definition
from shipway.errors import LeaseIsHeld, ShipwayError
from shipway.events.types import DeploymentEnded, RunEnded, Warned
from shipway.ledger import Attempt, fold
from shipway.model.observed import DeploymentStatus
from shipway.model.outcome import DeploymentOutcome as O
from shipway.testing.builders import Stage, a_release, a_source, an_environment
from shipway.testing.fakes import Ending, Killed
from tests.apply.travelling import deliver, delivered, live

PREPROD = an_environment()
ENDS = {
    Ending.SUCCEEDS: (None, O.SUCCEEDED),
    Ending.ROLLS_BACK: (8, O.ROLLED_BACK),
    Ending.ROLLBACK_FAILS: (9, O.ROLLBACK_FAILED),
    Ending.FAILS: (3, O.FAILED),
    Ending.SUPERSEDED: (10, O.SUPERSEDED),
}


def prepared(ending: Ending = Ending.SUCCEEDS) -> Stage:
    """An environment where one release is live, and the next deployment ends so."""
    stage = Stage()
    delivered(stage, "a")
    stage.orchestrator.will("preprod", ending)
    return stage


def try_to_deliver(stage: Stage) -> None:
    """Deliver another commit, and mind no failure of it."""
    try:
        deliver(stage, a_source("b"), run="dies")
    except ShipwayError:
        return


def newest(stage: Stage) -> Attempt | None:
    """The last try that the ledger knows."""
    return fold(stage.ledger.written).last_attempt("preprod")


def exit_of(stage: Stage) -> int | None:
    """Watch pre-production; return the exit status, None for 0."""
    try:
        rejoin(PREPROD, stage.world("watching"))
    except ShipwayError as problem:
        return problem.exit_status
    return None


@pytest.mark.parametrize("ending", ENDS)
def test_after_a_kill_at_any_moment_the_end_is_told_and_written(ending: Ending) -> None:
    """Wherever kill -9 struck, what was asked of ECS is watched to its end and told by its exit."""
    whole = prepared(ending)
    before = whole.calls.moments
    try_to_deliver(whole)
    status, outcome = ENDS[ending]
    watched = 0
    for moment in range(1, whole.calls.moments - before + 1):
        stage = prepared(ending)
        stage.calls.die_at = stage.calls.moments + moment
        with pytest.raises(Killed):
            try_to_deliver(stage)
        stage.calls.revive()
        last = newest(stage)
        open_before = last is not None and last.ended is None
        asked = stage.orchestrator.asked("preprod") == 2
        found = exit_of(stage)
        if open_before and asked:
            watched += 1
            assert found == status, moment
            last = newest(stage)
            assert last is not None
            assert last.ended is outcome, moment
            ends = [e.event for e in stage.ledger.written if isinstance(e.event, DeploymentEnded)]
            assert len(ends) == 2, moment
        else:
            assert found is None, moment
        assert stage.orchestrator.asked("preprod") <= 2, moment
    assert watched > 5


def test_a_success_that_is_not_the_release_is_no_success() -> None:
    """Where ECS succeeds with another digest, watching ends as a failed verification."""
    stage = prepared(Ending.HANGS)
    try_to_deliver(stage)
    running = stage.orchestrator.deployments[0]
    running.ending = Ending.WRONG_IMAGE
    running.looks = iter((replace(running.now, status=DeploymentStatus.SUCCESSFUL),))
    assert exit_of(stage) == 3


def test_what_hangs_is_still_there_at_the_time_out() -> None:
    """A deployment that does not end is exit 12, and stays open in the ledger."""
    stage = prepared(Ending.HANGS)
    try_to_deliver(stage)
    assert exit_of(stage) == 12
    last = newest(stage)
    assert last is not None
    assert last.ended is None


def test_nothing_under_way_is_no_failure() -> None:
    """Where nothing happens, that is told at once."""
    stage = prepared()
    waited = stage.clock.waited
    assert rejoin(PREPROD, stage.world("w")) == Rejoined("preprod", "", None, ours=False)
    assert stage.clock.waited == waited


def test_what_somebody_else_started_is_only_looked_at() -> None:
    """A stranger's deployment is followed with a warning; nothing is written, stopped, adopted."""
    stage = prepared()
    stranger = stage.orchestrator.stranger(PREPROD, task_definition(a_release("x"), PREPROD))
    stage.orchestrator.deployments[0].ending = Ending.SUCCEEDS
    begun = stage.orchestrator.deployments[0].now
    done = replace(begun, status=DeploymentStatus.SUCCESSFUL)
    stage.orchestrator.deployments[0].looks = iter((begun, done))
    written = len(stage.ledger.written)
    found = rejoin(PREPROD, stage.world("w"))
    assert found == Rejoined("preprod", "", stranger, ours=False)
    assert len(stage.ledger.written) == written
    assert any(stranger in e.message for e in stage.events if isinstance(e, Warned))


def test_beside_a_run_that_is_at_work_it_only_looks() -> None:
    """While another process holds the environment, its deployment is followed, not written."""
    stage = prepared(Ending.HANGS)
    try_to_deliver(stage)
    running = stage.orchestrator.deployments[0]
    running.looks = iter((replace(running.now, status=DeploymentStatus.SUCCESSFUL),))
    written = len(stage.ledger.written)
    with stage.leases.hold("sender/preprod", owner="somebody"):
        found = rejoin(PREPROD, stage.world("w"))
        with pytest.raises(LeaseIsHeld):
            stage.leases.hold("sender/preprod", owner="nobody").__enter__()
    assert found.deployment == running.now.arn
    assert found.release
    assert len(stage.ledger.written) == written


def test_after_watching_the_same_command_goes_on() -> None:
    """What `watch` saw succeed is not deployed again by `deliver`, only verified."""
    stage = prepared(Ending.HANGS)
    try_to_deliver(stage)
    running = stage.orchestrator.deployments[0]
    running.ending = Ending.SUCCEEDS
    running.looks = iter((replace(running.now, status=DeploymentStatus.SUCCESSFUL),))
    assert exit_of(stage) is None
    deliver(stage, a_source("b"), run="again")
    assert stage.orchestrator.asked("preprod") == 2
    assert live(stage, "preprod") == a_release("b").name
    assert [e for e in stage.events if isinstance(e, RunEnded)][-1].exit_status == 0
