"""Killed at any moment, a delivery is finished by running it again: nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shipway.errors import RolledBack
from shipway.events.types import ChecksEnded
from shipway.ledger import fold
from shipway.model.probes import CommandProbe
from shipway.testing.builders import Stage, a_check, a_service, a_source, an_environment
from shipway.testing.fakes import Killed
from tests.apply.travelling import deliver, delivered, live, recorded

PREPROD = an_environment(probes=(CommandProbe(("accept",), 30.0),))
ONE = a_service(checks=(a_check("lint"),), environments=(PREPROD,))
TWO = a_service(
    checks=(a_check("lint"),), environments=(PREPROD, an_environment("production", after="preprod"))
)


def moments(walk: Callable[[Stage], object], prepared: Callable[[], Stage]) -> int:
    """Count the moments at which a walk can die."""
    stage = prepared()
    before = stage.calls.moments
    walk(stage)
    return stage.calls.moments - before


def killed_at(stage: Stage, moment: int, walk: Callable[[Stage], object]) -> None:
    """Walk, and die at that moment; then let another process begin."""
    stage.calls.die_at = stage.calls.moments + moment
    with pytest.raises(Killed):
        walk(stage)
    stage.calls.revive()


def first_delivery(stage: Stage) -> None:
    """Deliver a first commit into both environments."""
    deliver(stage, a_source("a"), service=TWO, run="killed")


def second_try(stage: Stage) -> None:
    """Deliver that commit again, in another run."""
    deliver(stage, a_source("a"), service=TWO, run="finisher")


def test_a_killed_delivery_is_finished_by_the_next() -> None:
    """After a kill at any call, before or after its effect: one image, one release, no repeat."""
    count = moments(first_delivery, Stage)
    assert count > 50
    for moment in range(1, count + 1):
        stage = Stage()
        killed_at(stage, moment, first_delivery)
        second_try(stage)
        assert len(stage.registry.pushed) == 1, moment
        assert len(recorded(stage)) == 1, moment
        assert stage.orchestrator.asked("preprod") == 1, moment
        assert stage.orchestrator.asked("production") == 1, moment
        assert live(stage, "production") == recorded(stage)[0], moment


def test_a_delivery_that_is_killed_twice_is_finished_by_the_third() -> None:
    """Also the run that takes over may die at any moment."""
    count = moments(first_delivery, Stage)
    for moment in range(1, count, 7):
        stage = Stage()
        killed_at(stage, moment, first_delivery)
        left = moments(second_try, lambda moment=moment: killed_stage(moment))  # type: ignore[misc]  # a default binds the loop's value
        for second in range(1, left, 11):
            stage = killed_stage(moment)
            killed_at(stage, second, second_try)
            deliver(stage, a_source("a"), service=TWO, run="third")
            assert len(stage.registry.pushed) == 1, (moment, second)
            assert stage.orchestrator.asked("preprod") == 1, (moment, second)
            assert stage.orchestrator.asked("production") == 1, (moment, second)


def killed_stage(moment: int) -> Stage:
    """A stage on which the first delivery was killed at that moment."""
    stage = Stage()
    killed_at(stage, moment, first_delivery)
    return stage


def good_then_sick() -> Stage:
    """A stage where one release is live, and the next commit answers 500."""
    stage = Stage()
    delivered(stage, "a", service=SICK_SERVICE)
    stage.orchestrator.sick.add(a_source("b").commit)
    return stage


SICK_SERVICE = a_service(checks=(a_check("lint"),), environments=(an_environment(),))


def sick_delivery(stage: Stage) -> None:
    """Deliver the commit that does not verify, and be rolled back."""
    with pytest.raises(RolledBack):
        deliver(stage, a_source("b"), service=SICK_SERVICE, run="killed")


def test_a_killed_way_back_is_finished_by_the_next() -> None:
    """Killed anywhere in a delivery that fails verification, the next run ends it the same way."""
    count = moments(sick_delivery, good_then_sick)
    over = 0
    for moment in range(1, count + 1):
        stage = good_then_sick()
        killed_at(stage, moment, sick_delivery)
        returned = way_back_is_over(stage)
        if returned:
            over += 1  # the next run would try anew, as asked; nothing is left to finish
            continue
        with pytest.raises(RolledBack) as found:
            deliver(stage, a_source("b"), service=SICK_SERVICE, run="finisher")
        assert "rolled back to sender-" in found.value.message, moment
        assert stage.orchestrator.asked("preprod") == 3, moment
        assert live(stage, "preprod") == recorded(stage)[0], moment
    assert over < 10


def way_back_is_over(stage: Stage) -> bool:
    """Whether the ledger says that the first release runs again and was verified."""
    tries = fold(stage.ledger.written).attempts_in("preprod")
    return len(tries) == 3 and tries[-1].good


def test_checks_that_passed_are_not_run_again() -> None:
    """A run killed after the checks of a commit goes straight to the image."""
    stage = Stage()
    stage.calls.die_at = 1
    with pytest.raises(Killed):
        deliver(stage, a_source("a"), service=ONE)
    stage.calls.revive()
    stage.remember(ChecksEnded(a_source("a").commit, "passed", ("lint: passed",), 0, 1.0))
    deliver(stage, a_source("a"), service=ONE, run="finisher")
    assert [ran.command for ran in stage.shell.ran] == [("accept",)]
