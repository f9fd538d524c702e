"""How journeys fail: each end has its error and its exit, and leaves no lease behind."""

from __future__ import annotations

import pytest

from shipway.apply.run import conduct
from shipway.errors import (
    AwsDidNotAnswer,
    DeploymentFailed,
    LeaseIsHeld,
    RollbackFailed,
    RolledBack,
    ShipwayError,
    StoppedWatching,
    Superseded,
    Terminated,
    VerificationFailed,
)
from shipway.events.watching import TaskStopped
from shipway.model.outcome import Purpose
from shipway.testing.builders import Stage, a_source
from shipway.testing.fakes import Ending
from tests.apply.travelling import (
    PREPROD_ONLY,
    deliver,
    delivered,
    ends_with,
    live,
    recorded,
)


@pytest.fixture
def stage() -> Stage:
    """An empty world."""
    return Stage()


def test_a_deployment_that_ecs_rolls_back_ends_with_eight(stage: Stage) -> None:
    """What ran before runs again, and stopped tasks are told with their last lines, once each."""
    first = delivered(stage, "a")
    stage.orchestrator.will("preprod", Ending.ROLLS_BACK)
    with pytest.raises(RolledBack) as found:
        delivered(stage, "b")
    assert f"{first.name} runs there again" in found.value.message
    assert live(stage, "preprod") == first.name
    stopped = [e for e in stage.events if isinstance(e, TaskStopped)]
    assert [(e.task, e.exit_code, e.last_lines) for e in stopped] == [
        ("task-0", 1, ("boom",)),
        ("task-1", 1, ("boom",)),
    ]
    assert ends_with(stage).exit_status == 8


def test_a_run_after_a_failure_tries_again(stage: Stage) -> None:
    """The same commit, delivered again after a failure, is deployed again and not built again."""
    stage.orchestrator.will("preprod", Ending.FAILS)
    with pytest.raises(DeploymentFailed):
        deliver(stage, a_source("a"), run="run-1")
    deliver(stage, a_source("a"), run="run-2")
    assert stage.orchestrator.asked("preprod") == 2
    assert stage.builder.builds == 1


@pytest.mark.parametrize(
    ("ending", "problem", "status"),
    [
        (Ending.ROLLS_BACK, RolledBack, 8),
        (Ending.ROLLBACK_FAILS, RollbackFailed, 9),
        (Ending.FAILS, DeploymentFailed, 3),
        (Ending.SUPERSEDED, Superseded, 10),
        (Ending.HANGS, StoppedWatching, 12),
        (Ending.WRONG_IMAGE, RolledBack, 8),
    ],
)
def test_each_end_of_a_deployment_has_its_exit(
    stage: Stage, ending: Ending, problem: type[ShipwayError], status: int
) -> None:
    """Each way in which a second deployment can end has its own error and exit status."""
    delivered(stage, "a")
    stage.orchestrator.will("preprod", ending)
    with pytest.raises(problem) as found:
        delivered(stage, "b")
    assert found.value.exit_status == status
    assert ends_with(stage).exit_status == status


def test_a_deployment_that_hangs_is_watched_again(stage: Stage) -> None:
    """After the time to watch is over, the next run watches the same deployment."""
    stage.orchestrator.will("preprod", Ending.HANGS)
    with pytest.raises(StoppedWatching):
        deliver(stage, a_source("a"), run="run-1")
    with pytest.raises(StoppedWatching):
        deliver(stage, a_source("a"), run="run-2")
    assert stage.orchestrator.asked("preprod") == 1


def test_a_sick_release_is_replaced_by_the_last_good_one(stage: Stage) -> None:
    """A release that answers 500 is rolled back by itself, and the way back is verified."""
    first = delivered(stage, "a")
    stage.orchestrator.sick.add(a_source("b").commit)
    with pytest.raises(RolledBack, match="wanted status 200, got status 500"):
        delivered(stage, "b")
    last = stage.world().history().last_attempt("preprod")
    assert last is not None
    assert (last.release, last.purpose, last.good) == (first.name, Purpose.ROLLBACK, True)


def test_a_sick_first_release_has_nothing_to_return_to(stage: Stage) -> None:
    """The first release of all, when it does not verify, ends with 3 and is left there."""
    stage.orchestrator.sick.add(a_source("a").commit)
    with pytest.raises(VerificationFailed, match="got status 500"):
        delivered(stage, "a")
    assert stage.orchestrator.asked("preprod") == 1


