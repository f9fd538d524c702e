"""The look before a deployment, as part of whole journeys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shipway.apply.delivery import travel
from shipway.apply.run import conduct
from shipway.errors import PreflightRefused, RollbackFailed
from shipway.events.types import Warned
from shipway.model.outcome import Purpose
from shipway.model.preflight import AlarmState, Unknown
from shipway.pipeline import Journey
from shipway.testing.builders import Stage, a_source, an_environment
from tests.apply.travelling import PREPROD_ONLY, delivered, ends_with, live

PREPROD = an_environment()


@pytest.fixture
def stage() -> Stage:
    """An empty world."""
    return Stage()


def test_nothing_is_changed_where_it_could_not_go_well(stage: Stage) -> None:
    """ECS is not asked, the ledger holds no attempt, and the run ends with 3 and the reason."""
    stage.inspector.change = lambda facts: replace(facts, secrets=(("mongo", None),))
    with pytest.raises(PreflightRefused, match=r"secret mongo: there is no such secret"):
        delivered(stage, "a")
    assert stage.orchestrator.deployments == []
    assert stage.world().history().attempts == ()
    assert ends_with(stage).exit_status == 3


def test_every_obstacle_is_told_at_once(stage: Stage) -> None:
    """Two things that are wrong are two lines of one refusal."""
    stage.inspector.change = lambda facts: replace(
        facts, secrets=(("mongo", None),), cluster="INACTIVE"
    )
    with pytest.raises(PreflightRefused) as found:
        delivered(stage, "a")
    assert "(cluster-is-not-active)" in found.value.message
    assert "(secret-is-missing)" in found.value.message


def test_a_doubt_is_told_and_the_delivery_goes_on(stage: Stage) -> None:
    """What could not be checked is a warning in the stream, and the release arrives."""
    stage.inspector.change = lambda facts: replace(facts, quotas=Unknown("denied"))
    release = delivered(stage, "a")
    assert live(stage, PREPROD) == release.name
    said = [e for e in stage.events if isinstance(e, Warned)]
    assert [w.about for w in said] == ["pre-flight quotas"]


def test_a_cure_gets_past_its_own_alarm(stage: Stage) -> None:
    """`--despite` turns exactly the refusals of that code into warnings."""
    stage.inspector.change = lambda facts: replace(facts, alarms=(("errors", AlarmState.ALARM),))
    with pytest.raises(PreflightRefused, match="--despite alarm-is-firing"):
        delivered(stage, "a")
    world, source = stage.world("run-2"), a_source("a")
    journey = Journey(
        PREPROD_ONLY, source, (PREPROD,), "run-2", insist=True, despite=("alarm-is-firing",)
    )
    release = conduct(world, "promote", source.commit, lambda: travel(journey, world))
    assert live(stage, PREPROD) == release.name


def test_a_way_back_asks_for_its_image_only(stage: Stage) -> None:
    """A rollback by hand is not held up by a secret that has gone, but by its image it is."""
    good, bad = delivered(stage, "a"), delivered(stage, "b")
    back = Journey(
        PREPROD_ONLY, a_source("a"), (PREPROD,), "run-3", purpose=Purpose.ROLLBACK, insist=True
    )
    stage.inspector.change = lambda facts: replace(facts, platforms=None)
    with pytest.raises(PreflightRefused, match="not in the registry"):
        travel(back, stage.world("run-3"))
    assert live(stage, PREPROD) == bad.name
    stage.inspector.change = lambda facts: replace(facts, secrets=(("mongo", None),))
    travel(back, stage.world("run-3"))
    assert live(stage, PREPROD) == good.name
    assert stage.inspector.asked[-1].only_image


def test_an_automatic_way_back_without_an_image_pages_someone(stage: Stage) -> None:
    """The release is unwell and nothing can replace it: that is 9, not 3."""
    delivered(stage, "a")
    stage.orchestrator.sick.add(a_source("b").commit)
    stage.inspector.change = lambda f: replace(f, platforms=None) if f.cluster is None else f
    with pytest.raises(RollbackFailed, match="there is no way back"):
        delivered(stage, "b")
    assert ends_with(stage).exit_status == 9
