"""The events of a deployment that is being watched: how it goes, and what ECS says of it."""

from __future__ import annotations

from typing import ClassVar

from shipway.model.lazy import dataclass


@dataclass(frozen=True, slots=True)
class DeploymentMoved:
    """The deployment looks different from a moment ago; `sentence` says how it stands.

    `weight` and `test_weight` are percents of the traffic that reaches the new tasks, None where
    no traffic is shifted. `stage` is ECS's lifecycle stage, "" where there is none. The circuit
    breaker trips at `threshold` failures; 0 where ECS does not say. `alarms` are watched,
    `alarms_fired` have fired.
    """

    version: ClassVar[int] = 1
    environment: str
    status: str
    running: int
    desired: int
    failures: int
    sentence: str = ""
    strategy: str = ""
    stage: str = ""
    weight: float | None = None
    test_weight: float | None = None
    threshold: int = 0
    alarms: tuple[str, ...] = ()
    alarms_fired: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeploymentPaused:
    """The deployment waits for a person at a hook, until `expires_at` (AWS's clock, epoch).

    `at_expiry` is what ECS does when nobody answers; `goes_on` and `goes_back` are the commands
    that answer.
    """

    version: ClassVar[int] = 1
    environment: str
    hook: str
    stage: str
    expires_at: float | None
    at_expiry: str
    goes_on: str
    goes_back: str


@dataclass(frozen=True, slots=True)
class TaskStopped:
    """A task of our deployment ended before its time; `exit_code` is None when it never ran.

    `cause` is one word or two for what lies behind it, `code` is ECS's own stop code.
    """

    version: ClassVar[int] = 1
    environment: str
    task: str
    reason: str
    exit_code: int | None
    last_lines: tuple[str, ...]
    cause: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class EcsSaid:
    """ECS wrote a service event since our start; `trouble` where somebody should read it."""

    version: ClassVar[int] = 1
    environment: str
    message: str
    trouble: bool


WatchingEvent = DeploymentMoved | DeploymentPaused | TaskStopped | EcsSaid
