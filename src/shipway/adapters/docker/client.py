"""The docker program itself: which builder it has, and whether the engine behind it answers."""

from __future__ import annotations

from enum import Enum

from shipway.adapters.shell import LocalShell
from shipway.errors import EngineIsDown

_BUILT_IN_BEFORE = 23
"""Clients before this version hold BuildKit themselves; later ones need the buildx plug-in."""

_CANNOT_KEEP = "docker"
"""The driver of buildx that writes its cache into the image only, never beside it."""


class Builder(Enum):
    """What builds images here.

    `BUILT_IN` is the BuildKit inside the client and engine of Docker 18.09 to 20.10; `BUILDX` the
    plug-in, with the engine's own BuildKit; `BUILDX_APART` the same with a builder of its own, the
    only one that can keep its whole cache in a registry.
    """

    LEGACY = "legacy"
    BUILT_IN = "built-in"
    BUILDX = "buildx"
    BUILDX_APART = "buildx-apart"

    @property
    def is_buildkit(self) -> bool:
        """Whether it knows secrets, cache mounts and plain progress."""
        return self is not Builder.LEGACY

    @property
    def is_plug_in(self) -> bool:
        """Whether it is the buildx plug-in."""
        return self in {Builder.BUILDX, Builder.BUILDX_APART}


class DockerClient:
    """The docker program, by name or path, run from the checkout's root."""

    def __init__(self, root: str, shell: LocalShell, program: str) -> None:
        self.root, self.shell, self.program = root, shell, program

    def ask(self, *words: str, timeout_s: float = 30.0) -> tuple[int, list[str]]:
        """Run a short docker command and return its exit status and all its lines."""
        return self.shell.capture((self.program, *words), cwd=self.root, timeout_s=timeout_s)

    def version(self) -> str:
        """Return the client's version, having heard the engine answer.

        Raises:
            EngineIsDown: it did not.
        """
        status, lines = self.ask("version", "--format", "{{.Client.Version}} {{.Server.Version}}")
        if status != 0 or not lines:
            raise EngineIsDown(
                f"the Docker Engine does not answer: {lines[-1] if lines else 'no output'}",
                hint="start it (`dockerd`, Docker Desktop, colima), then run this again",
            )
        return lines[-1].split(" ")[0]

    def builder(self) -> Builder:
        """Return what builds images here; EngineIsDown as for `version`."""
        if int(self.version().split(".")[0] or 0) < _BUILT_IN_BEFORE:
            return Builder.BUILT_IN
        status, _ = self.ask("buildx", "version")
        if status != 0:
            return Builder.LEGACY
        _, lines = self.ask("buildx", "inspect")
        drivers = [line.split(":", 1)[1].strip() for line in lines if line.startswith("Driver:")]
        return Builder.BUILDX_APART if drivers not in ([], [_CANNOT_KEEP]) else Builder.BUILDX
