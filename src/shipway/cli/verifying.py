"""`shipway verify`: what runs in an environment, compared and probed."""

from __future__ import annotations

import click

from shipway import wiring
from shipway.apply.verification import check_again
from shipway.cli.conduct import act, environment_of, here, json_option, tell
from shipway.errors import ReleaseIsUnknown
from shipway.plan.steps import Verify


@click.command()
@click.argument("environment_name", metavar="ENV")
@json_option
def verify(*, environment_name: str, as_json: bool) -> None:
    """Compare what runs in ENV with the live release, and probe it."""
    place = here()
    environment = environment_of(place, environment_name)
    live = wiring.history(place).live(environment.name)
    release = wiring.history(place).named(live.release) if live else None
    if release is None:
        raise ReleaseIsUnknown("nothing was deployed here yet", where=environment.name)
    act(
        place,
        f"verify {environment.name}",
        release.commit,
        as_json=as_json,
        work=lambda world: check_again(Verify(environment, release), world),
    )
    words = f"{release.name} is well in {environment.name}"
    about = {
        "environment": environment.name,
        "release": release.name,
        "commit": release.commit,
        "digest": release.digest,
    }
    tell(about, words, as_json=as_json)
