"""One run: it begins with an event and ends with exactly one, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from shipway.apply.world import World
from shipway.errors import Failed, GateSaidNo, RolledBack, ShipwayError, Signalled
from shipway.events.types import RunEnded, RunStarted
from shipway.model.outcome import Outcome

Result = TypeVar("Result")
BUG = 1


def conduct(world: World, command: str, commit: str, work: Callable[[], Result]) -> Result:
    """Do the work of a run and write down how it ended.

    Raises:
        whatever `work` raises, after it was written down.
    """
    start = world.clock.monotonic()

    def end(outcome: Outcome, reason: str, status: int) -> None:
        seconds = round(world.clock.monotonic() - start, 3)
        world.publish(RunEnded(outcome.value, reason, status, seconds))

    world.publish(RunStarted(command, world.actor, commit))
    try:
        result = work()
    except (ShipwayError, Signalled) as problem:
        problem.message = world.redactor.text(problem.message)
        problem.hint = world.redactor.text(problem.hint)
        with suppress(ShipwayError):  # such as a ledger without room: the first problem is told
            end(outcome_of(problem), problem.message, problem.exit_status)
        raise
    except BaseException:
        end(Outcome.ERRORED, "a bug in Shipway", BUG)
        raise
    end(Outcome.PASSED, "", 0)
    return result


def outcome_of(problem: ShipwayError | Signalled) -> Outcome:
    """Tell a no from no answer, and both from being stopped."""
    match problem:
        case Signalled():
            return Outcome.ABORTED
        case Failed() | RolledBack() | GateSaidNo():
            return Outcome.FAILED
        case _:
            return Outcome.ERRORED
