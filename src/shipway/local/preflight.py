"""What this machine must have before the embedded default can start, checked all at once."""

from __future__ import annotations

import shutil
import sys
from typing import Final

from shipway.errors import EngineIsDown, ToolIsMissing
from shipway.local.processes import run

_DOCKER_TIMEOUT_S: Final = 20.0
# program: (Debian's package, Homebrew's formula)
_NEEDED: Final = {
    "docker": ("docker.io", "--cask docker"),
    "git": ("git", "git"),
    "haproxy": ("haproxy", "haproxy"),
}


def check() -> None:
    """Return when the programs are there and the Docker Engine answers.

    Raises:
        ToolIsMissing: names every missing program and the one command that installs them.
        EngineIsDown: docker is installed, but its engine gave no answer in 20 s.
    """
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing:
        noun = "program is" if len(missing) == 1 else "programs are"
        raise ToolIsMissing(
            f"{len(missing)} {noun} not installed: {', '.join(missing)}",
            hint=_installation(missing),
        )
    try:
        answer = run(
            ["docker", "version", "--format", "{{.Server.Version}}"], timeout_s=_DOCKER_TIMEOUT_S
        )
    except TimeoutError as silent:
        raise EngineIsDown(f"the Docker Engine is silent: {silent}", hint=_start()) from silent
    if answer.status != 0:
        raise EngineIsDown(
            f"the Docker Engine does not answer: {answer.output.strip()}", hint=_start()
        )


def _installation(missing: list[str]) -> str:
    if sys.platform == "darwin":
        return "; ".join(f"brew install {_NEEDED[name][1]}" for name in missing)
    return "apt-get install " + " ".join(_NEEDED[name][0] for name in missing)


def _start() -> str:
    if sys.platform == "darwin":
        return "start Docker Desktop, then run `shipway local up` again"
    return "start it (systemctl start docker, or dockerd), then run `shipway local up` again"
