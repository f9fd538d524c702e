"""What this machine must have before the embedded default can start, checked all at once."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from typing import Final, NoReturn

from shipway.errors import EngineIsDown, ToolIsMissing
from shipway.local.ecs.haproxy_program import DEFAULT_IMAGE
from shipway.local.processes import run

_DOCKER_TIMEOUT_S: Final = 20.0
_PULL_TIMEOUT_S: Final = 120.0
# program: (Debian's package, Homebrew's formula)
_NEEDED: Final = {
    "docker": ("docker.io", "--cask docker"),
    "git": ("git", "git"),
    "haproxy": ("haproxy", "haproxy"),
}


def haproxy_image(environ: Mapping[str, str]) -> str:
    """Return the image that HAProxy runs from where it is not installed."""
    return environ.get("SHIPWAY_HAPROXY_IMAGE") or DEFAULT_IMAGE


def check(environ: Mapping[str, str]) -> None:
    """Return when the programs are there and the Docker Engine answers.

    Without HAProxy on the PATH, its image does; it is pulled where that is possible.

    Raises:
        ToolIsMissing: names every missing program and the one command that installs them.
        EngineIsDown: docker is installed, but its engine gave no answer in 20 s.
    """
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if set(missing) - {"haproxy"}:
        _refuse(missing)
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

    if missing and not _image_is_there(haproxy_image(environ)):
        _refuse(missing)


def _refuse(missing: list[str]) -> NoReturn:
    noun = "program is" if len(missing) == 1 else "programs are"
    raise ToolIsMissing(
        f"{len(missing)} {noun} not installed: {', '.join(missing)}", hint=_installation(missing)
    )


def _image_is_there(image: str) -> bool:
    """Tell whether an image is in the engine, pulling it if need be."""
    for words in (("image", "inspect", image), ("pull", "--quiet", image)):
        try:
            if run(["docker", *words], timeout_s=_PULL_TIMEOUT_S).status == 0:
                return True
        except TimeoutError:
            return False
    return False


def _installation(missing: list[str]) -> str:
    if sys.platform == "darwin":
        return "; ".join(f"brew install {_NEEDED[name][1]}" for name in missing)
    return "apt-get install " + " ".join(_NEEDED[name][0] for name in missing)


def _start() -> str:
    if sys.platform == "darwin":
        return "start Docker Desktop, then run `shipway local up` again"
    return "start it (systemctl start docker, or dockerd), then run `shipway local up` again"
