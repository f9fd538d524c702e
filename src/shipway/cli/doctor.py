"""`shipway doctor`: what is wrong, why it matters, and how to mend it. It changes nothing."""

from __future__ import annotations

import os

import click

from shipway import wiring
from shipway.cli.conduct import environment_of, here, json_option, tell
from shipway.environments.doctor import Finding, Weight, examine, unseen
from shipway.environments.machine_doctor import examine_machine
from shipway.environments.speed import Price, prices, total
from shipway.errors import Failed, OutsideDidNotAnswer, WrongUsage
from shipway.model.release import Digest
from shipway.model.service import Environment
from shipway.views.operations import findings_words, prices_words
from shipway.wiring import Place


@click.command()
@click.argument("environment_name", metavar="[ENV]", required=False)
@click.option("--speed", is_flag=True, help="Price what slows a deployment, in seconds.")
@json_option
def doctor(*, environment_name: str | None, speed: bool, as_json: bool) -> None:
    """Look for what is wrong in ENV, or on this machine and in every environment.

    Nothing is changed, and no value of a secret is read. Exits 3 when something is broken now;
    risks and notes alone exit 0.
    """
    place = here()
    named = (environment_of(place, environment_name),) if environment_name else ()
    chosen = named or place.service.environments
    if speed:
        _speed(place, chosen, as_json=as_json)
        return
    found: list[tuple[str, tuple[Finding, ...]]] = []
    if not named:
        found.append(("this machine", examine_machine(wiring.machine(place, os.environ))))
    if named or wiring.reachable(place):
        found += [(e.name, _findings(place, e, bold=not named)) for e in chosen]
    report = {
        "findings": [
            {"where": where, "weight": f.weight.value, "what": f.what, "why": f.why, "fix": f.fix}
            for where, findings in found
            for f in findings
        ]
    }
    tell(report, findings_words(tuple(found)), as_json=as_json)
    if any(f.weight is Weight.WRONG for _, findings in found for f in findings):
        raise SystemExit(Failed.exit_status)


def _findings(place: Place, environment: Environment, *, bold: bool) -> tuple[Finding, ...]:
    """Examine one environment; `bold` goes on where AWS does not answer, and says so."""
    try:
        seen = wiring.examination(place).examine(environment)
    except OutsideDidNotAnswer as problem:
        if not bold:
            raise
        return (unseen(problem.message),)
    return examine(seen, _live(place, environment))


def _live(place: Place, environment: Environment) -> Digest | None:
    history = wiring.history(place)
    live = history.live(environment.name)
    release = history.named(live.release) if live else None
    return release.digest if release else None


def _speed(place: Place, chosen: tuple[Environment, ...], *, as_json: bool) -> None:
    port = wiring.examination(place)
    found: list[tuple[str, tuple[Price, ...], float]] = []
    for environment in chosen:
        seen = port.examine(environment)
        if seen is not None:
            each = prices(seen)
            found.append((environment.name, each, total(each)))
    if not found:
        raise WrongUsage("there is no ECS service yet, so nothing to price", hint="deploy first")
    report = {
        "environments": [
            {
                "environment": name,
                "saves_s": round(saved, 1),
                "prices": [
                    {
                        "what": p.what,
                        "seconds": round(p.seconds, 1),
                        "tuned": round(p.tuned, 1),
                        "saves_s": round(p.saved, 1),
                        "estimate": p.estimate,
                        "only_at_worst": p.worst,
                        "fix": p.fix,
                    }
                    for p in each
                ],
            }
            for name, each, saved in found
        ]
    }
    tell(report, prices_words(tuple(found)), as_json=as_json)
