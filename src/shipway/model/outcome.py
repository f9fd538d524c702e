"""How a thing ended. "It ran and the answer is no" is never the same as "there is no answer"."""

from __future__ import annotations

from enum import Enum


class Outcome(Enum):
    """The end of a step, a check or a run.

    `INCONCLUSIVE` is for verifications alone: nobody could say, so that a person has to.
    """

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    SKIPPED = "skipped"
    ABORTED = "aborted"
    INCONCLUSIVE = "inconclusive"


class DeploymentOutcome(Enum):
    """The end of one deployment, as the environment stands afterwards."""

    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled-back"
    FAILED = "failed"
    ROLLBACK_FAILED = "rollback-failed"
    SUPERSEDED = "superseded"


class Purpose(Enum):
    """Why a release is deployed."""

    DELIVERY = "delivery"
    ROLLBACK = "rollback"
