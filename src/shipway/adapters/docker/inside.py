"""Looks into an image, of which nothing runs: its labels, and the packages that it holds."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from shipway.adapters.docker.client import DockerClient
from shipway.adapters.docker.packages import read_packages
from shipway.errors import EngineIsDown, RegistryDidNotAnswer
from shipway.model.contents import Contents

PULL_WITHIN_S = 900.0
EXPORT_WITHIN_S = 900.0


def labels_of(reference: str, client: DockerClient) -> tuple[tuple[str, str], ...]:
    """Return the labels of an image, sorted, pulling it where the engine does not have it."""
    inspect = ("image", "inspect", "--format", "{{json .Config.Labels}}", reference)
    status, lines = client.ask(*inspect)
    if status != 0:
        client.version()
        client.ask("pull", "--quiet", reference, timeout_s=PULL_WITHIN_S)
        status, lines = client.ask(*inspect)
    if status != 0 or not lines:
        raise _not_to_be_had(reference, lines)
    return tuple(sorted((json.loads(lines[-1]) or {}).items()))


def id_of(reference: str, client: DockerClient) -> str | None:
    """Return the id of an image that the engine has; None where it has none of that name."""
    status, lines = client.ask("image", "inspect", "--format", "{{.Id}}", reference)
    return lines[-1] if status == 0 and lines else None


def contents_of(reference: str, client: DockerClient) -> Contents:
    """Return what is in an image, by way of a container that is made but never started."""
    # a name that follows from the image: what a killed run left is removed by the next
    named = id_of(reference, client) or reference
    name = f"shipway-look-{named.rpartition(':')[2][:32]}"
    client.ask("rm", "--force", name)
    # scratch images have no command, and one must be named; it never runs
    made = ("create", "--name", name, "--network", "none", reference, "never-run")
    status, lines = client.ask(*made, timeout_s=PULL_WITHIN_S)
    if status != 0:
        client.version()
        raise _not_to_be_had(reference, lines)
    try:
        return _read(name, client)
    finally:
        client.ask("rm", "--force", name)


def _read(name: str, client: DockerClient) -> Contents:
    """Let the export flow through a pipe into the reader: neither memory nor disk holds it."""
    for_reading, for_writing = os.pipe()
    with ThreadPoolExecutor(1) as reader:
        found = reader.submit(_drain, for_reading)
        try:
            done = client.shell.stream(
                (client.program, "export", name),
                cwd=client.root,
                env={},
                on_output=_into(for_writing),
                timeout_s=EXPORT_WITHIN_S,
            )
        finally:
            os.close(for_writing)
        if done.status != 0 or done.timed_out:
            client.version()
            raise EngineIsDown("the engine did not export the image", where=name)
        try:
            return found.result()
        except tarfile.TarError as problem:
            raise EngineIsDown(f"the engine's export broke off: {problem}", where=name) from problem


def _into(pipe: int) -> Callable[[bytes], None]:
    def write(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(pipe, view) :]

    return write


def _drain(pipe: int) -> Contents:
    """Read packages, then whatever follows: a writer whose reader left would be killed by it."""
    with os.fdopen(pipe, "rb") as file:
        try:
            return read_packages(file)
        finally:
            with suppress(OSError):
                while file.read(1 << 16):
                    pass


def _not_to_be_had(reference: str, lines: list[str]) -> RegistryDidNotAnswer:
    said = lines[-1] if lines else "no output"
    return RegistryDidNotAnswer(
        f"the image {reference} is not to be had: {said}", hint="is the registry up?"
    )
