"""The bare git repositories that stand for the team's GitHub: a push to one is a delivery."""

from __future__ import annotations

import os
import re
import shlex
import sys
from typing import TYPE_CHECKING, Final

from shipway.errors import WrongUsage
from shipway.local.processes import run

if TYPE_CHECKING:
    from pathlib import Path

    from shipway.local.home import Home

_SERVICE: Final = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_TIMEOUT_S: Final = 30.0
# -P keeps the repository's own folder off Python's search path.
_HOOK: Final = """\
#!/bin/sh
# Written by `shipway local up`. Every push starts a delivery; the push itself is never refused.
exec {python} -P -m shipway local receive
"""
_SETTINGS: Final = {
    "receive.advertisePushOptions": "true",  # for `git push -o detach`
    # A delivery fetches its own commit, which is no tip any more when a newer push came in.
    "uploadpack.allowAnySHA1InWant": "true",
}


def clean_environment() -> dict[str, str]:
    """Return our environment without git's variables, which would point at other repositories."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def is_service_name(name: str) -> bool:
    """Tell whether a service may have that name; such a name is safe in paths."""
    return _SERVICE.fullmatch(name) is not None


def repository(place: Home, service: str) -> Path:
    """Return where the service's repository is, or would be."""
    return place.git / f"{service}.git"


def ensure_repository(place: Home, service: str) -> Path:
    """Make the service's bare repository if it is missing; renew its hook and settings.

    Raises:
        WrongUsage: the name is not a service's, or git refused.
    """
    if not is_service_name(service):
        raise WrongUsage(
            f"{service!r} cannot name a service",
            hint="use a lower-case letter, then up to 31 letters, digits and hyphens",
        )
    path = repository(place, service)
    if not (path / "HEAD").exists():
        # No template: the user's own hooks are not meant for this repository.
        _git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(path))
    hook = path / "hooks" / "post-receive"
    # Said here, because a user's own core.hooksPath would hide this hook.
    for key, value in {**_SETTINGS, "core.hooksPath": str(hook.parent)}.items():
        _git(f"--git-dir={path}", "config", key, value)
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(_HOOK.format(python=shlex.quote(sys.executable)), encoding="utf-8")
    hook.chmod(0o700)
    return path


def services(place: Home) -> tuple[str, ...]:
    """Return the services that have a repository, sorted."""
    return tuple(sorted(path.stem for path in place.git.glob("*.git")))


def has_remote(folder: Path, path: Path) -> bool:
    """Tell whether the checkout in `folder` already pushes to that repository."""
    try:
        command = ["git", "-C", str(folder), "remote", "-v"]
        answer = run(command, timeout_s=_TIMEOUT_S, env=clean_environment())
    except FileNotFoundError:
        return False
    return answer.status == 0 and str(path) in answer.output.split()


def _git(*arguments: str) -> None:
    done = run(["git", *arguments], timeout_s=_TIMEOUT_S, env=clean_environment())
    if done.status != 0:
        raise WrongUsage(f"git refused `git {shlex.join(arguments)}`: {done.output.strip()}")
