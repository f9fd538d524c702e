"""The Docker Engine through its command line: building and pushing, with BuildKit or without."""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path

from shipway.adapters.shell import LocalShell
from shipway.errors import EngineIsDown, FileIsMissing, ImageBuildFailed, RegistryDidNotAnswer
from shipway.model.release import Commit, Digest
from shipway.model.service import ImageRules
from shipway.ports import OnLine

BUILD_WITHIN_S = 1800.0
PUSH_WITHIN_S = 900.0
_BUILT_IN_BEFORE = 23
"""Clients before this version hold BuildKit themselves; later ones need the buildx plug-in."""

_DIGEST = re.compile(r"digest: (sha256:[0-9a-f]{64})")


class DockerEngine:
    """`ports.ImageBuilder` through the `docker` program.

    Args:
        root: the checkout, to which paths of the configuration are relative.
        shell: runs the program.
        program: name or path of the docker client.
    """

    def __init__(self, root: str, shell: LocalShell, program: str = "docker") -> None:
        self._root, self._shell, self._docker = root, shell, program

    def build(
        self,
        image: ImageRules,
        *,
        commit: Commit,
        reference: str,
        labels: tuple[tuple[str, str], ...],
        on_line: OnLine,
    ) -> None:
        """Build an image and name it; see `ports.ImageBuilder`."""
        if not (Path(self._root) / image.dockerfile).is_file():
            raise FileIsMissing(
                f"there is no {image.dockerfile}",
                where="image.dockerfile",
                hint="write one, or say in shipway.yaml where it is",
            )
        command = [self._docker, "build", "-f", image.dockerfile, "-t", reference]
        for key, value in labels:
            command += ["--label", f"{key}={value}"]
        for name in image.build_args:
            command += ["--build-arg", name]  # docker takes the value from our environment
        command += ["--build-arg", f"COMMIT={commit}"]
        buildkit = self._has_buildkit()
        if not buildkit:
            command.append("--force-rm")  # or a build that fails leaves its container behind
        command.append(image.context)
        last: deque[str] = deque(maxlen=20)
        done = self._shell.run(
            tuple(command),
            cwd=self._root,
            env={"DOCKER_BUILDKIT": "1" if buildkit else "0"},
            on_line=_both(last.append, on_line),
            timeout_s=BUILD_WITHIN_S,
        )
        if done.status != 0 or done.timed_out:
            self._client_version()
            said = "\n".join(f"  {line}" for line in last if line.strip())
            raise ImageBuildFailed(f"docker build failed:\n{said}", where=image.dockerfile)

    def push(self, reference: str, *, on_line: OnLine) -> Digest:
        """Push a reference and return the digest that the registry gave it."""
        lines: list[str] = []
        done = self._shell.run(
            (self._docker, "push", reference),
            cwd=self._root,
            env={},
            on_line=_both(lines.append, on_line),
            timeout_s=PUSH_WITHIN_S,
        )
        found = next((m for m in map(_DIGEST.search, reversed(lines)) if m), None)
        if done.status != 0 or found is None:
            self._client_version()
            raise RegistryDidNotAnswer(
                f"pushing {reference} failed: {lines[-1] if lines else 'no output'}",
                hint="is the registry up? on one machine: `shipway local status`",
            )
        return Digest(found[1])

    def log_in(self, registry: str, user: str, password: str) -> None:
        """Let the engine push to a registry; the password travels by stdin only."""
        lines: list[str] = []
        done = self._shell.run(
            (self._docker, "login", "--username", user, "--password-stdin", registry),
            cwd=self._root,
            env={},
            on_line=lines.append,
            timeout_s=60.0,
            stdin=password,
        )
        if done.status != 0:
            raise RegistryDidNotAnswer(f"{registry} refused the log-in: {' '.join(lines[-2:])}")

    def _has_buildkit(self) -> bool:
        if int(self._client_version().split(".")[0] or 0) < _BUILT_IN_BEFORE:
            return True
        status, _ = self._shell.capture((self._docker, "buildx", "version"), cwd=self._root)
        return status == 0

    def _client_version(self) -> str:
        """Return the client's version, having heard the engine answer.

        Raises:
            EngineIsDown: it did not.
        """
        status, lines = self._shell.capture(
            (self._docker, "version", "--format", "{{.Client.Version}} {{.Server.Version}}"),
            cwd=self._root,
        )
        if status != 0 or not lines:
            raise EngineIsDown(
                f"the Docker Engine does not answer: {lines[-1] if lines else 'no output'}",
                hint="start it (`dockerd`, Docker Desktop, colima), then run this again",
            )
        return lines[-1].split(" ")[0]


def _both(first: OnLine, second: OnLine) -> OnLine:
    def tell(line: str) -> None:
        first(line)
        second(line)

    return tell
