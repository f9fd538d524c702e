"""Documents at a digest: in registries that keep lists, and in those that do not."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from shipway.adapters.aws.referrers import Place, Referrers
from shipway.errors import AccessIsDenied, RegistryDidNotAnswer
from shipway.model.release import Digest
from shipway.ports import Document, Refused
from shipway.testing.builders import a_digest
from tests.adapters.registries import OciRegistry, digest_of, serving

IMAGE = b'{"schemaVersion": 2}'
KIND = "application/vnd.docker.distribution.manifest.v2+json"
DIGEST = Digest(digest_of(IMAGE))
BILL, STATEMENT = Document("application/bill+json", "{1}"), Document("application/made+json", "{2}")
TAG = DIGEST.replace(":", "-")


@pytest.fixture(params=[True, False], ids=["lists", "tag"])
def registry(request: pytest.FixtureRequest) -> Iterator[OciRegistry]:
    """A registry that holds an image; it keeps lists of referrers, or knows no such thing."""
    with serving(OciRegistry(lists_referrers=request.param)) as made:
        made.hold(IMAGE, KIND)
        yield made


def at(registry: OciRegistry, login: tuple[str, str] | None = None) -> Referrers:
    """The adapter on it."""
    return Referrers(Place(registry.url, login))


def puts(registry: OciRegistry) -> int:
    """How often something was written."""
    return sum(line.startswith("PUT") for line in registry.log)


def test_documents_are_attached_to_the_digest(registry: OciRegistry) -> None:
    """Each is an artifact of its own kind whose subject is the image, and holds the very text."""
    assert at(registry).attach(DIGEST, (BILL, STATEMENT)) is None
    found = registry.referrers(DIGEST)
    assert {entry["artifactType"] for entry in found} == {BILL.kind, STATEMENT.kind}
    for entry in found:
        manifest = json.loads(registry.manifests[str(entry["digest"])][1])
        (layer,) = manifest["layers"]
        text = {BILL.kind: b"{1}", STATEMENT.kind: b"{2}"}[manifest["artifactType"]]
        assert registry.blobs[layer["digest"]] == text
        assert layer["mediaType"] == manifest["artifactType"]
        assert manifest["subject"] == {"mediaType": KIND, "digest": DIGEST, "size": len(IMAGE)}


def test_what_is_attached_can_be_seen(registry: OciRegistry) -> None:
    """The kinds of what is attached are told; of a digest without any, none."""
    assert at(registry).kinds(DIGEST) == frozenset()
    at(registry).attach(DIGEST, (BILL,))
    assert at(registry).kinds(DIGEST) == {BILL.kind}
    assert at(registry).kinds(a_digest("other")) == frozenset()


def test_what_was_attached_before_stays(registry: OciRegistry) -> None:
    """A second document comes beside the first, in whatever order and run."""
    at(registry).attach(DIGEST, (STATEMENT,))
    at(registry).attach(DIGEST, (BILL,))
    assert at(registry).kinds(DIGEST) == {BILL.kind, STATEMENT.kind}


def test_attaching_again_changes_nothing(registry: OciRegistry) -> None:
    """The same documents are there once, however often they are attached."""
    at(registry).attach(DIGEST, (BILL, STATEMENT))
    held = dict(registry.manifests), dict(registry.blobs)
    at(registry).attach(DIGEST, (BILL, STATEMENT))
    assert (registry.manifests, registry.blobs) == held
    assert len(registry.blobs) == 3


def test_a_registry_that_lists_gets_no_tag() -> None:
    """The tag with the list is for registries only that keep none themselves."""
    for lists_referrers in (True, False):
        with serving(OciRegistry(lists_referrers=lists_referrers)) as registry:
            registry.hold(IMAGE, KIND)
            at(registry).attach(DIGEST, (BILL,))
            assert (TAG in registry.manifests) is not lists_referrers


def test_a_refusal_is_told_and_is_no_error(registry: OciRegistry) -> None:
    """A registry that takes no artifacts says why; that is an answer."""
    registry.status = 415
    answer = at(registry).attach(DIGEST, (BILL,))
    assert answer == Refused("it takes no such manifest (415 UNSUPPORTED)")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_broken_registry_is_no_refusal(registry: OciRegistry, status: int) -> None:
    """One that is broken or too busy gave no answer, and may give one later."""
    registry.status = status
    with pytest.raises(RegistryDidNotAnswer, match=str(status)):
        at(registry).attach(DIGEST, (BILL,))


def test_nobody_there_is_no_refusal() -> None:
    """A registry that cannot be reached gave no answer."""
    with serving(OciRegistry(lists_referrers=True)) as registry:
        pass
    with pytest.raises(RegistryDidNotAnswer, match="no answer"):
        at(registry).kinds(DIGEST)


def test_an_image_that_is_gone_is_told(registry: OciRegistry) -> None:
    """Nothing is attached to a digest that the registry does not hold."""
    with pytest.raises(RegistryDidNotAnswer, match="not in the registry"):
        at(registry).attach(a_digest("other"), (BILL,))
    assert puts(registry) == 0


def test_the_password_opens_the_registry(registry: OciRegistry) -> None:
    """Every request carries user and password; without them access is denied, not absent."""
    registry.password = f"Basic {base64.b64encode(b'AWS:secret').decode()}"
    assert at(registry, ("AWS", "secret")).attach(DIGEST, (BILL,)) is None
    with pytest.raises(AccessIsDenied, match="401 UNAUTHORIZED"):
        at(registry).kinds(DIGEST)
