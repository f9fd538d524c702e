"""Whole journeys in a world of fakes: how each ends, and what it leaves behind."""

from __future__ import annotations

import pytest

from shipway.apply.checks import IMAGE
from shipway.apply.delivery import travel
from shipway.errors import (
    CheckFailed,
    GateSaidNo,
    ImageBuildFailed,
    StoppedWatching,
    VerificationFailed,
)
from shipway.events.types import (
    CheckEnded,
    DeploymentRequested,
    GateAnswered,
    RunEnded,
    StepEnded,
    StepStarted,
)
from shipway.events.watching import DeploymentMoved
from shipway.model.outcome import Purpose
from shipway.model.spec import decode
from shipway.pipeline import Journey
from shipway.testing.builders import Stage, a_check, a_service, a_source, an_environment
from shipway.testing.fakes import Ending, Script
from tests.apply.travelling import (
    PREPROD_ONLY,
    PROBED,
    approve,
    deliver,
    delivered,
    ends_with,
    live,
    recorded,
)

GATED = a_service(checks=(a_check("lint"),))


@pytest.fixture
def stage() -> Stage:
    """An empty world."""
    return Stage()


def test_a_good_commit_reaches_the_environment(stage: Stage) -> None:
    """Checks, image, release, deployment and verification follow each other, each once."""
    release = delivered(stage, "a")
    assert live(stage, "preprod") == release.name
    assert [p.tag for p in stage.registry.pushed] == [f"sha-{release.commit}"]
    assert stage.registry.tags["sender"]["branch-main"] == release.digest
    assert stage.orchestrator.asked("preprod") == 1
    assert ends_with(stage) == RunEnded("passed", "", 0, ends_with(stage).seconds)


def test_each_step_begins_and_ends(stage: Stage) -> None:
    """Every step that starts ends, under the same sentence, in the order of the plan."""
    delivered(stage, "a")
    started = [e.sentence for e in stage.events if isinstance(e, StepStarted)]
    assert started == [e.sentence for e in stage.events if isinstance(e, StepEnded)]
    assert started[0].startswith("check ")
    assert started[-1].startswith("verify ")


def test_what_is_deployed_is_the_digest(stage: Stage) -> None:
    """The orchestrator is asked for the image by its digest, never by a tag."""
    release = delivered(stage, "a")
    assert stage.orchestrator.deployments[0].definition.image == release.image
    assert "@sha256:" in release.image


def test_a_revision_says_where_it_comes_from(stage: Stage) -> None:
    """Release, commit, digest, run and actor are asked for as tags of the revision."""
    release = delivered(stage, "a")
    tags = stage.orchestrator.tags["preprod"]
    assert (tags["shipway:commit"], tags["shipway:digest"]) == (release.commit, release.digest)
    assert set(tags) == {f"shipway:{of}" for of in ("actor", "commit", "digest", "release", "run")}
    assert all(tags.values())


def test_the_ledger_keeps_what_was_deployed(stage: Stage) -> None:
    """The request's entry holds the whole definition, equal to the one that was asked for."""
    delivered(stage, "a")
    asked = next(e for e in stage.events if isinstance(e, DeploymentRequested))
    kept = decode(asked.spec)
    assert kept is not None
    assert kept.definition == stage.orchestrator.deployments[-1].definition


def test_a_red_check_deploys_nothing(stage: Stage) -> None:
    """A check that fails ends the run with 3, before anything was pushed or deployed."""
    stage.shell.scripts["lint"] = Script(status=1, lines=("bad style",))
    with pytest.raises(CheckFailed, match="bad style"):
        delivered(stage, "a")
    assert (stage.registry.pushed, stage.orchestrator.deployments) == ([], [])
    assert ends_with(stage).exit_status == 3


def test_an_image_that_does_not_build_is_no_release(stage: Stage) -> None:
    """Nothing is pushed or recorded when the build fails."""
    stage.builder.build_problem = ImageBuildFailed("no such base image")
    with pytest.raises(ImageBuildFailed):
        delivered(stage, "a")
    assert stage.registry.pushed == []
    assert recorded(stage) == []


