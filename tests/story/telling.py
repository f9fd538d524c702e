"""A history in the making, told event by event, as tests want to read it."""

from __future__ import annotations

from shipway.events.types import (
    DeploymentEnded,
    DeploymentRequested,
    DeploymentStarted,
    HistoryEvent,
    ReleaseRecorded,
    VerificationEnded,
)
from shipway.ledger import History, fold
from shipway.model.observed import DeploymentArn
from shipway.model.outcome import DeploymentOutcome, Outcome, Purpose
from shipway.model.release import Release
from shipway.model.service import Environment
from shipway.testing.builders import a_release, a_service, an_entry

A, B, C = a_release("a"), a_release("b"), a_release("c")
SERVICE = a_service()
PREPROD, PRODUCTION = SERVICE.environments


class Story:
    """A history in the making; each method adds what happened next."""

    def __init__(self, run: str = "run-1") -> None:
        self.run = run
        self.told: list[tuple[str, HistoryEvent]] = []

    def tell(self, event: HistoryEvent) -> Story:
        """Add an event of the current run."""
        self.told.append((self.run, event))
        return self

    def died(self, run: str = "run-2") -> Story:
        """Go on in another run."""
        self.run = run
        return self

    def recorded(self, release: Release) -> Story:
        """Add a release."""
        return self.tell(
            ReleaseRecorded(
                release=release.name,
                commit=release.commit,
                branch=release.branch,
                author=release.author,
                subject=release.subject,
                repository=release.repository,
                digest=release.digest,
            )
        )

    def requested(
        self,
        release: Release,
        where: Environment = PREPROD,
        purpose: Purpose = Purpose.DELIVERY,
        *,
        after: str | None = None,
    ) -> Story:
        """Add the intention to deploy."""
        return self.tell(
            DeploymentRequested(
                where.name, release.name, release.digest, purpose.value, "dev", after
            )
        )

    def started(self, release: Release, where: Environment = PREPROD) -> Story:
        """Add that ECS took it."""
        return self.tell(DeploymentStarted(where.name, release.name, arn(release)))

    def ended(
        self,
        release: Release,
        outcome: DeploymentOutcome = DeploymentOutcome.SUCCEEDED,
        where: Environment = PREPROD,
    ) -> Story:
        """Add how the deployment ended."""
        return self.tell(
            DeploymentEnded(where.name, release.name, arn(release), outcome.value, "so", 1.0)
        )

    def verified(
        self,
        release: Release,
        outcome: Outcome = Outcome.PASSED,
        where: Environment = PREPROD,
    ) -> Story:
        """Add what the verification said."""
        return self.tell(VerificationEnded(where.name, release.name, outcome.value, "so"))

    def live(
        self,
        release: Release,
        where: Environment = PREPROD,
        purpose: Purpose = Purpose.DELIVERY,
    ) -> Story:
        """Add a deployment that went well."""
        self.requested(release, where, purpose).started(release, where)
        return self.ended(release, where=where).verified(release, where=where)

    def failed_verification(self, release: Release, where: Environment = PREPROD) -> Story:
        """Add a deployment that succeeded and did not verify."""
        self.requested(release, where).started(release, where).ended(release, where=where)
        return self.verified(release, Outcome.FAILED, where)

    def history(self) -> History:
        """Add it all up."""
        return fold(
            an_entry(event, at=float(n), run=run) for n, (run, event) in enumerate(self.told)
        )


def arn(release: Release) -> DeploymentArn:
    """The ARN of a release's deployment."""
    return DeploymentArn(f"arn:{release.name}")
