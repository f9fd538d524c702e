"""What the verbs that act have in common: find the place, make the world, tell how it goes."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from shipway import wiring
from shipway.apply.run import conduct
from shipway.apply.world import World
from shipway.errors import EnvironmentIsUnknown, ReleaseIsUnknown
from shipway.events.stream import Reader
from shipway.views.grouped import PlainView
from shipway.views.jsonl import JsonLines
from shipway.views.markers import is_engine, markers_of
from shipway.wiring import Place, Wishes

if TYPE_CHECKING:  # for annotations alone: checks do not pay for what deploys
    from shipway.ledger import History
    from shipway.model.release import Release, Source
    from shipway.model.service import Environment

Result = TypeVar("Result")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of words.")
release_option = click.option(
    "--release", "release_name", metavar="R", help="Name, digest or beginning of the commit."
)


def here() -> Place:
    """Return the place of the current folder."""
    return wiring.place(Path.cwd(), os.environ)


def environment_of(place: Place, name: str) -> Environment:
    """Return a declared environment.

    Raises:
        EnvironmentIsUnknown: naming those that there are.
    """
    found = place.service.environment(name)
    if found is None:
        known = ", ".join(e.name for e in place.service.environments)
        raise EnvironmentIsUnknown(f"there is no environment {name!r}", hint=f"there are: {known}")
    return found


def release_of(place: Place, history: History, name: str | None) -> Release:
    """Return the named release, or that of the commit which is checked out."""
    if name is not None:
        return history.find(name)
    source = wiring.checkout(place).source(branch="HEAD")
    found = history.release_of(source.commit)
    if found is None:
        raise ReleaseIsUnknown(
            f"commit {source.commit[:8]} has no release",
            hint="`shipway image` makes it one, or name another with --release",
        )
    return found


def source_of(release: Release) -> Source:
    """Return the commit that a release was made from."""
    from shipway.model.release import Source  # noqa: PLC0415 - see above

    return Source(
        commit=release.commit,
        branch=release.branch,
        author=release.author,
        subject=release.subject,
        committed_at="",
    )


@contextmanager
def view(*, as_json: bool, verbose: bool = False, drawn: bool = True) -> Iterator[Reader]:
    """Return the reader that fits who is looking: a machine, a terminal, or a log."""
    engine = is_engine(os.environ)
    silent = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    if as_json:
        yield JsonLines(click.echo)
    elif drawn and not (verbose or engine or silent) and sys.stderr.isatty():
        from shipway.views.live import LiveView  # noqa: PLC0415 - only when drawing

        with LiveView() as live:
            yield live
    else:
        write, markers = partial(click.echo, err=True), markers_of(os.environ)
        with PlainView(write, time.time, markers=markers, verbose=verbose) as plain:
            yield plain


def act(
    place: Place,
    command: str,
    commit: str,
    *,
    as_json: bool,
    work: Callable[[World], Result],
    wishes: Wishes | None = None,
    alone: bool = False,
    verbose: bool = False,
    sweeping: bool = True,
) -> Result:
    """Do something that the ledger remembers, and let it be seen.

    While it runs it holds a lease on its own name; whatever carries the name of a run that holds
    none was left by one that was killed, and is removed first. `alone` when it needs neither AWS
    nor the embedded default; `verbose` when people want to see what every check prints; `sweeping`
    may be left out where nothing will ask the engine anyway, unless a run has died of late.
    """
    if not alone:
        wiring.refuse_nowhere(place)
    wishes = replace(wishes or Wishes(), command=command)
    drawn = not wishes.as_ci
    with view(as_json=as_json, verbose=verbose, drawn=drawn) as reader:
        world = wiring.world(place, os.environ, (reader,), wishes)
        with wiring.leases(place).hold(f"run/{world.run}", owner=world.actor):
            if sweeping or wiring.died_lately(place):
                wiring.sweep(place, os.environ)
            return conduct(world, command, commit, lambda: work(world))


def tell(result: Mapping[str, object], words: str, *, as_json: bool) -> None:
    """Print a result: as one JSON object, or in words."""
    click.echo(json.dumps({"version": 1, **result}) if as_json else words)
