"""How tests of whole journeys begin one, and what they count afterwards."""

from __future__ import annotations

from shipway.apply.delivery import travel
from shipway.apply.run import conduct
from shipway.events.types import ApprovalGiven, ReleaseRecorded, RunEnded, RunStarted
from shipway.ledger import fold
from shipway.model.probes import CommandProbe
from shipway.model.release import Release, Source
from shipway.model.service import Environment, Service
from shipway.pipeline import Journey
from shipway.testing.builders import Stage, a_check, a_service, a_source, an_environment

ONE_CHECK = a_service(checks=(a_check("lint"),))
PREPROD_ONLY = a_service(checks=(a_check("lint"),), environments=(an_environment(),))
PROBED = an_environment(probes=(CommandProbe(("pnpm", "run", "accept"), 30.0),))


def deliver(
    stage: Stage,
    source: Source,
    *,
    service: Service = PREPROD_ONLY,
    run: str = "run-1",
    slots: int = 1,
) -> Release:
    """Deliver a commit through every environment of a service, as `shipway deliver` does."""
    world = stage.world(run, slots=slots)
    journey = Journey(service, source, service.environments, run)
    return conduct(world, "deliver", source.commit, lambda: travel(journey, world))


def approve(
    stage: Stage, release: Release, *, by: str = "quinn", where: str = "production"
) -> None:
    """Approve a release, as `shipway approve` does."""
    stage.remember(ApprovalGiven(where, release.name, release.digest, by, ""))


def delivered(stage: Stage, word: str, *, service: Service = PREPROD_ONLY) -> Release:
    """Deliver a commit that goes well, in a run of its own."""
    return deliver(stage, a_source(word), service=service, run=f"run-of-{word}")


def live(stage: Stage, environment: Environment | str) -> str | None:
    """Name what the ledger says is live."""
    name = environment if isinstance(environment, str) else environment.name
    found = fold(stage.ledger.written).live(name)
    return found.release if found else None


def recorded(stage: Stage) -> list[str]:
    """Name every release that the ledger recorded, in order."""
    return [e.event.release for e in stage.ledger.written if isinstance(e.event, ReleaseRecorded)]


def ends_with(stage: Stage) -> RunEnded:
    """The one event with which each run ended, of the last run."""
    starts = sum(isinstance(e, RunStarted) for e in stage.events)
    ends = [e for e in stage.events if isinstance(e, RunEnded)]
    assert len(ends) == starts
    assert isinstance(stage.events[-1], RunEnded)
    return ends[-1]
