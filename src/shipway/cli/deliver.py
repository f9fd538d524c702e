"""`shipway deliver` and `image`: from a commit to a release, and on to every environment."""

from __future__ import annotations

import os
from dataclasses import replace

import click

from shipway import wiring
from shipway.apply.delivery import travel
from shipway.apply.look import today
from shipway.apply.world import World
from shipway.cli.conduct import act, here, json_option, tell
from shipway.errors import CheckoutIsUnfit
from shipway.model.release import Release, Source
from shipway.model.service import Environment
from shipway.pipeline import Journey
from shipway.push import Ignore, asks_for, parse_hook_line
from shipway.wiring import Place, Wishes

scheduled_option = click.option(
    "--scheduled", is_flag=True, help="Not a push but the clock: also moves `nightly-<date>`."
)
branch_option = click.option("--branch", help="Branch of the commit, where HEAD is detached.")


@click.command()
@branch_option
@click.option("--push", "line", metavar="'OLD NEW REF'", help="What git's hook said was pushed.")
@scheduled_option
@json_option
@click.pass_context
def deliver(
    context: click.Context,
    *,
    branch: str | None = None,
    line: str | None = None,
    scheduled: bool = False,
    as_json: bool,
) -> None:
    """Take the checked-out commit through checks, image and every environment.

    It stops where a gate says no (exit 4); approve, then run it again. Run again after a crash
    or a failure, it goes on where it stood.
    """
    place, pushed = here(), None
    if line is not None:
        asked = asks_for(parse_hook_line(line), delivered_branch=place.service.branch)
        if isinstance(asked, Ignore):
            result: dict[str, object] = {"delivered": False, "reason": asked.reason}
            tell(result, f"nothing to deliver: {asked.reason}", as_json=as_json)
            return
        branch, pushed = asked.branch, asked.commit
    source = wiring.checkout(place).source(branch=branch)
    if pushed not in {None, source.commit}:
        raise CheckoutIsUnfit(
            f"{pushed} was pushed, but {source.commit} is checked out",
            hint="check out exactly what was pushed",
        )
    stops = place.service.environments
    # git does not tell the hook who pushed; the author of the commit is the nearest it knows
    author = source.author.partition(" <")[0]
    who = os.environ.get("SHIPWAY_ACTOR") or author if line is not None else None
    release = act(
        place,
        "deliver",
        source.commit,
        as_json=as_json,
        wishes=replace(wishes_of(context), who=who),
        work=lambda world: travel(_journey(place, source, stops, world, scheduled), world),
    )
    tell(_about(release), _whereabouts(release, place), as_json=as_json)


@click.command()
@branch_option
@scheduled_option
@json_option
@click.pass_context
def image(
    context: click.Context, *, branch: str | None = None, scheduled: bool = False, as_json: bool
) -> None:
    """Check, build and push the checked-out commit, and record its release."""
    place = here()
    source = wiring.checkout(place).source(branch=branch)
    release = act(
        place,
        "image",
        source.commit,
        as_json=as_json,
        wishes=wishes_of(context),
        work=lambda world: travel(_journey(place, source, (), world, scheduled), world),
    )
    tell(_about(release), f"{release.name} is {release.image}", as_json=as_json)


def wishes_of(context: click.Context) -> Wishes:
    """Return what `resume` wants of the verb that it calls; nothing for a person."""
    return context.obj if isinstance(context.obj, Wishes) else Wishes()


def _journey(
    place: Place,
    source: Source,
    stops: tuple[Environment, ...],
    world: World,
    scheduled: bool,  # noqa: FBT001 - handed through
) -> Journey:
    nightly = today(world) if scheduled else ""
    return Journey(
        service=place.service, source=source, stops=stops, run=world.run, nightly=nightly
    )


def _whereabouts(release: Release, place: Place) -> str:
    """Say where a delivered release is live, and what has replaced it elsewhere since."""
    history = wiring.history(place)
    found = [(e.name, history.live(e.name)) for e in place.service.environments]
    here = [name for name, live in found if live and live.release == release.name]
    gone = [f"{live.release} in {name}" for name, live in found if live and name not in here]
    words = f"{release.name} is live and verified in {', '.join(here) or 'no environment'}"
    return f"{words}; since replaced by {', '.join(gone)}" if gone else words


def _about(release: Release) -> dict[str, object]:
    return {
        "release": release.name,
        "commit": release.commit,
        "digest": release.digest,
        "image": release.image,
    }
