"""What a release looks like in an environment, how it gets there, and whether it is well."""

from __future__ import annotations

import pytest

from shipway.environments.health import Ended, verdict
from shipway.environments.plan import plan_deployment, state_of
from shipway.environments.smoke import wrong_answer, wrong_digests
from shipway.environments.taskdef import task_definition
from shipway.errors import LeaseIsHeld
from shipway.ledger import History
from shipway.model.observed import (
    DeploymentArn,
    DeploymentStatus,
    ObservedDeployment,
    ObservedService,
    ProbeAnswer,
    RunningTask,
)
from shipway.model.outcome import Purpose
from shipway.model.probes import HttpProbe
from shipway.model.release import Release
from shipway.model.service import Aws
from shipway.model.task_definition import Change, differences
from shipway.plan.plan import Plan
from shipway.plan.steps import AdoptDeployment, Deploy
from shipway.testing.builders import a_digest
from tests.story.telling import PREPROD, SERVICE, A, B, Story

S = DeploymentStatus


def a_deployment(
    status: DeploymentStatus = S.SUCCESSFUL,
    *,
    arn: str = "arn:1",
    release: Release = A,
    tripped: bool = False,
    first: bool = False,
) -> ObservedDeployment:
    """A deployment as ECS shows it."""
    return ObservedDeployment(
        arn=DeploymentArn(arn),
        status=status,
        reason="so",
        images=(release.image,),
        desired=2,
        running=2,
        failures=0,
        breaker_tripped=tripped,
        first=first,
    )


def a_seen(*deployments: ObservedDeployment, definition: str = "sender:1") -> ObservedService:
    """A service with these deployments, newest first."""
    return ObservedService(
        "arn:service", definition, task_definition(A, PREPROD), 2, 2, deployments
    )


def planned(
    release: Release = A, *, seen: ObservedService | None, history: History | None = None
) -> Plan:
    """Plan a delivery of a release to pre-production."""
    return plan_deployment(
        SERVICE,
        PREPROD,
        release,
        purpose=Purpose.DELIVERY,
        seen=seen,
        history=history or History(),
    )


# --- the task definition ------------------------------------------------------------------------


def test_a_container_knows_who_it_is() -> None:
    """Four variables tell the container its commit, release, digest and environment."""
    found = dict(task_definition(A, PREPROD).env)
    assert found == {
        "MODE": "preprod",
        "SHIPWAY_COMMIT": A.commit,
        "SHIPWAY_ENVIRONMENT": "preprod",
        "SHIPWAY_IMAGE_DIGEST": A.digest,
        "SHIPWAY_RELEASE": A.name,
    }


def test_the_image_is_named_by_digest() -> None:
    """The definition names the image by its digest, and the roles of the account."""
    aws = Aws("eu-central-1", "123456789012", "arn:execution", "arn:task")
    found = task_definition(A, PREPROD, aws)
    assert found.image == f"{A.repository}@{A.digest}"
    roles = (found.document["executionRoleArn"], found.document["taskRoleArn"])
    assert roles == ("arn:execution", "arn:task")


def test_the_same_release_gives_the_same_definition() -> None:
    """Nothing differs between two definitions of one release in one environment."""
    assert differences(task_definition(A, PREPROD), task_definition(A, PREPROD)) == ()


def test_against_nothing_everything_is_new() -> None:
    """With no service there yet, each field is a change from nothing."""
    found = differences(None, task_definition(A, PREPROD))
    assert Change("cpu", None, "256") in found
    assert all(change.before is None for change in found)


# --- smoke --------------------------------------------------------------------------------------


def test_tasks_of_the_release_are_right() -> None:
    """When each running task has the release's digest nothing is wrong."""
    assert wrong_digests(A, (RunningTask("t1", A.digest), RunningTask("t2", A.digest))) == ""


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ((), "no task is running"),
        ((RunningTask("t", None),), "1 of 1 tasks run an unknown digest"),
        ((RunningTask("t", A.digest), RunningTask("u", a_digest("x"))), "1 of 2 tasks run sha256:"),
    ],
)
def test_other_tasks_are_told(tasks: tuple[RunningTask, ...], said: str) -> None:
    """No task, an unresolved digest or another one is said with its count."""
    assert wrong_digests(A, tasks).startswith(said)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (ProbeAnswer(204, 0.1, ""), ""),
        (ProbeAnswer(200, 0.1, ""), "status 200"),
        (ProbeAnswer(None, 0.1, "refused"), "refused"),
    ],
)
def test_an_answer_is_right_or_says_why_not(answer: ProbeAnswer, said: str) -> None:
    """A probe wants exactly its status; no answer is told with its reason."""
    assert wrong_answer(HttpProbe("/x", (204,), 1.0), answer) == said


# --- the deployment plan ------------------------------------------------------------------------


def test_without_a_service_one_is_created() -> None:
    """The first deployment creates the service."""
    (step,) = planned(seen=None).steps
    assert isinstance(step, Deploy)
    assert (step.create, step.after) == (True, None)


def test_a_service_that_is_there_is_updated() -> None:
    """A later deployment remembers the newest one before it."""
    (step,) = planned(B, seen=a_seen(a_deployment())).steps
    assert isinstance(step, Deploy)
    assert (step.create, step.after) == (False, "arn:1")
    assert step.definition.image == B.image


def test_a_lost_request_is_taken_over() -> None:
    """A deployment of our image that is newer than our intention is ours."""
    history = Story().recorded(A).requested(A).history()
    seen = a_seen(a_deployment(S.IN_PROGRESS, arn="arn:ours"))
    (step,) = planned(seen=seen, history=history).steps
    assert step == AdoptDeployment(PREPROD, A, DeploymentArn("arn:ours"))


def test_an_older_deployment_of_the_same_image_is_not_ours() -> None:
    """What was there before our intention is never taken for its result."""
    story = Story().recorded(A).live(A).live(B)
    story.requested(A, after="arn:B")
    seen = a_seen(a_deployment(arn="arn:B", release=B), a_deployment(arn="arn:A", release=A))
    (step,) = planned(seen=seen, history=story.history()).steps
    assert isinstance(step, Deploy)


@pytest.mark.parametrize("status", S)
def test_a_stranger_in_flight_is_not_overrun(status: DeploymentStatus) -> None:
    """A deployment that the ledger does not know keeps us out until it is over."""
    seen = a_seen(a_deployment(status, arn="arn:stranger"))
    if isinstance(verdict(seen.deployments[0]), Ended):
        assert planned(B, seen=seen).steps
        return
    with pytest.raises(LeaseIsHeld, match="arn:stranger"):
        planned(B, seen=seen)


def test_the_fingerprint_follows_the_service() -> None:
    """It changes with the task definition and the newest deployment, and with being there."""
    states = {
        state_of(None),
        state_of(a_seen()),
        state_of(a_seen(a_deployment())),
        state_of(a_seen(a_deployment(arn="arn:2"))),
        state_of(a_seen(a_deployment(), definition="sender:2")),
    }
    assert len(states) == 5
    assert planned(seen=None).made_from == state_of(None)
