"""What surrounds a command: its folders, the name of its run, and the text it was given."""

from __future__ import annotations

import math
import os
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from shipway.errors import ConfigurationIsInvalid, WrongUsage
from shipway.model.lazy import dataclass

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
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.urandom(2).hex()}"


def cpus() -> int:
    """Return how many processors this process may use, a container's quota included; at least 1.

    Source: cgroup v2, `cpu.max`: quota and period in microseconds, or "max".
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        allowed = math.ceil(int(quota) / int(period))
    except (OSError, ValueError):
        allowed = count or 1
    return max(1, min(count or 1, allowed))


def chance() -> float:
    """Return a number from 0 up to 1, each as likely; `random` would cost each command its load."""
    return int.from_bytes(os.urandom(4), "big") / 2**32


def platform() -> str:
    """Return what a result of a check is bound to: operating system and processor."""
    return f"{sys.platform}-{os.uname().machine}"


@dataclass(frozen=True, slots=True)
class Ci:
    """What CI says of the build that we are part of; `branch` is empty where it says nothing."""

    there: bool
    branch: str
    pull_request: bool


def ci(environ: Mapping[str, str]) -> Ci:
    """Return what CI says of this build.

    Source: Jenkins' multibranch projects set BRANCH_NAME, and CHANGE_ID for pull requests only;
    GitHub Actions sets GITHUB_REF_NAME, and GITHUB_HEAD_REF for pull requests only.
    """
    there = any(environ.get(name) for name in ("CI", "JENKINS_URL", "BUILD_ID"))
    branch = environ.get("BRANCH_NAME") or environ.get("GITHUB_REF_NAME") or ""
    return Ci(there, branch, bool(environ.get("CHANGE_ID") or environ.get("GITHUB_HEAD_REF")))


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
