"""The record of deliveries that pushes started: one folder each, readable while they run.

    runs/<run>/push.json    what was pushed
    runs/<run>/output.log   everything the delivery said, growing
    runs/<run>/exit         its exit status; exists when, and only when, nothing follows

The folder is the one that the delivery itself uses for the run of this name. Runs without a
`push.json` were started by hand, and are nobody's business here.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from shipway.local.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from shipway.local.home import Home
_PUSH: Final = "push.json"


@dataclass(frozen=True, slots=True)
class Pushed:
    """One line of a push: which service's ref moved from which commit to which."""

    service: str
    old: str
    new: str
    ref: str
    options: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The line as git gives it to hooks."""
        return f"{self.old} {self.new} {self.ref}"

    @property
    def short_ref(self) -> str:
        """The branch or tag as people say it."""
        return self.ref.removeprefix("refs/heads/").removeprefix("refs/")


def create(place: Home, pushed: Pushed) -> str:
    """Make the folder of a new run and return the run's name."""
    # Lower-case letters, digits and hyphens only: it becomes part of project names.
    stem = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{pushed.new[:7]}"
    name, count = stem, 1
    while not _mkdir(place.runs / name):  # the same commit twice in one second: two refs
        count += 1
        name = f"{stem}-{count}"
    (place.runs / name / "output.log").touch(mode=0o600)
    write_whole(place.runs / name / _PUSH, json.dumps(asdict(pushed), indent=2) + "\n")
    return name


def _mkdir(path: Path) -> bool:
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return False
    return True


def names(place: Home) -> tuple[str, ...]:
    """Return all runs that pushes started, oldest first; empty if there were none."""
    found = [(path.stat().st_mtime_ns, path.parent.name) for path in place.runs.glob(f"*/{_PUSH}")]
    return tuple(name for _, name in sorted(found))


def unfinished(place: Home) -> tuple[str, ...]:
    """Return the runs whose end is not recorded, oldest first."""
    return tuple(name for name in names(place) if exit_status(place, name) is None)


def log(place: Home, name: str) -> Path:
    """Return the file that holds what the run said."""
    return place.runs / name / "output.log"


def say(place: Home, name: str, text: str) -> None:
    """Append a line of ours to what the run said."""
    with log(place, name).open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


def finish(place: Home, name: str, status: int, why: str = "") -> None:
    """Record the end of a run; the first one to do so wins."""
    if exit_status(place, name) is not None:
        return
    if why:
        say(place, name, why)
    write_whole(place.runs / name / "exit", f"{status}\n")


def exit_status(place: Home, name: str) -> int | None:
    """Return the run's exit status, or `None` while it is not over."""
    try:
        return int((place.runs / name / "exit").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
