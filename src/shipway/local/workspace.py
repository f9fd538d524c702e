"""The checkout in which one delivery runs: exactly the pushed commit, and nothing around it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from shipway.errors import OutsideDidNotAnswer
from shipway.local.processes import run
from shipway.local.repository import clean_environment, repository

if TYPE_CHECKING:
    from pathlib import Path

    from shipway.local.home import Home
    from shipway.local.runs import Pushed

KEPT: Final = 10
NO_COMMIT: Final = "0" * 40  # how git writes "there was none" and "there is none any more"
_TIMEOUT_S: Final = 300.0


def check_out(place: Home, pushed: Pushed, run_name: str) -> Path:
    """Fetch the pushed commit, and the one before the push, and check it out.

    The commit is on a local branch named like the pushed one (detached for a tag), and `origin`
    is the repository that was pushed to, so that it is provably a pushed commit.

    Raises:
        OutsideDidNotAnswer: git could not; the message holds its words.
    """
    folder = place.work / pushed.service / run_name
    folder.mkdir(parents=True)
    branch = pushed.ref.removeprefix("refs/heads/")
    wanted = [pushed.new] if pushed.old == NO_COMMIT else [pushed.new, pushed.old]
    _git(folder, "init", "--quiet", "--template=")
    _git(folder, "remote", "add", "origin", repository(place, pushed.service).as_uri())
    _git(folder, "fetch", "--quiet", "--depth=1", "--no-tags", "origin", *wanted)
    if branch == pushed.ref:
        _git(folder, "checkout", "--quiet", "--detach", pushed.new)
    else:
        _git(folder, "update-ref", f"refs/remotes/origin/{branch}", pushed.new)
        _git(folder, "checkout", "--quiet", "-B", branch, "--track", f"origin/{branch}")
    return folder


def prune(place: Home, service: str) -> None:
    """Delete all but the newest workspaces of the service."""
    folder = place.work / service
    if folder.is_dir():
        for old in sorted(folder.iterdir())[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)  # a check may have left another user's files


def _git(folder: Path, *arguments: str) -> None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = run(command, timeout_s=_TIMEOUT_S, env=clean_environment())
    except TimeoutError as slow:
        raise OutsideDidNotAnswer(f"checking the pushed commit out: {slow}") from slow
    if done.status != 0:
        raise OutsideDidNotAnswer(
            f"the pushed commit could not be checked out: git {arguments[0]}: {done.output.strip()}"
        )
