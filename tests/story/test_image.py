"""How an image is named, and what is missing between a commit and its release."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shipway.image.plan import build_step, move_steps, plan_image
from shipway.image.tags import branch_tag, immutable_tag, labels
from shipway.model.probes import CommandProbe
from shipway.model.service import Service
from shipway.plan.steps import (
    AttachEvidence,
    BuildImage,
    MoveTag,
    PublishImage,
    RecordRelease,
    RunChecks,
)
from shipway.testing.builders import (
    a_check,
    a_commit,
    a_digest,
    a_release,
    a_service,
    a_source,
    an_environment,
)

SERVICE = a_service(checks=(a_check("lint"),))
SOURCE = a_source("a", branch="feature/x")


def with_image(**rules: bool) -> Service:
    """The service with other rules for its image."""
    return replace(SERVICE, image=replace(SERVICE.image, **rules))  # type: ignore[arg-type]  # names of flags


def test_the_tag_of_a_commit_is_its_own() -> None:
    """The immutable tag holds the whole commit."""
    assert immutable_tag(a_commit("a")) == f"sha-{a_commit('a')}"


@pytest.mark.parametrize(
    ("branch", "tag"),
    [
        ("main", "branch-main"),
        ("feature/x", "branch-feature-x"),
        ("fix//ä b", "branch-fix-b"),
        ("v1.2_3", "branch-v1.2_3"),
        ("b" * 200, f"branch-{'b' * 121}"),
    ],
)
def test_the_tag_of_a_branch_fits_a_registry(branch: str, tag: str) -> None:
    """A moving tag has only what the OCI specification allows, and at most 128 characters."""
    assert branch_tag(branch) == tag
    assert len(tag) <= 128


def test_labels_follow_from_the_commit_alone() -> None:
    """The labels are the OCI ones, with the commit's own time, so that builds can be cached."""
    source = replace(SOURCE, remote="https://git.example.test/sender.git")
    found = labels("sender", source)
    assert list(found) == sorted(found)
    assert dict(found) == {
        "org.opencontainers.image.created": SOURCE.committed_at,
        "org.opencontainers.image.ref.name": "feature/x",
        "org.opencontainers.image.revision": SOURCE.commit,
        "org.opencontainers.image.source": "https://git.example.test/sender.git",
        "org.opencontainers.image.title": "sender",
    }


def test_an_unknown_remote_is_no_label() -> None:
    """Where nobody knows the commit's remote, no label claims one."""
    assert "org.opencontainers.image.source" not in dict(labels("sender", SOURCE))


def test_with_nothing_there_it_is_checked_built_and_pushed() -> None:
    """A commit without image is built beside its checks, then pushed under its own tag."""
    plan = plan_image(SERVICE, SOURCE, repository="host/sender", found=None, checked=False)
    checks, publish = plan.steps
    assert checks == RunChecks(SOURCE.commit, SERVICE.checks, build_step(SERVICE, SOURCE))
    assert publish == PublishImage("sender", immutable_tag(SOURCE.commit))


def test_acceptance_commands_find_what_the_checks_prepare() -> None:
    """A service that verifies by a command has nothing of its checkout left out."""
    where = an_environment(probes=(CommandProbe(("vitest", "run"), 60.0),))
    service = replace(SERVICE, environments=(where,))
    plan = plan_image(service, SOURCE, repository="host/sender", found=None, checked=False)
    checks = plan.steps[0]
    assert isinstance(checks, RunChecks)
    assert checks.prepares


def test_what_was_checked_is_not_checked_again() -> None:
    """A commit whose checks have passed goes straight to the build."""
    plan = plan_image(SERVICE, SOURCE, repository="host/sender", found=None, checked=True)
    assert [type(step) for step in plan.steps] == [BuildImage, PublishImage]


def test_an_image_that_is_there_is_never_built_again() -> None:
    """With the image in the registry it gets its evidence and tags, and becomes the release."""
    plan = plan_image(SERVICE, SOURCE, repository="host/sender", found=a_digest(), checked=False)
    attach, move, record = plan.steps
    assert attach == AttachEvidence(SERVICE.image, "sender", SOURCE, a_digest())
    assert move == MoveTag("sender", "branch-feature-x", a_digest())
    assert isinstance(record, RecordRelease)
    assert record.release.image == f"host/sender@{a_digest()}"
    assert record.release.commit == SOURCE.commit


def test_a_service_may_want_no_branch_tag() -> None:
    """Without `branch` among its tags no moving tag is set."""
    service = a_service(tag_branch=False)
    plan = plan_image(service, SOURCE, repository="host/sender", found=a_digest(), checked=True)
    assert [type(step) for step in plan.steps] == [AttachEvidence, RecordRelease]


def test_a_service_may_want_no_evidence() -> None:
    """With SBOM and provenance switched off nothing is attached."""
    service = with_image(sbom=False, provenance=False)
    plan = plan_image(service, SOURCE, repository="host/sender", found=a_digest(), checked=True)
    assert not any(isinstance(step, AttachEvidence) for step in plan.steps)


def test_a_scheduled_run_tags_its_date() -> None:
    """A run with a date points `nightly-<date>` at the release, where the service wants that."""
    service = with_image(tag_nightly=True)
    plan = plan_image(
        service,
        SOURCE,
        repository="host/sender",
        found=a_digest(),
        checked=True,
        nightly="2026-01-02",
    )
    assert MoveTag("sender", "nightly-2026-01-02", a_digest()) in plan.steps


@pytest.mark.parametrize(("wanted", "nightly"), [(False, "2026-01-02"), (True, "")])
def test_other_runs_tag_no_night(wanted: bool, nightly: str) -> None:  # noqa: FBT001 - a table
    """Without the wish, and in a run that nobody scheduled, there is no nightly tag."""
    service = with_image(tag_nightly=wanted)
    moves = move_steps(service, a_release("a"), nightly)
    assert [step.tag for step in moves] == ["branch-main"]


def test_the_cache_comes_from_the_branch_then_from_main() -> None:
    """With a cache in the registry, layers of the branch's image and of main's may be used."""
    service = with_image(registry_cache=True)
    assert build_step(service, SOURCE).cache_tags == ("branch-feature-x", "branch-main")
    assert build_step(service, a_source("a")).cache_tags == ("branch-main",)
    assert build_step(SERVICE, SOURCE).cache_tags == ()


def test_a_plan_shows_what_it_was_made_from() -> None:
    """Plans from different observations have different fingerprints."""
    there = plan_image(SERVICE, SOURCE, repository="r", found=a_digest(), checked=True)
    gone = plan_image(SERVICE, SOURCE, repository="r", found=None, checked=True)
    assert there.made_from != gone.made_from
