"""Where a command runs, and what is remembered of it. A part of `shipway.wiring`."""

# ruff: noqa: PLC0415 - imports inside functions, see `shipway.wiring`
from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.adapters import surroundings
from shipway.adapters.surroundings import read_text, run_name
from shipway.errors import ConfigurationIsInvalid, FileIsMissing
from shipway.events.types import Entry, HistoryEvent
from shipway.model.lazy import dataclass
from shipway.model.service import Service

if TYPE_CHECKING:  # named for the type checker; made where they are needed
    from shipway.adapters.git import GitCheckout
    from shipway.adapters.lease_file import FileLeases
    from shipway.adapters.ledger_sqlite import SqliteLedger
    from shipway.ledger import History
    from shipway.model.api_shape import Shape
    from shipway.model.release import Commit
    from shipway.ports import Survey

_NEWEST = 5  # runs that are looked at

CONFIGURATION = "shipway.yaml"

folders = surroundings.folders
"""Environment variables to the folders for state and cache; `shipway.local` needs it too."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command runs: the checkout, what it declares, and where state is kept."""

    root: Path
    service: Service
    state: Path


def place(start: Path, environ: Mapping[str, str]) -> Place:
    """Find and load the `shipway.yaml` of a folder or of the closest folder above it.

    Raises:
        FileIsMissing: there is none.
        ConfigurationIsInvalid: with every problem.
    """
    from shipway.adapters.config_cache import ConfigCache

    state, cache = folders(environ)
    for folder in (start, *start.parents):
        path = folder / CONFIGURATION
        if path.is_file():
            text = read_text(path)
            return Place(folder, ConfigCache(cache / "config").load(text, parse), state)
    raise FileIsMissing(
        f"there is no {CONFIGURATION} in {start} or above",
        hint="go to a service's repository, or see docs/tutorial to write the first one",
    )


def place_to_return(
    start: Path, environ: Mapping[str, str], environment: str
) -> tuple[Place, tuple[str, ...]]:
    """Find the place of a rollback: what is wrong in `shipway.yaml` elsewhere does not matter.

    Returns the place, and the problems that were overlooked; then only this environment is known.

    Raises:
        FileIsMissing: there is none.
        ConfigurationIsInvalid: what the rollback itself needs is broken.
    """
    try:
        return place(start, environ), ()
    except ConfigurationIsInvalid as problem:
        from shipway.config.salvage import salvage

        folder = next(f for f in (start, *start.parents) if (f / CONFIGURATION).is_file())
        service = salvage(read_text(folder / CONFIGURATION), environment, task_shape=_task_shape)
        if service is None:
            raise
        return Place(folder, service, folders(environ)[0]), problem.problems


def parse(text: str) -> Service:
    """Parse a configuration; pydantic is imported only where no cache spares it."""
    from shipway.config.load import load

    return load(text, task_shape=_task_shape)


def _task_shape() -> Shape:
    """Return the shape of a task definition; botocore is loaded only where `task:` is written."""
    from shipway.adapters.aws.shapes import task_definition_shape

    return task_definition_shape()


def ledger(state: Path) -> SqliteLedger:
    """Return the ledger of a state folder; it need not exist yet."""
    from shipway.adapters.ledger_sqlite import SqliteLedger

    return SqliteLedger(str(state / "ledger.sqlite"))


def history(where: Place) -> History:
    """Read a service's history, without touching anything else."""
    from shipway.ledger import fold

    return fold(ledger(where.state).entries(where.service.name))


def checkout(where: Place) -> GitCheckout:
    """Return the git checkout."""
    from shipway.adapters.git import GitCheckout
    from shipway.adapters.shell import LocalShell

    return GitCheckout(str(where.root), LocalShell())


def actor(where: Place, environ: Mapping[str, str]) -> str:
    """Return who runs this: `SHIPWAY_ACTOR`, git's `user.name`, or the account's name."""
    named = environ.get("SHIPWAY_ACTOR") or checkout(where).identity()
    return named or environ.get("USER") or environ.get("LOGNAME") or f"uid {os.getuid()}"


def is_touched(where: Place, since: Commit) -> bool | None:
    """Tell whether anything changed after a commit may concern a service in a folder of its own.

    None for a service at the root of its repository: there, checks are chosen one by one.
    """
    from shipway.adapters.shell import LocalShell
    from shipway.adapters.tree import GitTree
    from shipway.checks.affected import is_affected
    from shipway.checks.workspace import manifests, packages

    top = Path(GitTree(str(where.root), LocalShell()).top())
    root = where.root.resolve()
    if top.resolve() == root:
        return None
    tree = GitTree(str(top), LocalShell())
    paths = tuple(sorted(tree.listing().files))
    texts = {path: read_text(top / path) for path in manifests(paths)}
    folder = root.relative_to(top.resolve()).as_posix()
    return is_affected(folder, packages(paths, texts), tree.changes(since))


def leases(where: Place) -> FileLeases:
    """Return the leases of this machine."""
    from shipway.adapters.lease_file import FileLeases

    return FileLeases(str(where.state / "leases"))


def runs_folder(where: Place) -> Path:
    """Return where runs keep their logs and records."""
    return where.state / "runs"


def run_records(where: Place) -> Iterator[tuple[str, str]]:
    """Return the runs of this machine that left a record, newest first, each with its text."""
    folder = runs_folder(where)
    found = [path for path in folder.glob("*/run.json") if path.is_file()]
    # a run may have any name, so its record's time tells its age
    for path in sorted(found, key=lambda p: p.stat().st_mtime_ns, reverse=True):
        yield path.parent.name, path.read_text(encoding="utf-8", errors="replace")


def died_lately(where: Place) -> bool:
    """Tell whether one of the newest runs was killed: it has no end, and nobody holds its lease."""
    from shipway.checks.record import decode

    records = [decode(text) for _, text in islice(run_records(where), _NEWEST)]
    open_ended = {record.run for record in records if record and record.seconds is None}
    return bool(open_ended and open_ended - leases(where).held("run"))


def remember(where: Place, environ: Mapping[str, str], event: HistoryEvent) -> None:
    """Write one event into the ledger, outside any delivery: an approval, say."""
    entry = Entry(time.time(), where.service.name, run_name(environ), event)
    ledger(where.state).append(entry)


def survey(folder: Path) -> Survey:
    """Return what `shipway init` looks at a folder with; there need be no `shipway.yaml`."""
    from shipway.adapters.shell import LocalShell
    from shipway.adapters.survey import FolderSurvey

    return FolderSurvey(str(folder), LocalShell())
