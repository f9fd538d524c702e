"""The verbs that answer a deployment: rollback, and continue."""

from __future__ import annotations

import os
from pathlib import Path

import click

from shipway import wiring
from shipway.apply.reversal import go_on, turn_back
from shipway.apply.rollback import roll_back
from shipway.apply.world import World
from shipway.cli.conduct import act, environment_of, here, json_option, tell
from shipway.errors import NothingIsUnderWay
from shipway.ledger import History
from shipway.model.observed import DeploymentArn
from shipway.model.release import Release
from shipway.model.service import Environment
from shipway.promotion.rollback import rollback_target
from shipway.wiring import Place

_environment = click.argument("environment_name", metavar="ENV")


@click.command()
@_environment
@click.option("--to", metavar="R", help="Release to return to; the last good one when not given.")
@json_option
def rollback(*, environment_name: str, to: str | None, as_json: bool) -> None:
    """Return ENV to a release that was good there; no gate is asked.

    A deployment that is under way is turned back: during its bake time that is at once.
    """
    place = _as_far_as_it_is_right(environment_name)
    environment = environment_of(place, environment_name)
    _refuse_early(environment, wiring.history(place), to)

    def work(world: World) -> Release:
        return roll_back(place.service, environment, to, world)

    release = act(
        place, f"rollback {environment.name}", "", as_json=as_json, work=work, sweeping=False
    )
    words = f"{environment.name} is back at {release.name}"
    tell(_about(environment, release), words, as_json=as_json)


@click.command("continue")
@_environment
@click.option("--rollback", "back", is_flag=True, help="Turn it back instead.")
@json_option
def go_on_command(*, environment_name: str, back: bool, as_json: bool) -> None:
    """Let the deployment go on that waits at a pause in ENV; or turn it back.

    It only answers; `shipway watch` shows how it goes.
    """
    place = here()
    environment = environment_of(place, environment_name)
    release, deployment = _waiting(environment, wiring.history(place))
    answer = turn_back if back else go_on

    def work(world: World) -> None:
        answer(environment, release, deployment, world)

    command = f"continue {environment.name}{' --rollback' if back else ''}"
    act(place, command, release.commit, as_json=as_json, work=work, sweeping=False)
    words = f"{release.name} {'goes back' if back else 'goes on'} in {environment.name}"
    report = {**_about(environment, release), "deployment": deployment, "rollback": back}
    tell(report, words, as_json=as_json)


globals()["continue"] = go_on_command  # the verb is a keyword, and verbs are found by their name


def _as_far_as_it_is_right(environment_name: str) -> Place:
    """Return the place of the current folder, even where shipway.yaml is broken elsewhere."""
    place, problems = wiring.place_to_return(Path.cwd(), os.environ, environment_name)
    if problems:
        click.echo(
            f"shipway.yaml has {len(problems)} problems elsewhere; going back anyway", err=True
        )
    return place


def _refuse_early(environment: Environment, history: History, to: str | None) -> None:
    """Refuse what can lead nowhere before anything is touched; what is under way is asked first."""
    attempt = history.last_attempt(environment.name)
    if attempt is None or attempt.ended is not None:
        rollback_target(history, environment.name, to)


def _waiting(environment: Environment, history: History) -> tuple[Release, DeploymentArn]:
    """Return what is under way in an environment, by the ledger."""
    attempt = history.last_attempt(environment.name)
    release = history.named(attempt.release) if attempt else None
    under_way = attempt is not None and attempt.ended is None
    if attempt is None or release is None or not under_way or attempt.deployment is None:
        raise NothingIsUnderWay(
            "no deployment of ours is under way here",
            where=environment.name,
            hint="`shipway status` shows what is live",
        )
    return release, attempt.deployment


def _about(environment: Environment, release: Release) -> dict[str, object]:
    return {
        "environment": environment.name,
        "release": release.name,
        "commit": release.commit,
        "digest": release.digest,
    }
