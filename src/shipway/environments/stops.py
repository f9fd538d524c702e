"""Why a task stopped, and which of ECS's sentences tell of trouble, for people to act upon.

ECS has no codes for these: the words are those of its documentation ("Amazon ECS stopped tasks
error messages", "Amazon ECS service event messages"). They choose what is shown and under which
name, and never the verdict on a deployment.
"""

from __future__ import annotations

from enum import Enum

from shipway.model.observed import StoppedTask


class Cause(Enum):
    """What lies behind a stopped task; who has to act differs."""

    CRASHED = "crashed"
    UNHEALTHY = "unhealthy"
    NOT_STARTED = "not started"
    NO_CAPACITY = "no capacity"
    BY_HAND = "by hand"
    PLATFORM = "platform"


_CAPACITY = (
    "capacity is unavailable",
    "insufficient",
    "resource:",
    "no container instance met",
    "unable to place a task",
    "reached the limit on the number",
    "rate limit",
)
_TROUBLE = (
    "circuit breaker",
    "error",
    "fail",
    "not authorized",
    "rolling back",
    "throttl",
    "unable",
    "unhealthy",
)
_BY_CODE = {
    "EssentialContainerExited": Cause.CRASHED,
    "TaskFailedToStart": Cause.NOT_STARTED,
    "ServiceSchedulerInitiated": Cause.UNHEALTHY,
    "UserInitiated": Cause.BY_HAND,
    "SpotInterruption": Cause.NO_CAPACITY,
    "TerminationNotice": Cause.PLATFORM,
    "InfrastructureHealth": Cause.PLATFORM,
}


def cause_of(task: StoppedTask) -> Cause:
    """Name why a task stopped; a task that found no place is no fault of the release."""
    if is_capacity(task.reason) and task.exit_code is None:
        return Cause.NO_CAPACITY
    return _BY_CODE.get(task.code, Cause.CRASHED)


def is_capacity(sentence: str) -> bool:
    """Tell whether ECS speaks of room that it has not got; such failures trip the breaker too."""
    said = sentence.lower()
    return any(word in said for word in _CAPACITY)


def is_trouble(sentence: str) -> bool:
    """Tell whether an event of a service is worth showing to somebody who waits."""
    said = sentence.lower()
    return is_capacity(said) or any(word in said for word in _TROUBLE)
