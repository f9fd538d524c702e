"""`shipway watch`: join the deployment that is under way in an environment."""

from __future__ import annotations

import click

from shipway import wiring
from shipway.apply.rejoining import Rejoined, rejoin
from shipway.cli.conduct import act, environment_of, here, json_option, tell
from shipway.wiring import Place


@click.command()
@click.argument("environment_name", metavar="ENV")
@json_option
def watch(*, environment_name: str, as_json: bool) -> None:
    """Follow the deployment that is under way in ENV to its end.

    Whoever started it: yours, that of a run which died, or somebody else's, which is only looked
    at. It exits as the command that started it would have.
    """
    place = here()
    environment = environment_of(place, environment_name)
    found = act(
        place,
        f"watch {environment.name}",
        "",
        as_json=as_json,
        work=lambda world: rejoin(environment, world),
    )
    about = {
        "environment": found.environment,
        "release": found.release or None,
        "deployment": found.deployment,
        "ours": found.ours,
    }
    tell(about, _words(found, place), as_json=as_json)


def _words(found: Rejoined, place: Place) -> str:
    if found.deployment is None:
        live = wiring.history(place).live(found.environment)
        what = f"{live.release} is live" if live is not None else "nothing was deployed yet"
        return f"nothing is under way in {found.environment}: {what}"
    if not found.ours:
        return f"{found.release or 'what somebody else deployed'} is live in {found.environment}"
    again = f"`shipway promote {found.environment} --release {found.release}` verifies it"
    return f"{found.release} is live in {found.environment}; {again}"
