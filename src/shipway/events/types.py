"""Every event: frozen, versioned, flat, and safe to show to anybody.

History events are what the ledger keeps for ever; the others tell how a run is going and are
forgotten. Fields are text, numbers, truth values, None or tuples of text, so that each event is
one JSON object and stays readable for versions to come.
"""

from __future__ import annotations

from typing import ClassVar

from shipway.events.judging import ProbeEnded, VerificationJudged
from shipway.events.steering import DeploymentSteered, MigrationEnded, MigrationStarted
from shipway.events.watching import DeploymentMoved, DeploymentPaused, EcsSaid, TaskStopped
from shipway.model.lazy import dataclass

# --- history ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunStarted:
    """Somebody asked for something; `command` is the verb as it was typed."""

    version: ClassVar[int] = 1
    command: str
    actor: str
    commit: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run is over; `reason` is empty when it passed."""

    version: ClassVar[int] = 1
    outcome: str
    reason: str
    exit_status: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ChecksEnded:
    """Checks have ended; `seconds` is wall time.

    `commit` is empty where they prove nothing about one: some checks only, or a working copy.
    """

    version: ClassVar[int] = 1
    commit: str
    outcome: str
    checks: tuple[str, ...]
    tests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ReleaseRecorded:
    """The image of a commit is in the registry and has become a release."""

    version: ClassVar[int] = 1
    release: str
    commit: str
    branch: str
    author: str
    subject: str
    repository: str
    digest: str


@dataclass(frozen=True, slots=True)
class DeploymentRequested:
    """About to ask ECS; `after` is the newest deployment that the service had before.

    `spec` is all that is asked for, as JSON (`model.spec`); empty in entries of older versions.
    """

    version: ClassVar[int] = 1
    environment: str
    release: str
    digest: str
    purpose: str
    by: str
    after: str | None
    spec: str = ""


@dataclass(frozen=True, slots=True)
class DeploymentStarted:
    """ECS took the request; `deployment` is the ARN of our service deployment."""

    version: ClassVar[int] = 1
    environment: str
    release: str
    deployment: str


@dataclass(frozen=True, slots=True)
class DeploymentEnded:
    """Our service deployment reached its end; `reason` is ECS's sentence."""

    version: ClassVar[int] = 1
    environment: str
    release: str
    deployment: str
    outcome: str
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class VerificationEnded:
    """What runs was compared with the release and probed."""

    version: ClassVar[int] = 1
    environment: str
    release: str
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class ApprovalGiven:
    """A person agreed that exactly this digest may enter the environment."""

    version: ClassVar[int] = 1
    environment: str
    release: str
    digest: str
    by: str
    comment: str


@dataclass(frozen=True, slots=True)
class ApprovalRefused:
    """A person said no, and why."""

    version: ClassVar[int] = 1
    environment: str
    release: str
    digest: str
    by: str
    comment: str


@dataclass(frozen=True, slots=True)
class GateAnswered:
    """The gate of an environment was asked; `reasons` is empty when it said yes."""

    version: ClassVar[int] = 1
    environment: str
    release: str
    allowed: bool
    reasons: tuple[str, ...]


# --- progress -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step of the plan begins; `sentence` is the one that the plan shows."""

    version: ClassVar[int] = 1
    sentence: str


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step of the plan ended."""

    version: ClassVar[int] = 1
    sentence: str
    outcome: str
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CheckStarted:
    """A check begins; `command` reproduces it by hand."""

    version: ClassVar[int] = 1
    check: str
    command: str


@dataclass(frozen=True, slots=True)
class Output:
    """One line that a program wrote; `source` is the check or the step that ran it."""

    version: ClassVar[int] = 1
    source: str
    line: str


@dataclass(frozen=True, slots=True)
class CheckEnded:
    """A check ended; `tests` is 0 where it writes no JUnit file, `log` the path of its output.

    `cached` says where the result came from, when it did not run: "this machine", "the team" or
    "in place". `labels` are what is to be known of a result besides: flaky tests, quarantined ones.
    """

    version: ClassVar[int] = 2
    check: str
    outcome: str
    reason: str
    seconds: float
    tests: int
    failed_tests: tuple[str, ...]
    log: str
    cached: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Warned:
    """Something is not as it should be, and the run goes on."""

    version: ClassVar[int] = 1
    about: str
    message: str


@dataclass(frozen=True, slots=True)
class ReaderFailed:
    """A reader of the stream failed; the delivery goes on without it."""

    version: ClassVar[int] = 1
    reader: str
    problem: str


HistoryEvent = (
    RunStarted
    | RunEnded
    | ChecksEnded
    | ReleaseRecorded
    | DeploymentRequested
    | DeploymentStarted
    | DeploymentSteered
    | DeploymentEnded
    | MigrationStarted
    | MigrationEnded
    | VerificationEnded
    | VerificationJudged
    | ApprovalGiven
    | ApprovalRefused
    | GateAnswered
)
ProgressEvent = (
    StepStarted
    | StepEnded
    | CheckStarted
    | Output
    | CheckEnded
    | Warned
    | DeploymentMoved
    | DeploymentPaused
    | TaskStopped
    | ProbeEnded
    | EcsSaid
    | ReaderFailed
)
Event = HistoryEvent | ProgressEvent


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in its envelope: when (seconds since the epoch, UTC), for which service and run."""

    at: float
    service: str
    run: str
    event: Event
