"""`shipway scale`: it says what changes, and refuses what autoscaling would undo."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.environments.scaling import Wish, plan_scaling
from shipway.errors import WrongUsage
from shipway.local.ecs.wire.errors import AwsError
from shipway.model.scaling import Capacity, ScalableTarget
from tests.everyday.aws_stub import Answer, AwsStub
from tests.everyday.conftest import configured
from tests.local_ecs.ecs_stage import Running, Stage
from tests.story.test_cli_verbs import Terminal


@dataclass
class AutoScaling:
    """Application Auto Scaling on the stub, with at most one scalable target."""

    bounds: tuple[int, int] | None = None
    policies: tuple[str, ...] = ()
    resources: set[str] = field(default_factory=set)

    def answers(self) -> dict[str, Answer]:
        """Return what the stub answers."""
        return {
            "application-autoscaling:DescribeScalableTargets": self.targets,
            "application-autoscaling:DescribeScalingPolicies": self.described,
            "application-autoscaling:RegisterScalableTarget": self.register,
        }

    def targets(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer with the target."""
        self.resources |= set(request["ResourceIds"])
        if self.bounds is None:
            return {"ScalableTargets": []}
        target = {
            "ServiceNamespace": "ecs",
            "ResourceId": request["ResourceIds"][0],
            "ScalableDimension": "ecs:service:DesiredCount",
            "MinCapacity": self.bounds[0],
            "MaxCapacity": self.bounds[1],
            "RoleARN": "arn:aws:iam::123456789012:role/autoscaling",
            "CreationTime": 1.0,
        }
        return {"ScalableTargets": [target]}

    def described(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer with the policies."""
        shared = {
            "ServiceNamespace": "ecs",
            "ResourceId": request["ResourceId"],
            "ScalableDimension": "ecs:service:DesiredCount",
            "PolicyType": "TargetTrackingScaling",
            "CreationTime": 1.0,
        }
        found = [{**shared, "PolicyARN": f"arn:{n}", "PolicyName": n} for n in self.policies]
        return {"ScalingPolicies": found}

    def register(self, request: dict[str, Any]) -> dict[str, Any]:
        """Move the bounds."""
        self.bounds = (request["MinCapacity"], request["MaxCapacity"])
        return {}


@pytest.fixture
def autoscaling(stub: AwsStub) -> AutoScaling:
    """Application Auto Scaling without a target."""
    made = AutoScaling()
    stub.answers |= made.answers()
    return made


@pytest.fixture
def service(shipway: Terminal, stage: Stage) -> Running:
    """A service of two tasks."""
    found = stage.serve("good", balanced=False)
    stage.until(lambda: found.service()["runningCount"] == 2)
    configured(shipway, found.name)
    return found


def test_without_a_scalable_target(
    shipway: Terminal, service: Running, autoscaling: AutoScaling
) -> None:
    """The number of tasks changes, the definition and the deployment do not; twice is once."""
    before = service.service()
    assert shipway("scale", "production", "5") == 0
    assert "changed: tasks 2 -> 5" in shipway.out
    after = service.service()
    assert after["desiredCount"] == 5
    for name in ("taskDefinition", "currentServiceDeployment", "deploymentConfiguration"):
        assert after[name] == before[name]
    assert autoscaling.resources == {f"service/main/{service.name}"}
    assert shipway("scale", "production", "5") == 0
    assert "nothing to change" in shipway.out


def test_only_looking(shipway: Terminal, service: Running, autoscaling: AutoScaling) -> None:
    """Without a number, and with --plan, nothing changes; both say how it is."""
    autoscaling.bounds, autoscaling.policies = (1, 4), ("cpu", "requests")
    assert shipway("scale", "production") == 0
    assert "2 of 2 tasks run" in shipway.out
    assert "autoscaling keeps between 1 and 4 by cpu, requests" in shipway.out
    assert shipway("scale", "production", "3", "--plan") == 0
    assert "would change: tasks 2 -> 3" in shipway.out
    assert "autoscaling may move it again" in shipway.out
    assert service.service()["desiredCount"] == 2


def test_what_autoscaling_would_undo_is_refused(
    shipway: Terminal, service: Running, autoscaling: AutoScaling
) -> None:
    """A number outside the bounds changes nothing, and the option that allows it is named."""
    autoscaling.bounds = (1, 4)
    assert shipway("scale", "production", "6") == 2
    assert "would undo 6" in shipway.err
    assert "--max 6" in shipway.err
    assert service.service()["desiredCount"] == 2
    assert autoscaling.bounds == (1, 4)


def test_bounds_and_number_together(
    shipway: Terminal, service: Running, autoscaling: AutoScaling, stub: AwsStub
) -> None:
    """With a new bound the number is allowed; the other bound stays."""
    autoscaling.bounds = (1, 4)
    assert shipway("scale", "production", "6", "--max", "8", "--json") == 0
    assert shipway.answer["done"] is True
    assert autoscaling.bounds == (1, 8)
    assert service.service()["desiredCount"] == 6
    assert stub.times("application-autoscaling:RegisterScalableTarget") == 1


def test_access_denied_is_not_absence(shipway: Terminal, service: Running, stub: AwsStub) -> None:
    """Where autoscaling may not be looked at, nothing is changed: it might undo it."""

    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise AwsError("AccessDeniedException", "not authorized")

    stub.answers["application-autoscaling:DescribeScalableTargets"] = refuse
    assert shipway("scale", "production", "5") == 5
    assert service.service()["desiredCount"] == 2


def test_a_service_that_is_not_there(shipway: Terminal, autoscaling: AutoScaling) -> None:
    """A service that does not exist cannot be scaled."""
    assert autoscaling.bounds is None
    assert configured(shipway, "nobody")("scale", "production", "5") == 2
    assert "there is no ECS service 'nobody'" in shipway.err


NOW = Capacity(desired=2, running=2, pending=0, deploying=False)


@pytest.mark.parametrize(
    ("now", "wish", "said"),
    [
        (NOW, Wish(None, 1), "there is no scalable target"),
        (Capacity(2, 2, 0, deploying=False, daemon=True), Wish(3), "one task for each instance"),
        (
            Capacity(2, 2, 0, deploying=False, target=ScalableTarget(1, 4)),
            Wish(None, 5),
            "at least 5 and at most 4",
        ),
    ],
)
def test_what_cannot_be_is_refused(now: Capacity, wish: Wish, said: str) -> None:
    """Each wish that cannot be fulfilled is refused with its reason."""
    with pytest.raises(WrongUsage, match=said):
        plan_scaling(now, wish)


@pytest.mark.parametrize(
    ("now", "wish", "said"),
    [
        (NOW, Wish(0), "with no task nothing answers"),
        (Capacity(2, 1, 1, deploying=True), Wish(3), "a deployment is in flight"),
        (
            Capacity(2, 2, 0, deploying=False, target=ScalableTarget(1, 4, (), suspended=True)),
            Wish(3),
            "autoscaling is suspended",
        ),
        (
            Capacity(2, 2, 0, deploying=False, target=ScalableTarget(1, 4)),
            Wish(None, 3),
            "will move the 2 tasks",
        ),
    ],
)
def test_what_else_there_is_to_know(now: Capacity, wish: Wish, said: str) -> None:
    """What a person could be surprised by is remarked."""
    assert said in " ".join(plan_scaling(now, wish).remarks)


_few = st.one_of(st.none(), st.integers(0, 9))


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), _few, _few, _few)
def test_autoscaling_never_undoes_what_was_planned(  # noqa: PLR0917 - hypothesis gives by position
    desired: int, one: int, other: int, count: int | None, low: int | None, high: int | None
) -> None:
    """Whatever is planned, the number lies between the bounds as they will be."""
    target = ScalableTarget(min(one, other), max(one, other))
    now = Capacity(desired, desired, 0, deploying=False, target=target)
    try:
        planned = plan_scaling(now, Wish(count, low, high))
    except WrongUsage:
        return
    lower, upper = planned.bounds or (target.minimum, target.maximum)
    assert lower <= upper
    if count is not None:
        assert lower <= count <= upper
        assert (planned.count is None) == (count == desired)
