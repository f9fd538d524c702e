"""Builds and pushes images through the docker program, with BuildKit or without."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from shipway.adapters.docker.client import Builder, DockerClient
from shipway.adapters.docker.command import build_command, hint_for
from shipway.adapters.docker.context import exported
from shipway.adapters.docker.inside import contents_of, id_of, labels_of
from shipway.adapters.shell import LocalShell
from shipway.errors import (
    FileIsMissing,
    ImageBuildFailed,
    OutsideDidNotAnswer,
    RegistryDidNotAnswer,
    SecretIsMissing,
)
from shipway.model.contents import Contents
from shipway.model.release import Commit, Digest
from shipway.model.service import ImageRules
from shipway.ports import NOTHING, Cancel, OnLine

BUILD_WITHIN_S = 1800.0
PUSH_WITHIN_S = 900.0

_DIGEST = re.compile(r"digest: (sha256:[0-9a-f]{64})")
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - made for this: its files never reach a disk


class DockerEngine:
    """`ports.ImageBuilder` through the `docker` program.

    Args:
        root: the checkout, to which paths of the configuration are relative.
        shell: runs the program.
        program: name or path of the docker client.
    """

    def __init__(self, root: str, shell: LocalShell, program: str = "docker") -> None:
        self._root, self._shell, self._docker = root, shell, program
        self._client = DockerClient(root, shell, program)
        self._contents: dict[str, Contents] = {}  # by the image's id: no image ever changes

    def build(
        self,
        image: ImageRules,
        *,
        commit: Commit,
        reference: str,
        labels: tuple[tuple[str, str], ...],
        on_line: OnLine,
        secrets: Mapping[str, str] = NOTHING,
        cache: tuple[str, ...] = (),
        cancel: Cancel | None = None,
    ) -> bool:
        """Build an image and name it; see `ports.ImageBuilder`."""
        builder = self._client.builder()
        _refuse_secrets(image, secrets, builder)
        last: deque[str] = deque(maxlen=20)
        with self._context(image, commit) as folder, _files(secrets) as files:
            words = build_command(
                builder,
                image,
                commit=commit,
                reference=reference,
                labels=labels,
                secret_files=files,
                cache=cache,
            )
            done = self._shell.run(
                (self._docker, *words),
                cwd=folder,
                env={"DOCKER_BUILDKIT": "1" if builder.is_buildkit else "0"},
                on_line=_both(last.append, on_line),
                timeout_s=BUILD_WITHIN_S,
                cancel=cancel,
            )
        if done.cancelled:
            return False
        if done.status != 0 or done.timed_out:
            self._client.version()
            raise _failure(tuple(last), image, commit)
        self._look_ahead(image, reference)
        return True

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
            self._client.version()
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

    def digests(self, reference: str) -> tuple[Digest, ...]:
        """Return under which digests registries hold an image of ours; see `ports.ImageBuilder`."""
        shown = "{{range .RepoDigests}}{{println .}}{{end}}"
        status, lines = self._client.ask("image", "inspect", "--format", shown, reference)
        place = reference.rpartition(":")[0]
        if status != 0:
            self._client.version()
            return ()
        held = (line.partition("@") for line in lines)
        return tuple(Digest(digest) for name, _, digest in held if digest and name == place)

    def labels(self, reference: str) -> tuple[tuple[str, str], ...]:
        """Return the labels of an image, sorted; see `ports.ImageBuilder`."""
        return labels_of(reference, self._client)

    def contents(self, reference: str) -> Contents:
        """Return what is in an image; see `ports.ImageBuilder`."""
        key = id_of(reference, self._client)
        if key is None or key not in self._contents:
            found = contents_of(reference, self._client)
            key = id_of(reference, self._client) or reference
            self._contents[key] = found
        return self._contents[key]

    def _look_ahead(self, image: ImageRules, reference: str) -> None:
        """Read what will be asked for, now that there are checks to wait for anyway."""
        if image.sbom:
            with suppress(OutsideDidNotAnswer):  # whoever asks will hear of it
                self.contents(reference)

    @contextmanager
    def _context(self, image: ImageRules, commit: Commit) -> Iterator[str]:
        """Give the folder that stands for the root while the image is built."""
        wanted = (image.context, image.dockerfile, f"{image.dockerfile}.dockerignore")
        source = (
            nullcontext(self._root)
            if image.needs
            else exported(self._root, commit, wanted, self._shell)
        )
        with source as folder:
            _refuse_missing(folder, image, "" if image.needs else f" in commit {commit[:8]}")
            yield folder


def _failure(last: tuple[str, ...], image: ImageRules, commit: Commit) -> ImageBuildFailed:
    said = "\n".join(f"  {line}" for line in last if line.strip())
    return ImageBuildFailed(
        f"docker build failed:\n{said}",
        where=image.dockerfile,
        hint=hint_for(last, image, commit),
    )


def _refuse_missing(folder: str, image: ImageRules, where: str) -> None:
    if not (Path(folder) / image.dockerfile).is_file():
        raise FileIsMissing(
            f"there is no {image.dockerfile}{where}",
            where="image.dockerfile",
            hint="write and commit one, or say in shipway.yaml where it is",
        )
    if not (Path(folder) / image.context).is_dir():
        raise FileIsMissing(
            f"there is no folder {image.context}{where}",
            where="image.context",
            hint="if a check makes it, name that check in `image.needs`",
        )


def _refuse_secrets(image: ImageRules, secrets: Mapping[str, str], builder: Builder) -> None:
    missing = [name for name, _ in image.secrets if name not in secrets]
    if missing:
        raise SecretIsMissing(
            f"the image needs the secrets {', '.join(missing)}, and nothing gave their values",
            where="image.secrets",
        )
    if secrets and not builder.is_buildkit:
        raise ImageBuildFailed(
            "the image needs secrets, and the builder of this docker client knows none",
            where="image.secrets",
            hint="install docker's buildx plug-in; a build argument would stay in the image",
        )


@contextmanager
def _files(secrets: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Put each value into a file that only we can read, and that is gone afterwards."""
    if not secrets:
        yield {}
        return
    place = str(_IN_MEMORY) if os.access(_IN_MEMORY, os.W_OK) else None
    with TemporaryDirectory(prefix="shipway-", dir=place) as folder:
        files = {}
        for number, (name, value) in enumerate(secrets.items()):
            file = Path(folder) / str(number)
            file.touch(mode=0o600)
            file.write_text(value, encoding="utf-8")
            files[name] = str(file)
        yield files


def _both(first: OnLine, second: OnLine) -> OnLine:
    def tell(line: str) -> None:
        first(line)
        second(line)

    return tell
