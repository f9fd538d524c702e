"""Why tasks stop, in words for people; none of them decides about a deployment."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.model import StringShape

from shipway.environments.stops import _BY_CODE, Cause, cause_of, is_capacity, is_trouble
from shipway.model.observed import StoppedTask

CASES = [
    ("EssentialContainerExited", "Essential container in task exited", 7, Cause.CRASHED),
    ("TaskFailedToStart", "CannotPullContainerError: manifest unknown", None, Cause.NOT_STARTED),
    ("TaskFailedToStart", "Capacity is unavailable at this time.", None, Cause.NO_CAPACITY),
    ("TaskFailedToStart", "RESOURCE:MEMORY", None, Cause.NO_CAPACITY),
    ("SpotInterruption", "Your Spot Task was interrupted.", None, Cause.NO_CAPACITY),
    ("ServiceSchedulerInitiated", "Task failed ELB health checks in (x)", None, Cause.UNHEALTHY),
    ("UserInitiated", "stopped by dora", 143, Cause.BY_HAND),
    ("TerminationNotice", "host retires", None, Cause.PLATFORM),
    ("EssentialContainerExited", "insufficient funds", 1, Cause.CRASHED),
    ("", "no reason given", None, Cause.CRASHED),
]


@pytest.mark.parametrize(("code", "reason", "exit_code", "cause"), CASES)
def test_each_stop_has_a_cause(code: str, reason: str, exit_code: int | None, cause: Cause) -> None:
    """ECS's stop code decides; only missing room is told apart by its words."""
    assert cause_of(StoppedTask("arn", reason, exit_code, (), code)) is cause


def test_every_stop_code_of_the_api_is_known() -> None:
    """The SDK lists no stop code that has no cause here."""
    shape = botocore.session.Session().get_service_model("ecs").shape_for("TaskStopCode")
    assert isinstance(shape, StringShape)
    assert set(shape.enum) == set(_BY_CODE)


@pytest.mark.parametrize(
    ("message", "trouble", "capacity"),
    [
        ("(service a) has started 2 tasks: (task b).", False, False),
        ("(service a) has reached a steady state.", False, False),
        ("(service a) registered 1 targets in (target-group b)", False, False),
        ("(service a) is unable to consistently start tasks successfully.", True, False),
        ("(service a) (task b) failed container health checks.", True, False),
        ("(service a) rolling back to deployment b.", True, False),
        (
            "(service a) was unable to place a task because no container instance met it.",
            True,
            True,
        ),
    ],
)
def test_events_that_tell_of_trouble_are_known(message: str, trouble: bool, capacity: bool) -> None:  # noqa: FBT001 - a table
    """A log for people leaves out what goes well; missing room has a name of its own."""
    assert (is_trouble(message), is_capacity(message)) == (trouble, capacity)
