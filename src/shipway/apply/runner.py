"""Runs a Plan through ports, telling the stream. Never prints, never decides."""

from __future__ import annotations

from typing import assert_never

from shipway.apply.checks import run_checks
from shipway.apply.deployment import adopt, deploy, watch
from shipway.apply.publication import (
    attach_evidence,
    build_image,
    move_tag,
    publish_image,
    record_release,
    secrets_of,
)
from shipway.apply.verification import verify
from shipway.apply.world import World
from shipway.errors import Failed, Interrupted, ShipwayError, Terminated
from shipway.events.types import StepEnded, StepStarted
from shipway.model.outcome import Outcome
from shipway.plan.plan import Plan
from shipway.plan.steps import (
    AdoptDeployment,
    AttachEvidence,
    BuildImage,
    Deploy,
    MoveTag,
    PublishImage,
    RecordRelease,
    RunChecks,
    Step,
    Verify,
    Watch,
    sentence,
)


def apply(plan: Plan, world: World) -> None:
    """Run the steps in order, ending with the first that raises.

    Raises:
        ShipwayError: whatever the step raised, after its end was told.
    """
    for step in plan.steps:
        start = world.clock.monotonic()
        world.publish(StepStarted(sentence(step)))
        outcome, reason = Outcome.ERRORED, "stopped by a bug in Shipway"
        try:
            outcome, reason = _run(step, world, plan.made_from), ""
        except (Interrupted, Terminated) as stop:
            outcome, reason = Outcome.ABORTED, stop.message
            raise
        except ShipwayError as problem:
            failed = isinstance(problem, Failed)
            outcome = Outcome.FAILED if failed else Outcome.ERRORED
            reason = problem.message
            raise
        finally:
            seconds = round(world.clock.monotonic() - start, 3)
            world.publish(StepEnded(sentence(step), outcome.value, reason, seconds))


def _run(step: Step, world: World, made_from: str) -> Outcome:  # noqa: C901 - one case for each step
    """Do one step; failed means that it ran and the ledger holds the answer no."""
    match step:
        case RunChecks():
            run_checks(step, world)
        case BuildImage():
            build_image(step, world, secrets=secrets_of(step.image, world))
        case PublishImage():
            publish_image(step, world)
        case AttachEvidence():
            attach_evidence(step, world)
        case MoveTag():
            move_tag(step, world)
        case RecordRelease():
            record_release(step, world)
        case Deploy():
            deploy(step, world, made_from)
        case AdoptDeployment():
            adopt(step, world)
        case Watch():
            return watch(step, world)
        case Verify():
            return verify(step, world)
        case _:
            assert_never(step)
    return Outcome.PASSED
