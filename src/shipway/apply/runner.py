"""Runs a Plan through ports, telling the stream. Never prints, never decides."""

from __future__ import annotations

from shipway.apply.checks import run_checks
from shipway.apply.world import World
from shipway.errors import Failed, Interrupted, ShipwayError, Terminated
from shipway.events.types import StepEnded, StepStarted
from shipway.model.outcome import Outcome
from shipway.plan.plan import Plan
from shipway.plan.steps import RunChecks, Step, sentence


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


def _run(step: Step, world: World, made_from: str) -> Outcome:
    """Do one step; failed means that it ran and the ledger holds the answer no."""
    if isinstance(step, RunChecks):
        run_checks(step, world)
        return Outcome.PASSED
    from shipway.apply.release_steps import run_step  # noqa: PLC0415 - checks alone do without

    return run_step(step, world, made_from)
