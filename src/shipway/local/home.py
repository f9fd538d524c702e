"""Where the embedded default keeps things on this machine.

It knows names and places only; it reads and writes nothing but its own marker.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shipway.errors import WrongUsage
from shipway.wiring import folders as folders_of

if TYPE_CHECKING:
    from collections.abc import Mapping

MARKER: Final = ".shipway-state"
_MARKER_TEXT: Final = "Shipway keeps its local state here; `shipway local reset` deletes it.\n"

# What `reset` may delete. A closed list, so that a state folder pointed at the wrong place
# (say, a home directory) never costs anybody else's file.
_OURS: Final = (
    "delivery",
    "ecs",
    "git",
    "identity",
    "keys",
    "ledger",
    "ministack",
    "runs",
    "work",
    "logs",
    "local.json",
    "processes.json",
    "token",
    "reaper.lock",
    "supervisor.lock",
    "tmp",
    "verbs.lock",
)
_OURS_BY_PATTERN: Final = ("ledger.*", "lease*", "cache*")


@dataclass(frozen=True, slots=True)
class Home:
    """The two folders of one user's embedded default, both absolute.

    Everything below `state` belongs to one instance; `cache` may be shared by several.
    """

    state: Path
    cache: Path

    @property
    def record(self) -> Path:
        """The file that tells every other program where the embedded default answers."""
        return self.state / "local.json"

    @property
    def processes(self) -> Path:
        """The register of processes that must not outlive the supervisor."""
        return self.state / "processes.json"

    @property
    def token(self) -> Path:
        """The secret that whoever talks to the control endpoint must know."""
        return self.state / "token"

    @property
    def git(self) -> Path:
        """The bare repositories, one per service."""
        return self.state / "git"

    @property
    def runs(self) -> Path:
        """One folder per delivery that a push started."""
        return self.state / "runs"

    @property
    def work(self) -> Path:
        """The checkouts in which deliveries run: `<service>/<run>`."""
        return self.state / "work"

    @property
    def scratch(self) -> Path:
        """The supervisor's temporary files; a sweep deletes them."""
        return self.state / "tmp"

    def log(self, name: str) -> Path:
        """Return the log file of the part of that name."""
        return self.state / "logs" / f"{name}.log"

    def lock(self, name: str) -> Path:
        """Return the lock file of that name."""
        return self.state / f"{name}.lock"


def home(environ: Mapping[str, str]) -> Home:
    """Return the folders that these environment variables ask for; creates none."""
    return Home(*folders_of(environ))


def prepare(place: Home) -> None:
    """Create the folders, readable by this user alone, and mark the state as Shipway's."""
    for folder in (place.state, place.cache):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (place.git, place.runs, place.work, place.state / "logs"):
        folder.mkdir(mode=0o700, exist_ok=True)
    (place.state / MARKER).write_text(_MARKER_TEXT, encoding="utf-8")


def belongings(place: Home) -> tuple[Path, ...]:
    """Return what Shipway made in the state folder, in a stable order; empty if there is none.

    Raises:
        WrongUsage: the folder exists but lacks Shipway's marker.
    """
    if not place.state.exists():
        return ()
    if not (place.state / MARKER).is_file():
        raise WrongUsage(
            f"{place.state} was not made by Shipway: it has no {MARKER}",
            hint="check SHIPWAY_STATE, or delete the folder yourself",
        )
    named = {place.state / name for name in _OURS}
    matched = {path for pattern in _OURS_BY_PATTERN for path in place.state.glob(pattern)}
    return tuple(sorted(path for path in named | matched if path.exists() or path.is_symlink()))


def delete(place: Home) -> tuple[Path, ...]:
    """Delete what Shipway made, and the folder itself when nothing else is in it.

    Returns:
        What was left alone because it is not Shipway's; usually empty.
    """
    for path in belongings(place):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if not place.state.exists():
        return ()
    others = tuple(sorted(path for path in place.state.iterdir() if path.name != MARKER))
    if not others:
        (place.state / MARKER).unlink()
        place.state.rmdir()
    return others
