"""`shipway verify`: what runs in an environment, compared and probed; and a person's judgement."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from shipway import wiring
from shipway.apply.delivery import travel
from shipway.apply.verification import check_again
from shipway.cli.conduct import act, environment_of, here, json_option, source_of, tell
from shipway.errors import GateSaidNo, ReleaseIsUnknown, WrongUsage
from shipway.events.judging import VerificationJudged
from shipway.model.outcome import Outcome
from shipway.pipeline import Journey
from shipway.plan.steps import Verify

if TYPE_CHECKING:
    from shipway.apply.world import World
    from shipway.model.release import Release
    from shipway.model.service import Environment
    from shipway.wiring import Place


@click.command()
@click.argument("environment_name", metavar="ENV")
@click.option("--accept", is_flag=True, help="Say that it is well, where nobody could find out.")
@click.option("--refuse", is_flag=True, help="Say that it is not; it goes back at once.")
@click.option("--reason", default="", help="Why; kept in the ledger.")
@click.option("--as", "who", metavar="NAME", help="Who says so; you, when not given.")
@json_option
def verify(
    *,
    environment_name: str,
    accept: bool,
    refuse: bool,
    reason: str,
    who: str | None,
    as_json: bool,
) -> None:
    """Compare what runs in ENV with the live release, and probe it.

    Exit 4 when nobody could say whether it is well. --accept and --refuse answer for a delivery
    that asks: accepted, it counts as verified; refused, ENV returns to the last good release.
    """
    place = here()
    environment = environment_of(place, environment_name)
    if accept or refuse:
        _judge(place, environment, who, reason, accepted=_which(accept, refuse), as_json=as_json)
        return
    release = _live(place, environment)
    act(
        place,
        f"verify {environment.name}",
        release.commit,
        as_json=as_json,
        work=lambda world: check_again(Verify(environment, release, bake=False), world),
    )
    words = f"{release.name} is well in {environment.name}"
    tell(_about(environment, release), words, as_json=as_json)


def _which(accept: bool, refuse: bool) -> bool:  # noqa: FBT001 - two flags of one command
    if accept and refuse:
        raise WrongUsage("it is either --accept or --refuse")
    return accept


def _live(place: Place, environment: Environment) -> Release:
    history = wiring.history(place)
    live = history.live(environment.name)
    release = history.named(live.release) if live else None
    if release is None:
        raise ReleaseIsUnknown("nothing was deployed here yet", where=environment.name)
    return release


def _judge(
    place: Place,
    environment: Environment,
    who: str | None,
    reason: str,
    *,
    accepted: bool,
    as_json: bool,
) -> None:
    """Write a person's judgement down; a refusal is followed by the way back.

    Raises:
        WrongUsage: there is no reason, or nothing asks for a person.
        GateSaidNo: the gate of the environment has groups, and the person is in none.
    """
    release = _live(place, environment)
    live = wiring.history(place).live(environment.name)
    if live is None or live.verified is not Outcome.INCONCLUSIVE:
        raise WrongUsage(
            f"the verification of {release.name} is not inconclusive", where=environment.name
        )
    if not reason.strip():
        raise WrongUsage("a judgement needs its reason", hint="add --reason WHY")
    by = who if who is not None else wiring.actor(place, os.environ)
    groups = environment.gate.groups if environment.gate else ()
    if groups and by not in place.service.members(groups):
        raise GateSaidNo(
            f"{by} belongs to none of: {', '.join(groups)}",
            where=environment.name,
            hint="`groups:` in shipway.yaml says who does; `--as NAME` says who you are",
        )
    event = VerificationJudged(environment.name, release.name, accepted, by, reason.strip())
    if accepted:
        wiring.remember(place, os.environ, event)
        words = f"{by} accepted {release.name} in {environment.name}; run the delivery again"
        about = {**_about(environment, release), "by": by, "accepted": True}
        tell(about, words, as_json=as_json)
        return

    def work(world: World) -> Release:
        world.publish(event)
        stops, source = (environment,), source_of(release)
        return travel(Journey(place.service, source, stops, world.run), world)

    act(place, f"verify {environment.name} --refuse", release.commit, as_json=as_json, work=work)


def _about(environment: Environment, release: Release) -> dict[str, object]:
    return {
        "environment": environment.name,
        "release": release.name,
        "commit": release.commit,
        "digest": release.digest,
    }
