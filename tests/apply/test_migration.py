"""Migrations before a deployment: once for each release and environment, and they decide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shipway.errors import MigrationFailed
from shipway.events.types import Output
from shipway.ledger import fold
from shipway.model.migration import MigrationRules
from shipway.model.outcome import Outcome
from shipway.pipeline import Journey
from shipway.testing.builders import Stage, a_source
from shipway.testing.fakes import Killed
from tests.apply.travelling import PREPROD_ONLY, deliver, delivered

RULES = MigrationRules(("node", "migrate.js"), 60.0)
MIGRATED = replace(
    PREPROD_ONLY, environments=(replace(PREPROD_ONLY.environments[0], migration=RULES),)
)


@pytest.fixture
def stage() -> Stage:
    """An empty world."""
    return Stage()


def test_a_migration_runs_with_the_new_digest_before_the_deployment(stage: Stage) -> None:
    """The task runs the new image with the command, and its output is shown."""
    release = delivered(stage, "a", service=MIGRATED)
    assert list(stage.orchestrator.one_offs.values()) == [
        ("preprod", release.image, ("node", "migrate.js"))
    ]
    calls = list(stage.calls.made)
    assert calls.index("orchestrator.run_task") < calls.index("orchestrator.deploy")
    lines = [e.line for e in stage.events if isinstance(e, Output)]
    assert "ran node migrate.js" in lines


@pytest.mark.parametrize("code", [1, None])
def test_a_failed_migration_deploys_nothing(stage: Stage, code: int | None) -> None:
    """An exit code other than 0, or none at all, ends the run with 3 and nothing is deployed."""
    stage.orchestrator.task_ends = [code]
    with pytest.raises(MigrationFailed) as caught:
        delivered(stage, "a", service=MIGRATED)
    assert caught.value.exit_status == 3
    assert stage.orchestrator.deployments == []


def test_a_failed_migration_is_tried_again_by_the_next_run(stage: Stage) -> None:
    """What failed is run again when somebody asks again, as a task of its own."""
    stage.orchestrator.task_ends = [1]
    with pytest.raises(MigrationFailed):
        deliver(stage, a_source("a"), service=MIGRATED)
    stage.orchestrator.task_ends = []
    deliver(stage, a_source("a"), service=MIGRATED, run="run-2")
    assert len(stage.orchestrator.one_offs) == 2


def test_a_release_is_migrated_once(stage: Stage) -> None:
    """What passed is not run again, neither by another delivery nor by a rollback."""
    first = delivered(stage, "a", service=MIGRATED)
    delivered(stage, "b", service=MIGRATED)
    assert len(stage.orchestrator.one_offs) == 2
    deliver(stage, a_source("a"), service=MIGRATED, run="run-again")
    history = fold(stage.ledger.written)
    assert len(stage.orchestrator.one_offs) == 2
    assert [m.outcome for m in history.migrations_of("preprod", first.name)] == [Outcome.PASSED]


def test_a_killed_run_does_not_migrate_twice() -> None:
    """However the run dies, the next one finds the same task: one release, one migration."""
    whole = Stage()
    delivered(whole, "a", service=MIGRATED)
    for moment in range(1, whole.calls.moments + 1):
        stage = Stage()
        stage.calls.die_at = moment
        try:
            deliver(stage, a_source("a"), service=MIGRATED)
        except Killed:
            stage.calls.revive()
            deliver(stage, a_source("a"), service=MIGRATED, run="run-2")
        assert len(stage.orchestrator.one_offs) == 1, f"killed at {moment}"


def test_an_environment_without_a_migration_runs_none(stage: Stage) -> None:
    """Where nothing is declared, nothing is run."""
    delivered(stage, "a")
    assert stage.orchestrator.one_offs == {}
    assert Journey(PREPROD_ONLY, a_source("a"), (), "r").service.environments[0].migration is None
