"""The verbs of one environment: deploy, gate, approve, promote."""

from __future__ import annotations

import os
from dataclasses import replace

import click

from shipway import wiring
from shipway.apply.delivery import travel
from shipway.apply.world import World
from shipway.cli.conduct import (
    act,
    environment_of,
    here,
    json_option,
    release_of,
    release_option,
    source_of,
    tell,
)
from shipway.errors import GateSaidNo, WrongUsage
from shipway.events.types import ApprovalGiven, ApprovalRefused
from shipway.model.outcome import Purpose
from shipway.model.release import Release
from shipway.model.service import Environment
from shipway.pipeline import Journey
from shipway.promotion.gate import Yes, is_author, may_enter
from shipway.wiring import Place

_environment = click.argument("environment_name", metavar="ENV")
_as = click.option("--as", "who", metavar="NAME", help="Who says so; you, when not given.")
_despite = click.option(
    "--despite",
    multiple=True,
    metavar="CODE",
    help="Finding that is not to hold it up; repeatable.",
)
_comment = click.option("--comment", default="", help="Why; kept in the ledger.")


@click.command()
@_environment
@release_option
@_despite
@json_option
def deploy(
    *, environment_name: str, release_name: str | None, despite: tuple[str, ...], as_json: bool
) -> None:
    """Deploy a release to ENV and watch it; the gate is asked, probes are not run."""
    _bring(environment_name, release_name, "deploy", despite=despite, as_json=as_json)


@click.command()
@_environment
@release_option
@_despite
@json_option
def promote(
    *, environment_name: str, release_name: str | None, despite: tuple[str, ...], as_json: bool
) -> None:
    """Bring a release through the gate of ENV, watch it and verify it."""
    _bring(environment_name, release_name, "promote", despite=despite, as_json=as_json)


@click.command()
@_environment
@json_option
def url(*, environment_name: str, as_json: bool) -> None:
    """Print the address at which the load balancer of ENV answers."""
    place = here()
    environment = environment_of(place, environment_name)
    address = wiring.orchestrator(place).address(environment)
    tell({"environment": environment.name, "url": address}, address, as_json=as_json)


@click.command()
@_environment
@release_option
@json_option
def gate(*, environment_name: str, release_name: str | None, as_json: bool) -> None:
    """Ask whether a release may enter ENV; exit 4 when not, with every reason."""
    place = here()
    environment = environment_of(place, environment_name)
    history = wiring.history(place)
    release = release_of(place, history, release_name)
    answer = may_enter(place.service, environment, release, history)
    if isinstance(answer, Yes):
        by = f", approved by {', '.join(answer.approved_by)}" if answer.approved_by else ""
        words = f"yes: {release.name} may enter {environment.name}{by}"
        tell({**_about(environment, release), "allowed": True}, words, as_json=as_json)
        return
    raise GateSaidNo("\n".join(answer.reasons), where=environment.name)


@click.command()
@_environment
@release_option
@_as
@_comment
@json_option
def approve(
    *, environment_name: str, release_name: str | None, who: str | None, comment: str, as_json: bool
) -> None:
    """Agree that a release, exactly this digest, may enter ENV."""
    _opine(environment_name, release_name, who, agrees=True, comment=comment, as_json=as_json)


@click.command()
@_environment
@release_option
@_as
@_comment
@json_option
def reject(
    *, environment_name: str, release_name: str | None, who: str | None, comment: str, as_json: bool
) -> None:
    """Say that a release must not enter ENV; a later approval by you takes it back."""
    _opine(environment_name, release_name, who, agrees=False, comment=comment, as_json=as_json)


def _bring(
    environment_name: str,
    release_name: str | None,
    verb: str,
    *,
    despite: tuple[str, ...],
    as_json: bool,
) -> None:
    place, verify = here(), verb == "promote"
    environment = environment_of(place, environment_name)
    release = release_of(place, wiring.history(place), release_name)

    def work(world: World) -> Release:
        journey = _journey(place, environment, release, world, Purpose.DELIVERY)
        return travel(replace(journey, verify=verify, despite=despite), world)

    asked = "".join(f" --despite {code}" for code in despite)
    act(place, f"{verb} {environment.name}{asked}", release.commit, as_json=as_json, work=work)
    words = f"{release.name} is live{' and verified' if verify else ''} in {environment.name}"
    tell(_about(environment, release), words, as_json=as_json)


def _journey(
    place: Place,
    environment: Environment,
    release: Release,
    world: World,
    purpose: Purpose,
) -> Journey:
    return Journey(
        service=place.service,
        source=source_of(release),
        stops=(environment,),
        run=world.run,
        purpose=purpose,
        insist=True,
    )


def _opine(
    environment_name: str,
    release_name: str | None,
    who: str | None,
    *,
    agrees: bool,
    comment: str,
    as_json: bool,
) -> None:
    place = here()
    environment = environment_of(place, environment_name)
    release = release_of(place, wiring.history(place), release_name)
    by = who if who is not None else wiring.actor(place, os.environ)
    _refuse_unfit(place, environment, release, by, agrees=agrees)
    shape = ApprovalGiven if agrees else ApprovalRefused
    event = shape(environment.name, release.name, release.digest, by, comment)
    wiring.remember(place, os.environ, event)
    verb = "approved" if agrees else "rejected"
    words = f"{by} {verb} {release.name} for {environment.name}"
    tell({**_about(environment, release), "by": by, "agrees": agrees}, words, as_json=as_json)


def _refuse_unfit(
    place: Place, environment: Environment, release: Release, by: str, *, agrees: bool
) -> None:
    """Refuse an opinion that could never count, before it is written down for ever."""
    if by.strip().casefold() in {"", "null", "none"}:
        raise WrongUsage(f"{by!r} is nobody", hint="name who approves with --as NAME")
    groups = environment.gate.groups if environment.gate else ()
    if groups and by not in place.service.members(groups):
        raise GateSaidNo(
            f"{by} belongs to none of: {', '.join(groups)}",
            where=environment.name,
            hint="`groups:` in shipway.yaml says who does; `--as NAME` says who you are",
        )
    if agrees and is_author(by, release):
        raise GateSaidNo(
            f"{by} wrote {release.name}; somebody else has to approve it", where=environment.name
        )


def _about(environment: Environment, release: Release) -> dict[str, object]:
    return {
        "environment": environment.name,
        "release": release.name,
        "commit": release.commit,
        "digest": release.digest,
    }
