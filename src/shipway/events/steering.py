"""The events of what a person, or a plan, does to a deployment besides asking for it."""

from __future__ import annotations

from typing import ClassVar

from shipway.model.lazy import dataclass


@dataclass(frozen=True, slots=True)
class DeploymentSteered:
    """Somebody let a deployment under way go on, or turned it back: `action` is the verb."""

    version: ClassVar[int] = 1
    environment: str
    release: str
    deployment: str
    action: str
    by: str


@dataclass(frozen=True, slots=True)
class MigrationStarted:
    """About to run the migration of a release; ECS runs one task for each `token`."""

    version: ClassVar[int] = 1
    environment: str
    release: str
    digest: str
    token: str
    by: str


@dataclass(frozen=True, slots=True)
class MigrationEnded:
    """The migration's task has ended; it passed when its exit code was 0."""

    version: ClassVar[int] = 1
    environment: str
    release: str
    token: str
    outcome: str
    reason: str
    seconds: float
