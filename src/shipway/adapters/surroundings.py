"""What surrounds a command: its folders, the name of its run, and the text it was given."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from shipway.errors import ConfigurationIsInvalid, WrongUsage

_RUN = re.compile(r"^[a-z0-9][a-z0-9-]{0,63}$")


def folders(environ: Mapping[str, str]) -> tuple[Path, Path]:
    """Return the folders for state and cache that these environment variables ask for.

    Source: the XDG Base Directory Specification, under `SHIPWAY_STATE` and `SHIPWAY_CACHE`.
    """
    base = Path(environ.get("HOME") or "~").expanduser()
    state = environ.get("SHIPWAY_STATE") or (
        Path(environ.get("XDG_STATE_HOME") or base / ".local" / "state") / "shipway"
    )
    cache = environ.get("SHIPWAY_CACHE") or (
        Path(environ.get("XDG_CACHE_HOME") or base / ".cache") / "shipway"
    )
    return Path(state).absolute(), Path(cache).absolute()


def run_name(environ: Mapping[str, str]) -> str:
    """Return the id of this run: `SHIPWAY_RUN` where somebody gave it one, or a new one.

    Only lower-case letters, digits and hyphens: it becomes part of project and file names.
    """
    given = environ.get("SHIPWAY_RUN", "")
    if given and not _RUN.match(given):
        raise WrongUsage(
            f"SHIPWAY_RUN is {given!r}",
            hint="lower-case letters, digits and hyphens only, at most 64",
        )
    if given:
        return given
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"


def read_text(path: Path) -> str:
    """Return the text of a configuration.

    Raises:
        ConfigurationIsInvalid: it is not UTF-8; with the line where that shows.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        line = problem.object[: problem.start].count(b"\n") + 1
        found = f"{path.name}:{line}:1 (document) is not UTF-8: {problem.reason}"
        raise ConfigurationIsInvalid((found,)) from problem
