"""`shipway deliver`, `run` and `image`: from a commit to a release, and on to every environment."""

from __future__ import annotations

import os

import click

from shipway import wiring
from shipway.apply.delivery import travel
from shipway.apply.runner import apply
from shipway.apply.world import World
from shipway.checks.graph import narrowed
from shipway.cli.conduct import act, here, json_option, tell
from shipway.errors import CheckoutIsUnfit, WrongUsage
from shipway.model.release import Release, Source
from shipway.model.service import Environment
from shipway.pipeline import Journey
from shipway.plan.plan import Plan
from shipway.plan.steps import RunChecks
from shipway.push import Ignore, asks_for, parse_hook_line
from shipway.wiring import Place

branch_option = click.option("--branch", help="Branch of the commit, where HEAD is detached.")


@click.command()
@branch_option
@click.option("--push", "line", metavar="'OLD NEW REF'", help="What git's hook said was pushed.")
@json_option
def deliver(*, branch: str | None, line: str | None, as_json: bool) -> None:
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
    release = act(
        place,
        "deliver",
        source.commit,
        as_json=as_json,
        who=os.environ.get("SHIPWAY_ACTOR") or author if line is not None else None,
        work=lambda world: travel(_journey(place, source, stops, world), world),
    )
    tell(_about(release), _whereabouts(release, place), as_json=as_json)


@click.command()
@branch_option
@json_option
def image(*, branch: str | None, as_json: bool) -> None:
    """Check, build and push the checked-out commit, and record its release."""
    place = here()
    source = wiring.checkout(place).source(branch=branch)
    release = act(
        place,
        "image",
        source.commit,
        as_json=as_json,
        work=lambda world: travel(_journey(place, source, (), world), world),
    )
    tell(_about(release), f"{release.name} is {release.image}", as_json=as_json)


@click.command()
@click.argument("checks", nargs=-1)
@json_option
def run(*, checks: tuple[str, ...], as_json: bool) -> None:
    """Run CHECKS and what they need, or all of them, on the working copy as it is."""
    place = here()
    try:
        wanted = narrowed(place.service.checks, checks) if checks else place.service.checks
    except KeyError as unknown:
        known = ", ".join(c.name for c in place.service.checks)
        raise WrongUsage(f"there is no check {unknown}", hint=f"there are: {known}") from unknown
    plan = Plan((RunChecks(None, wanted),))  # a working copy proves nothing about its commit
    with_words = " ".join(("run", *checks))
    act(
        place,
        with_words,
        "",
        as_json=as_json,
        work=lambda world: apply(plan, world),
        alone=True,
    )
    names = [c.name for c in wanted]
    tell({"passed": names}, f"passed: {', '.join(names) or 'nothing to check'}", as_json=as_json)


def _journey(place: Place, source: Source, stops: tuple[Environment, ...], world: World) -> Journey:
    return Journey(service=place.service, source=source, stops=stops, run=world.run)


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
