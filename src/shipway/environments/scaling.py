"""What `shipway scale` will do, or why it will not: pure rules over what a service has.

It never fights autoscaling: a number that Application Auto Scaling would undo is refused, with the
bounds that would allow it. No deployment asks for any of this.
"""

from __future__ import annotations

from shipway.errors import WrongUsage
from shipway.model.lazy import dataclass
from shipway.model.scaling import Capacity, ScalableTarget


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for; None is no wish."""

    count: int | None = None
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Scaling:
    """What will be asked of AWS, in this order: the bounds, then the number; None for neither.

    `changes` say it in words, `remarks` what else there is to know; both may be empty.
    """

    bounds: tuple[int, int] | None
    count: int | None
    changes: tuple[str, ...]
    remarks: tuple[str, ...]


def plan_scaling(now: Capacity, wish: Wish) -> Scaling:
    """Decide what a wish changes.

    Raises:
        WrongUsage: it cannot be, or autoscaling would undo it.
    """
    bounds = _bounds(now.target, wish)
    if wish.count is not None:
        _refuse_in_vain(now, wish.count, bounds)
    before = (now.target.minimum, now.target.maximum) if now.target else None
    new_bounds = bounds if bounds != before else None
    count = wish.count if wish.count != now.desired else None
    changes = []
    if new_bounds and before:
        changes.append(
            f"autoscaling between {before[0]} and {before[1]} -> "
            f"{new_bounds[0]} and {new_bounds[1]}"
        )
    if count is not None:
        changes.append(f"tasks {now.desired} -> {count}")
    return Scaling(new_bounds, count, tuple(changes), _remarks(now, wish, bounds))


def _bounds(target: ScalableTarget | None, wish: Wish) -> tuple[int, int] | None:
    """Return the bounds as they will be; None where nothing scales the service."""
    if target is None:
        if wish.minimum is not None or wish.maximum is not None:
            raise WrongUsage(
                "there is no scalable target: nothing scales this service by itself",
                hint="give the number of tasks alone; a scalable target is infrastructure",
            )
        return None
    lower = target.minimum if wish.minimum is None else wish.minimum
    upper = target.maximum if wish.maximum is None else wish.maximum
    if lower > upper:
        raise WrongUsage(
            f"at least {lower} and at most {upper} tasks cannot be",
            hint=f"now it is {target.minimum} to {target.maximum}",
        )
    return lower, upper


def _refuse_in_vain(now: Capacity, count: int, bounds: tuple[int, int] | None) -> None:
    if now.daemon:
        raise WrongUsage("this service runs one task for each instance: it cannot be scaled")
    if bounds and not bounds[0] <= count <= bounds[1]:
        option = f"--min {count}" if count < bounds[0] else f"--max {count}"
        raise WrongUsage(
            f"autoscaling keeps this service between {bounds[0]} and {bounds[1]} tasks and would "
            f"undo {count}",
            hint=f"move the bounds in the same command: {option}",
        )


def _remarks(now: Capacity, wish: Wish, bounds: tuple[int, int] | None) -> tuple[str, ...]:
    remarks = []
    target = now.target
    if wish.count is not None and target and target.policies and not target.suspended:
        names = ", ".join(target.policies)
        remarks.append(f"autoscaling may move it again between these bounds: {names}")
    if target and target.suspended:
        remarks.append("autoscaling is suspended")
    if wish.count is None and bounds and not bounds[0] <= now.desired <= bounds[1]:
        remarks.append(f"autoscaling will move the {now.desired} tasks between the new bounds")
    if wish.count == 0:
        remarks.append("with no task nothing answers")
    if now.deploying and wish.count is not None:
        remarks.append("a deployment is in flight; it goes on, with the new number")
    return tuple(remarks)
