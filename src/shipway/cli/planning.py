"""The verb that shows what a deployment would do, and does nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from textwrap import wrap

import click

from shipway import wiring
from shipway.apply.preflight import preflight
from shipway.cli.conduct import environment_of, here, json_option, release_of, release_option, tell
from shipway.environments.forecast import Forecast, forecast
from shipway.environments.plan import plan_deployment
from shipway.environments.taskdef import task_definition
from shipway.errors import ChangesArePending, LeaseIsHeld
from shipway.ledger import History
from shipway.model.observed import ObservedService
from shipway.model.outcome import Purpose
from shipway.model.release import Release
from shipway.model.service import Environment
from shipway.model.spec import decode
from shipway.model.task_definition import Change
from shipway.wiring import Place

_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")
_COMMIT = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{32}\b")
_BESIDE = ("autoscaling targets and policies",)
_WAY_IN = ("rules and weights of listeners", "target groups")
"""What belongs to people and to the infrastructure, unless the strategy shifts traffic."""


@click.command()
@click.argument("environment_name", metavar="ENV")
@release_option
@click.option("--exit-code", is_flag=True, help="Exit 11 when there is something to change.")
@json_option
def plan(
    *, environment_name: str, release_name: str | None, exit_code: bool, as_json: bool
) -> None:
    """Show what deploying a release would change in ENV, and by which calls; changes nothing."""
    place = here()
    environment = environment_of(place, environment_name)
    history = wiring.history(place)
    release = release_of(place, history, release_name)
    seen = wiring.orchestrator(place).observe(environment)
    wanted = task_definition(release, environment, place.service.aws)
    live = history.live(environment.name)
    was = decode(live.spec) if live else None
    found = forecast(
        seen.definition if seen else None,
        wanted,
        was,
        wiring.foresight(place).foresee(environment, wanted),
    )
    steps, blocked = _steps(place, environment, release, seen, history)
    steps = steps if found.pending else ()
    look = wiring.inspector(place)
    wrong = preflight(look, place.service, environment, release, wanted, history)
    words = _words(environment, release, steps, found, blocked)
    report = _report(environment, release, steps, found) | {
        "blocked": blocked or None,
        "findings": [f.report() for f in wrong],
    }
    tell(report, "\n".join((*words, *(f.advice() for f in wrong))), as_json=as_json)
    if exit_code and found.pending:
        raise click.exceptions.Exit(ChangesArePending.exit_status)  # the plan has said it all


def _steps(
    place: Place,
    environment: Environment,
    release: Release,
    seen: ObservedService | None,
    history: History,
) -> tuple[tuple[str, ...], str]:
    """Return the steps of a delivery, or why none could be taken now; all can be seen anyway."""
    try:
        made = plan_deployment(
            place.service,
            environment,
            release,
            purpose=Purpose.DELIVERY,
            seen=seen,
            history=history,
        )
    except LeaseIsHeld as error:
        return (), error.message
    return made.read_aloud(), ""


def _report(
    environment: Environment, release: Release, steps: tuple[str, ...], found: Forecast
) -> dict[str, object]:
    drift = None if found.drift is None else [_json(c) for c in found.drift]
    return {
        "environment": environment.name,
        "release": release.name,
        "pending": found.pending,
        "steps": list(steps),
        "changes": [_json(c) for c in found.changes],
        "service": [_json(c) for c in found.service],
        "starts_deployment": list(found.because),
        "drift": drift,
        "revision": found.revision,
        "calls": [
            {"operation": c.operation, "parameters": json.loads(c.parameters)} for c in found.calls
        ]
        if found.pending
        else [],
        "untouched": list(found.untouched),
    }


def _words(
    environment: Environment,
    release: Release,
    steps: tuple[str, ...],
    found: Forecast,
    blocked: str,
) -> Iterable[str]:
    if blocked:
        yield f"not now: {blocked}"
    if not found.pending:
        yield f"{release.name} runs in {environment.name} as it should: nothing to do"
        yield from _drift(found)
        return
    yield f"{environment.name} would change:"
    yield from _table((*found.changes, *found.service))
    yield _cause(found)
    yield from _drift(found)
    if steps:
        yield "by these steps:"
        yield from (f"  {step}" for step in steps)
    yield "by these calls:"
    yield from _calls(found)
    yield "not touched:"
    shifts = environment.strategy.kind.shifts_traffic or environment.strategy.code_deploy
    way_in = () if shifts else _WAY_IN
    everything = ", ".join((*found.untouched, *_BESIDE, *way_in))
    yield from wrap(everything, initial_indent="  ", subsequent_indent="  ", width=100)


def _cause(found: Forecast) -> str:
    if found.because:
        return f"a deployment starts, because of: {', '.join(found.because)}"
    return "no deployment would start of it: ECS takes these over as they are"


def _drift(found: Forecast) -> Iterable[str]:
    if found.drift:
        yield "changed since Shipway deployed there, by somebody else:"
        yield from _table(found.drift)


def _calls(found: Forecast) -> Iterable[str]:
    if found.revision is not None:
        yield f"  (no RegisterTaskDefinition: revision {found.revision.rpartition(':')[2]} is used)"
    for call in found.calls:
        yield f"  {call.operation}: {', '.join(sorted(json.loads(call.parameters)))}"


def _table(changes: tuple[Change, ...]) -> Iterable[str]:
    width = max((len(c.field) for c in changes), default=0)
    return (f"  {_mark(c)} {c.field:<{width}}  {_short(_sides(c))}" for c in changes)


def _short(text: str) -> str:
    """Shorten ids for the eye; a machine gets them whole."""
    return _COMMIT.sub(r"\1", _DIGEST.sub(r"\1", text))


def _json(change: Change) -> dict[str, str | None]:
    return {"field": change.field, "before": change.before, "after": change.after}


def _mark(change: Change) -> str:
    return "+" if change.before is None else "-" if change.after is None else "~"


def _sides(change: Change) -> str:
    if change.before is None or change.after is None:
        return change.before or change.after or ""
    return f"{change.before} -> {change.after}"
