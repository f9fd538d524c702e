"""`shipway local …`: the embedded default's verbs on the command line.

Each parses, calls one function and shows what it returned; nothing else is imported before a
verb runs, so that `--help` stays fast.
"""

# ruff: noqa: PLC0415 -- imported by the verb that needs it, see above
from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipway.errors import Interrupted, Terminated, WrongUsage

if TYPE_CHECKING:
    from shipway.local.home import Home
    from shipway.local.instance import Instance

_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.group()
def local() -> None:
    """Run everything on this machine, with no AWS account."""


@local.command()
@_json
def up(*, as_json: bool) -> None:
    """Start the local AWS, ECS and git; safe to repeat."""
    from shipway.local import verbs

    place = _home()
    instance, was_up = verbs.up(place, os.environ, _say)
    remote = verbs.remote_for(place, Path.cwd())
    if as_json:
        click.echo(json.dumps({**asdict(instance), "was_up": was_up}))
        return
    _show_addresses(instance)
    _say("it was up already" if was_up else "it is up")
    if remote is not None:
        _say(f"next: git remote add shipway {remote}")


@local.command()
@_json
def status(*, as_json: bool) -> None:
    """Show whether it is up, where it answers and what it is doing."""
    from shipway.local import verbs

    found = verbs.status(_home())
    if as_json:
        click.echo(json.dumps({"version": 1, **asdict(found)}))
        return
    click.echo("up" if found.up else "down")
    if found.instance is None:
        _say("it was never up here; next: shipway local up")
        return
    if not found.up:
        because = found.instance.because
        _say(f"it went down because {because}" if because else "next: shipway local up")
        return
    _show_addresses(found.instance)
    if not found.aws:
        _say("ministack does not answer; next: shipway local down, then shipway local up")
    for service in found.services:
        click.echo(f"service   {service}")
    for run in found.running:
        click.echo(f"delivery  {run}")


@local.command()
@_json
def down(*, as_json: bool) -> None:
    """Stop everything; what it knows is kept for the next `up`."""
    from shipway.local import verbs

    was_up = verbs.down(_home(), _say)
    if as_json:
        click.echo(json.dumps({"version": 1, "was_up": was_up}))
        return
    click.echo("down")
    if not was_up:
        _say("it was not up")


@local.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json
def reset(*, yes: bool, as_json: bool) -> None:
    """Stop everything and delete all local state: images, releases, secrets, repositories."""
    from shipway.local import verbs

    place = _home()
    if not yes:
        _confirm(
            f"Delete all that Shipway keeps in {place.state}, the ledger of deliveries included?"
        )
    left = verbs.reset(place, _say)
    if as_json:
        click.echo(json.dumps({"version": 1, "left": [str(path) for path in left]}))
        return
    click.echo("reset")
    for path in left:
        _say(f"left alone, as Shipway did not make it: {path}")


@local.command()
@click.argument("run", required=False)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the outcome as JSON, the log on stderr."
)
def follow(run: str | None, *, as_json: bool) -> None:
    """Show what a pushed delivery says until it ends; the newest, unless RUN names one.

    Exits with the delivery's own exit status.
    """
    from shipway.local import verbs

    stream = sys.stderr.buffer if as_json else sys.stdout.buffer

    def write(piece: bytes) -> None:
        stream.write(piece)
        stream.flush()

    name, ended = verbs.follow(_home(), run, write)
    if as_json:
        click.echo(json.dumps({"version": 1, "run": name, "exit": ended}))
    sys.exit(ended)


@local.command(hidden=True)
@click.argument("python")
@click.argument("pipe", type=int)
def supervise(python: str, pipe: int) -> None:
    """Be the background process of one instance; `up` starts it."""
    from shipway.local.supervise import supervise as run

    sys.exit(run(python, pipe))


@local.command(hidden=True)
def receive() -> None:
    """Be the `post-receive` hook of the repository in the current folder."""
    from shipway.local import receive as hook
    from shipway.local.home import home

    def write(piece: bytes) -> None:
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()

    repository = Path.cwd()
    place = home(hook.place_of(repository, os.environ))
    try:
        hook.receive(place, repository.stem, sys.stdin, hook.push_options(os.environ), write)
    except (BrokenPipeError, Interrupted, Terminated):
        # The pusher has gone; the delivery goes on. Not even an error: git ignores the status,
        # and Python's own attempt to flush what nobody reads would print one.
        os._exit(0)


def _home() -> Home:
    from shipway.local.home import home

    return home(os.environ)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise WrongUsage(f"{question} Nobody is here to answer", hint="add --yes")
    if not click.confirm(question, err=True):
        raise Interrupted("nothing was deleted")


def _show_addresses(instance: Instance) -> None:
    click.echo(f"aws       {instance.aws}")
    click.echo(f"ecs       {instance.ecs}")
    click.echo(f"registry  {instance.registry}")
    click.echo(f"git       {instance.git}")