def test_a_way_back_that_is_sick_too_pages_someone(stage: Stage) -> None:
    """When the last good release does not verify any more either, the exit is 9."""
    delivered(stage, "a")
    stage.orchestrator.sick |= {a_source("a").commit, a_source("b").commit}
    with pytest.raises(RollbackFailed):
        delivered(stage, "b")
    assert ends_with(stage).exit_status == 9


@pytest.mark.parametrize("ending", [Ending.ROLLS_BACK, Ending.FAILS, Ending.ROLLBACK_FAILS])
def test_a_way_back_that_ecs_gives_up_pages_someone(stage: Stage, ending: Ending) -> None:
    """When the automatic rollback is not deployed, what runs is the sick release: the exit is 9."""
    delivered(stage, "a")
    stage.orchestrator.sick.add(a_source("b").commit)
    stage.orchestrator.will("preprod", Ending.SUCCEEDS, ending)
    with pytest.raises(RollbackFailed):
        delivered(stage, "b")


def test_the_wrong_image_is_a_failed_verification(stage: Stage) -> None:
    """Tasks that run another digest than the release's fail, whatever ECS calls it."""
    stage.orchestrator.will("preprod", Ending.WRONG_IMAGE)
    with pytest.raises(VerificationFailed, match="2 of 2 tasks run sha256:0000"):
        delivered(stage, "a")


def test_the_lease_keeps_others_out(stage: Stage) -> None:
    """Where another run holds the lease, nothing is done there and the exit is 6."""
    with stage.leases.hold("sender/build", owner="robin"), pytest.raises(LeaseIsHeld):
        delivered(stage, "a")
    assert stage.builder.builds == 0
    assert ends_with(stage).exit_status == 6


def test_every_lease_is_given_back(stage: Stage) -> None:
    """After a run, passed or failed, no lease is held."""
    stage.orchestrator.will("preprod", Ending.FAILS)
    with pytest.raises(DeploymentFailed):
        deliver(stage, a_source("a"), run="run-1")
    assert stage.leases.held == {}


def test_a_deployment_of_strangers_is_left_alone(stage: Stage) -> None:
    """A deployment in flight that the ledger does not know is not overrun: the exit is 6."""
    delivered(stage, "a")
    environment = PREPROD_ONLY.environments[0]
    definition = stage.orchestrator.deployments[0].definition
    stage.orchestrator.stranger(environment, definition)
    with pytest.raises(LeaseIsHeld, match="that Shipway did not start"):
        delivered(stage, "b")
    assert stage.orchestrator.asked("preprod") == 2  # the first and the stranger's


def test_a_registry_that_forgets_ends_the_run(stage: Stage) -> None:
    """A registry that takes images and never shows them ends with 5, not in a circle."""
    stage.registry.forgetful = True
    with pytest.raises(ShipwayError) as found:
        delivered(stage, "a")
    assert found.value.exit_status == 5


def test_a_moment_without_answers_is_survived(stage: Stage) -> None:
    """A few looks that get no answer do not end a deployment."""
    stage.orchestrator.trouble.extend([AwsDidNotAnswer("throttled")] * 5)
    delivered(stage, "a")
    assert live(stage, "preprod") is not None


def test_no_answer_about_the_tasks_is_not_a_yes(stage: Stage) -> None:
    """When nothing can be said about what runs, the release is not called verified."""
    stage.orchestrator.task_trouble.extend([AwsDidNotAnswer("throttled")] * 50)
    with pytest.raises(AwsDidNotAnswer):
        delivered(stage, "a")
    assert not stage.world().history().verified_in("preprod", recorded(stage)[0])


def test_a_run_that_is_terminated_says_so(stage: Stage) -> None:
    """SIGTERM in the middle ends the run as aborted, with 143, in the ledger too."""
    stage.builder.build_problem = Terminated("terminated")
    with pytest.raises(Terminated):
        delivered(stage, "a")
    assert (ends_with(stage).outcome, ends_with(stage).exit_status) == ("aborted", 143)


def test_a_bug_is_written_down_as_one(stage: Stage) -> None:
    """Whatever else is raised ends the run too: errored, with 1."""
    world = stage.world()

    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        conduct(world, "deliver", "", broken)
    assert (ends_with(stage).outcome, ends_with(stage).exit_status) == ("errored", 1)
