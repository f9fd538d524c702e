"""A builder's cache that goes to the registry with the image, and comes back from it."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from typing import TYPE_CHECKING

import pytest

from shipway.adapters.docker import DockerEngine
from shipway.adapters.shell import LocalShell
from shipway.model.service import ImageRules
from tests.adapters.repositories import committed, head
from tests.local.test_evidence import registry_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.conftest import Local

RULES = ImageRules("cached", "Dockerfile", ".", (), tag_branch=True, registry_cache=True)


@pytest.mark.docker
def test_an_image_brings_its_cache_along(shared: Local, tmp_path: Path) -> None:
    """The builder reads the cache of the branch that was pushed; one without image is no error."""
    registry = registry_of(shared)
    registry.ensure("cached")
    place = registry.address("cached")
    root = committed(
        tmp_path / "root",
        {"Dockerfile": "FROM scratch\nCOPY one /one\nCOPY two /two\n", "one": "1", "two": "2"},
    )
    engine = DockerEngine(str(root), LocalShell(), "docker")
    pushed, built = f"{place}:branch-main", f"{place}:sha-2"

    def build(name: str) -> str:
        said: list[str] = []
        tags = (f"{place}:branch-new", pushed)
        engine.build(
            RULES,
            commit=head(root),
            reference=name,
            labels=(),
            on_line=said.append,
            cache=tags,
        )
        return "\n".join(said)

    try:
        assert f"ERROR: {pushed}: not found" in build(pushed)
        engine.push(pushed, on_line=lambda _: None)
        assert b"moby.buildkit.cache.v0" in configuration(place)
        committed(root, {"two": "changed"})
        said = build(built)
    finally:
        subprocess.run(("docker", "rmi", "-f", pushed, built), check=False, capture_output=True)
    assert f"importing cache manifest from {pushed}" in said
    assert f"ERROR: {pushed}" not in said
    assert f"ERROR: {place}:branch-new: not found" in said


def configuration(place: str) -> bytes:
    """Return the configuration of the image that the registry holds for the main branch."""
    url = f"http://{place.replace('/', '/v2/', 1)}"
    with urllib.request.urlopen(f"{url}/manifests/branch-main", timeout=10) as answer:
        digest = json.load(answer)["config"]["digest"]
    with urllib.request.urlopen(f"{url}/blobs/{digest}", timeout=10) as answer:
        found: bytes = answer.read()
    return found
