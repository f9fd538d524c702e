"""From a commit to a release: check, build and push, or only record what is there already."""

from __future__ import annotations

from shipway.image.tags import branch_tag, immutable_tag, labels
from shipway.model.release import Digest, Release, Source
from shipway.model.service import Service
from shipway.plan.plan import Plan, fingerprint
from shipway.plan.steps import BuildImage, MoveTag, PublishImage, RecordRelease, RunChecks, Step


def plan_image(
    service: Service, source: Source, *, repository: str, found: Digest | None, checked: bool
) -> Plan:
    """Plan what is missing between a commit and its release.

    Args:
        service: whose commit it is.
        source: the commit.
        repository: the registry's own name of the image repository.
        found: what the registry holds under the commit's tag. An image that is there is never
            built again, since a second one would differ.
        checked: whether all checks of the commit have passed already.
    """
    tag = immutable_tag(source.commit)
    if found is None:
        steps: list[Step] = [] if checked else [RunChecks(source.commit, service.checks)]
        steps += [build_step(service, source), PublishImage(service.image.repository, tag)]
        return Plan(tuple(steps), fingerprint(source.commit, found))
    release = Release(
        service=service.name,
        commit=source.commit,
        branch=source.branch,
        author=source.author,
        subject=source.subject,
        repository=repository,
        digest=found,
    )
    steps = [RecordRelease(release)]
    if service.image.tag_branch:
        steps.insert(0, MoveTag(service.image.repository, branch_tag(source.branch), found))
    return Plan(tuple(steps), fingerprint(source.commit, found))


def build_step(service: Service, source: Source) -> BuildImage:
    """Return the step that builds the image of a commit under its local tag."""
    return BuildImage(
        image=service.image,
        commit=source.commit,
        tag=immutable_tag(source.commit),
        labels=labels(
            service=service.name,
            commit=source.commit,
            branch=source.branch,
            committed_at=source.committed_at,
        ),
    )
