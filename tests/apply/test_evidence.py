"""A release carries its evidence, whatever happened on the way to it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from shipway.apply.publication import attach_evidence
from shipway.errors import RegistryDidNotAnswer
from shipway.events.types import ReleaseRecorded, Warned
from shipway.image import provenance, sbom
from shipway.model.contents import Contents, Package, PackageKind
from shipway.model.release import Digest
from shipway.model.service import Service
from shipway.plan.steps import AttachEvidence
from shipway.ports import Document
from shipway.testing.builders import Stage, a_service, a_source
from shipway.testing.fakes import Killed, Misuse
from shipway.testing.images import FakeRegistry
from tests.apply.travelling import PREPROD_ONLY, deliver, recorded

BOTH = [sbom.KIND, provenance.KIND]
INSIDE = Contents((Package(PackageKind.NPM, "left-pad", "1.3.0", "WTFPL"),))


def documents(stage: Stage) -> dict[str, Document]:
    """The documents of the one release that there is, by kind."""
    (digest,) = {pushed.digest for pushed in stage.registry.pushed}
    return {d.kind: d for d in stage.registry.documents.get(("sender", digest), [])}


def with_image(*, is_sbom: bool, is_provenance: bool) -> Service:
    """A service that wants only some of the evidence."""
    service = a_service(environments=PREPROD_ONLY.environments)
    return replace(service, image=replace(service.image, sbom=is_sbom, provenance=is_provenance))


def test_a_release_carries_sbom_and_provenance() -> None:
    """After a delivery both are attached to the digest, and say what the image says."""
    stage = Stage()
    stage.builder.inside = INSIDE
    release = deliver(stage, a_source("a"), run="run-7")
    found = documents(stage)
    assert list(found) == BOTH
    assert [c["name"] for c in json.loads(found[sbom.KIND].text)["components"]] == ["left-pad"]
    statement = json.loads(found[provenance.KIND].text)
    assert statement["subject"][0]["digest"] == {"sha256": release.digest[7:]}
    assert statement["predicate"]["runDetails"]["metadata"] == {"invocationId": "run-7"}


@pytest.mark.parametrize(
    ("is_sbom", "is_provenance", "kinds"),
    [(True, False, BOTH[:1]), (False, True, BOTH[1:]), (False, False, [])],
)
def test_a_service_gets_what_it_wants(
    is_sbom: bool,  # noqa: FBT001 - a table
    is_provenance: bool,  # noqa: FBT001 - a table
    kinds: list[str],
) -> None:
    """What is switched off is not attached, and the image is not read for it."""
    stage = Stage()
    service = with_image(is_sbom=is_sbom, is_provenance=is_provenance)
    deliver(stage, a_source("a"), service=service)
    assert list(documents(stage)) == kinds
    assert stage.calls.made["builder.contents"] == is_sbom


def moments() -> int:
    """Count the moments at which a delivery can die."""
    stage = Stage()
    deliver(stage, a_source("a"))
    return stage.calls.moments


def test_a_kill_at_any_moment_leaves_no_release_without_evidence() -> None:
    """Killed anywhere, then run again: the release has both documents, each exactly once."""
    for moment in range(1, moments() + 1):
        stage = Stage()
        stage.calls.die_at = moment
        with pytest.raises(Killed):
            deliver(stage, a_source("a"), run="killed")
        bare = recorded(stage) and list(documents(stage)) != BOTH
        assert not bare, moment
        stage.calls.revive()
        deliver(stage, a_source("a"), run="finisher")
        assert list(documents(stage)) == BOTH, moment
        assert len(stage.registry.pushed) == 1, moment


def test_the_finisher_does_not_claim_to_have_built() -> None:
    """Provenance that another run attaches names the run which built the image."""
    builders = set()
    for moment in range(1, moments() + 1):
        stage = Stage()
        stage.calls.die_at = moment
        with pytest.raises(Killed):
            deliver(stage, a_source("a"), run="killed")
        was_pushed = bool(stage.registry.pushed)
        stage.calls.revive()
        deliver(stage, a_source("a"), run="finisher")
        details = json.loads(documents(stage)[provenance.KIND].text)["predicate"]["runDetails"]
        builders.add((was_pushed, details["metadata"]["invocationId"]))
    assert builders == {(True, "killed"), (False, "finisher")}


def test_a_registry_without_artifacts_is_warned_of() -> None:
    """A refusal is said aloud, and the release is recorded all the same."""
    stage = Stage()
    stage.registry.refusal = "it takes no such manifest (415)"
    deliver(stage, a_source("a"))
    (warned,) = [event for event in stage.events if isinstance(event, Warned)]
    assert warned.about == "image"
    assert "takes no SBOM and no provenance: it takes no such manifest (415)" in warned.message
    assert len(recorded(stage)) == 1


class Silent(FakeRegistry):
    """A registry that gives no answer about documents."""

    def attached(self, repository: str, digest: Digest) -> frozenset[str]:
        """Fail, as a broken connection does."""
        raise RegistryDidNotAnswer(f"no answer about {digest} in {repository}")


def test_no_answer_ends_the_delivery_before_the_record() -> None:
    """Without an answer there is no release yet: the next run attaches, and records."""
    stage = Stage()
    world = replace(stage.world(), registry=Silent(tags=stage.registry.tags))
    deliver(stage, a_source("a"), service=with_image(is_sbom=False, is_provenance=False))
    (digest,) = {pushed.digest for pushed in stage.registry.pushed}
    before = sum(isinstance(event, ReleaseRecorded) for event in stage.events)
    step = AttachEvidence(PREPROD_ONLY.image, "sender", a_source("a"), digest)
    with pytest.raises(RegistryDidNotAnswer) as found:
        attach_evidence(step, world)
    assert found.value.exit_status == 5
    assert sum(isinstance(event, ReleaseRecorded) for event in stage.events) == before


def test_the_fakes_attach_only_to_what_is_there() -> None:
    """Documents need an image, and looking into one needs a registry that has it."""
    stage = Stage()
    with pytest.raises(Misuse, match="is not in sender"):
        stage.registry.attach("sender", Digest("sha256:0"), ())
    with pytest.raises(Misuse, match="cannot be pulled"):
        stage.builder.contents("127.0.0.1:5000/sender@sha256:0")
