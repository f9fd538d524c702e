"""How an image is named, and what is missing between a commit and its release."""

from __future__ import annotations

import pytest

from shipway.image.plan import plan_image
from shipway.image.tags import branch_tag, immutable_tag, labels
from shipway.model.release import Commit
from shipway.plan.steps import BuildImage, MoveTag, PublishImage, RecordRelease, RunChecks
from shipway.testing.builders import a_check, a_commit, a_digest, a_service, a_source

SERVICE = a_service(checks=(a_check("lint"),))
SOURCE = a_source("a", branch="feature/x")


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
    found = labels(service="sender", commit=Commit("c"), branch="main", committed_at="2026-01-02")
    assert dict(found) == {
        "org.opencontainers.image.created": "2026-01-02",
        "org.opencontainers.image.ref.name": "main",
        "org.opencontainers.image.revision": "c",
        "org.opencontainers.image.title": "sender",
    }


def test_with_nothing_there_it_is_checked_built_and_pushed() -> None:
    """A commit without image is checked, built and pushed under its own tag."""
    plan = plan_image(SERVICE, SOURCE, repository="host/sender", found=None, checked=False)
    checks, build, publish = plan.steps
    assert checks == RunChecks(SOURCE.commit, SERVICE.checks)
    assert isinstance(build, BuildImage)
    assert publish == PublishImage("sender", immutable_tag(SOURCE.commit))


def test_what_was_checked_is_not_checked_again() -> None:
    """A commit whose checks have passed goes straight to the build."""
    plan = plan_image(SERVICE, SOURCE, repository="host/sender", found=None, checked=True)
    assert [type(step) for step in plan.steps] == [BuildImage, PublishImage]


def test_an_image_that_is_there_is_never_built_again() -> None:
    """With the image in the registry only the branch's tag moves and the release is recorded."""
    plan = plan_image(SERVICE, SOURCE, repository="host/sender", found=a_digest(), checked=False)
    move, record = plan.steps
    assert move == MoveTag("sender", "branch-feature-x", a_digest())
    assert isinstance(record, RecordRelease)
    assert record.release.image == f"host/sender@{a_digest()}"
    assert record.release.commit == SOURCE.commit


def test_a_service_may_want_no_branch_tag() -> None:
    """Without `branch` among its tags no moving tag is set."""
    service = a_service(tag_branch=False)
    plan = plan_image(service, SOURCE, repository="host/sender", found=a_digest(), checked=True)
    assert [type(step) for step in plan.steps] == [RecordRelease]


def test_a_plan_shows_what_it_was_made_from() -> None:
    """Plans from different observations have different fingerprints."""
    there = plan_image(SERVICE, SOURCE, repository="r", found=a_digest(), checked=True)
    gone = plan_image(SERVICE, SOURCE, repository="r", found=None, checked=True)
    assert there.made_from != gone.made_from