def test_the_journey_waits_at_the_gate(stage: Stage) -> None:
    """Without approval it ends with 4 in front of production, having told every reason."""
    with pytest.raises(GateSaidNo) as found:
        delivered(stage, "a", service=GATED)
    assert "0 of 1 approvals of qa" in found.value.message
    assert stage.orchestrator.asked("production") == 0
    answer = next(e for e in stage.events if isinstance(e, GateAnswered))
    assert (answer.environment, answer.allowed) == ("production", False)
    assert ends_with(stage).exit_status == 4


def test_an_approval_lets_it_go_on(stage: Stage) -> None:
    """Approved and run again, it goes on to production, deploying pre-production no second time."""
    with pytest.raises(GateSaidNo):
        delivered(stage, "a", service=GATED)
    release = stage.world().history().releases[0]
    approve(stage, release)
    assert deliver(stage, a_source("a"), service=GATED, run="run-2") == release
    assert live(stage, "production") == release.name
    assert stage.orchestrator.asked("preprod") == 1


def test_an_acceptance_command_knows_the_address(stage: Stage) -> None:
    """The command of a probe finds where, which commit and which digest in its environment."""
    service = a_service(environments=(PROBED,))
    release = delivered(stage, "a", service=service)
    found = dict(stage.shell.ran[-1].env)
    assert found == {
        "SHIPWAY_URL": "http://preprod.test",
        "SHIPWAY_ENVIRONMENT": "preprod",
        "SHIPWAY_COMMIT": release.commit,
        "SHIPWAY_IMAGE_DIGEST": release.digest,
    }


@pytest.mark.parametrize(
    ("script", "said"),
    [(Script(status=4), "exit 4"), (Script(seconds=99), "got no end within 30 s")],
)
def test_an_acceptance_command_that_fails_says_how(stage: Stage, script: Script, said: str) -> None:
    """A probe command that fails or takes too long fails the verification with that reason."""
    stage.shell.scripts["pnpm"] = script
    with pytest.raises(VerificationFailed, match=said):
        delivered(stage, "a", service=a_service(environments=(PROBED,)))


def test_each_view_of_a_deployment_is_told_once(stage: Stage) -> None:
    """A deployment that looks the same as before is not told again."""
    stage.orchestrator.will("preprod", Ending.HANGS)
    with pytest.raises(StoppedWatching):
        delivered(stage, "a")
    moved = [e for e in stage.events if isinstance(e, DeploymentMoved)]
    assert [e.status for e in moved] == ["PENDING", "IN_PROGRESS"]


def test_a_rollback_by_hand_returns_to_what_was_good(stage: Stage) -> None:
    """A rollback deploys the earlier release through no gate, and verifies it."""
    first = delivered(stage, "a")
    delivered(stage, "b")
    world = stage.world("back")
    journey = Journey(
        PREPROD_ONLY,
        a_source("a"),
        PREPROD_ONLY.environments,
        "back",
        Purpose.ROLLBACK,
        insist=True,
    )
    assert travel(journey, world) == first
    assert live(stage, "preprod") == first.name


def test_checks_of_a_failed_run_are_told_to_the_end(stage: Stage) -> None:
    """Each check that ran has ended by an event, also in a run that failed."""
    stage.shell.scripts["lint"] = Script(status=1)
    with pytest.raises(CheckFailed):
        delivered(stage, "a")
    ended = [e for e in stage.events if isinstance(e, CheckEnded) and e.check != IMAGE]
    assert [(e.check, e.outcome, e.reason) for e in ended] == [("lint", "failed", "exit status 1")]


def test_two_environments_are_passed_in_order(stage: Stage) -> None:
    """A release enters the second environment only after the first verified it."""
    service = a_service(environments=(an_environment(), an_environment("eu", after="preprod")))
    stage.orchestrator.sick.add(a_source("a").commit)
    with pytest.raises(VerificationFailed):
        delivered(stage, "a", service=service)
    assert stage.orchestrator.asked("eu") == 0
