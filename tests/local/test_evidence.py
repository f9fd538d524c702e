"""Documents at a digest, in the registry of the embedded default."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from typing import TYPE_CHECKING

import pytest

from shipway.adapters.aws.ecr import EcrRegistry
from shipway.adapters.aws.session import Endpoints, Session
from shipway.adapters.docker import DockerEngine
from shipway.adapters.shell import LocalShell
from shipway.model.contents import Package, PackageKind
from shipway.model.service import ImageRules
from shipway.ports import Document
from tests.adapters.repositories import committed, head

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.conftest import Local

BILL = Document("application/vnd.cyclonedx+json", "{}")
STATEMENT = Document("application/vnd.in-toto+json", "[]")
PACKAGE = '{"name": "a", "version": "1.0.0"}'


def registry_of(shared: Local) -> EcrRegistry:
    """The adapter on the embedded default."""
    where = shared.record()
    session = Session(where.region, lambda: Endpoints(where.aws, where.ecs, where.registry))
    return EcrRegistry(session, lambda: where.account, lambda *_: None, ("branch-",))


@pytest.mark.docker
def test_a_pushed_image_carries_its_documents(shared: Local, tmp_path: Path) -> None:
    """What was pushed is read back by its digest, and documents are attached to exactly that."""
    registry, repository = registry_of(shared), "carrying"
    root = committed(
        tmp_path / "root",
        {"Dockerfile": "FROM scratch\nCOPY app /app\n", "app/node_modules/a/package.json": PACKAGE},
    )
    engine = DockerEngine(str(root), LocalShell(), "docker")
    rules = ImageRules(repository, "Dockerfile", ".", (), tag_branch=True)
    registry.ensure(repository)
    name = f"{registry.address(repository)}:sha-{head(root)}"
    try:
        engine.build(
            rules, commit=head(root), reference=name, labels=(("a", "b"),), on_line=lambda _: None
        )
        digest = engine.push(name, on_line=lambda _: None)
        assert engine.digests(name) == (digest,)
    finally:
        subprocess.run(("docker", "rmi", "-f", name), check=True, capture_output=True)
    by_digest = f"{registry.address(repository)}@{digest}"
    try:
        assert engine.labels(by_digest) == (("a", "b"),)
        assert engine.contents(by_digest).packages == (Package(PackageKind.NPM, "a", "1.0.0"),)
    finally:
        subprocess.run(("docker", "rmi", "-f", by_digest), check=True, capture_output=True)
    assert registry.attached(repository, digest) == frozenset()
    for _ in range(2):
        assert registry.attach(repository, digest, (BILL, STATEMENT)) is None
    assert registry.attached(repository, digest) == {BILL.kind, STATEMENT.kind}
    assert registry.digest(repository, f"sha-{head(root)}") == digest


def test_its_list_is_kept_under_a_tag(shared: Local) -> None:
    """Ministack keeps no list of referrers, so the specification's tag holds it, once each."""
    registry, repository = registry_of(shared), "listing"
    registry.ensure(repository)
    url = f"http://{registry.address(repository).replace('/', '/v2/', 1)}"
    manifest = b'{"schemaVersion": 2, "layers": []}'
    kind = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
    put = urllib.request.Request(f"{url}/manifests/sha-1", manifest, kind, method="PUT")
    urllib.request.urlopen(put, timeout=10).close()
    digest = registry.digest(repository, "sha-1")
    assert digest is not None
    for documents in ((BILL,), (STATEMENT,), (BILL, STATEMENT)):
        registry.attach(repository, digest, documents)
    with urllib.request.urlopen(f"{url}/manifests/{digest.replace(':', '-')}", timeout=10) as found:
        index = json.load(found)
    kinds = [entry["artifactType"] for entry in index["manifests"]]
    assert kinds == [BILL.kind, STATEMENT.kind]
