"""`shipway scale`: more or fewer tasks, never in silence against autoscaling."""

from __future__ import annotations

import click

from shipway import wiring
from shipway.cli.conduct import environment_of, here, json_option, tell
from shipway.environments.scaling import Scaling, Wish, plan_scaling
from shipway.model.scaling import Capacity


@click.command()
@click.argument("environment_name", metavar="ENV")
@click.argument("count", metavar="[N]", type=click.IntRange(min=0), required=False)
@click.option("--min", "minimum", type=click.IntRange(min=0), help="Lower bound of autoscaling.")
@click.option("--max", "maximum", type=click.IntRange(min=0), help="Upper bound of autoscaling.")
@click.option("--plan", "only_plan", is_flag=True, help="Say what would change; change nothing.")
@json_option
def scale(
    *,
    environment_name: str,
    count: int | None,
    minimum: int | None,
    maximum: int | None,
    only_plan: bool,
    as_json: bool,
) -> None:
    """Run N tasks in ENV; without N, say how many there are and what decides on it.

    A number that autoscaling would undo is refused; `--min` and `--max` move its bounds. No
    deployment ever changes the number of tasks.
    """
    place = here()
    environment = environment_of(place, environment_name)
    port = wiring.scaling(place)
    now = port.capacity(environment)
    planned = plan_scaling(now, Wish(count, minimum, maximum))
    if not only_plan:
        if planned.bounds:  # first, or autoscaling would undo the number in between
            port.set_bounds(environment, *planned.bounds)
        if planned.count is not None:
            port.set_count(environment, planned.count)
    done = bool(planned.changes) and not only_plan
    report = {
        "environment": environment.name,
        "desired": now.desired,
        "running": now.running,
        "autoscaling": _target(now),
        "changes": list(planned.changes),
        "remarks": list(planned.remarks),
        "done": done,
    }
    words = _words(environment.name, now, planned, done=done, asked=only_plan)
    tell(report, words, as_json=as_json)


def _target(now: Capacity) -> dict[str, object] | None:
    if now.target is None:
        return None
    return {
        "min": now.target.minimum,
        "max": now.target.maximum,
        "policies": list(now.target.policies),
        "suspended": now.target.suspended,
    }


def _words(name: str, now: Capacity, planned: Scaling, *, done: bool, asked: bool) -> str:
    lines = [f"{name}: {now.running} of {now.desired} tasks run"]
    if now.target:
        policies = f" by {', '.join(now.target.policies)}" if now.target.policies else ""
        bounds = f"{now.target.minimum} and {now.target.maximum}"
        lines.append(f"  autoscaling keeps between {bounds}{policies}")
    verb = "would change" if asked else "changed"
    lines += [f"  {verb}: {change}" for change in planned.changes]
    if not planned.changes and not done:
        lines.append("  nothing to change")
    lines += [f"  note: {remark}" for remark in planned.remarks]
    return "\n".join(lines)
