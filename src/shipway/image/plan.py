"""From a commit to a release: check, build and push, or only record what is there already."""

from __future__ import annotations

from shipway.image.tags import branch_tag, immutable_tag, labels, nightly_tag
from shipway.model.probes import CommandProbe
from shipway.model.release import Digest, Release, Source
from shipway.model.service import Service
from shipway.plan.plan import Plan, fingerprint
from shipway.plan.steps import (
    AttachEvidence,
    BuildImage,
    MoveTag,
    PublishImage,
    RecordRelease,
    RunChecks,
    Step,
    evidence_of,
)


def plan_image(
    service: Service,
    source: Source,
    *,
    repository: str,
    found: Digest | None,
    checked: bool,
    nightly: str = "",
) -> Plan:
    """Plan what is missing between a commit and its release.

    Args:
        service: whose commit it is.
        source: the commit.
        repository: the registry's own name of the image repository.
        found: what the registry holds under the commit's tag. An image that is there is never
            built again, since a second one would differ.
        checked: whether all checks of the commit have passed already.
        nightly: the UTC date of a scheduled run, `YYYY-MM-DD`; "" in any other run.
    """
    made_from = fingerprint(source.commit, found)
    if found is None:
        tag = immutable_tag(source.commit)
        build = build_step(service, source)
        checks = RunChecks(source.commit, service.checks, build, prepares=_has_commands(service))
        first = build if checked else checks
        return Plan((first, PublishImage(service.image.repository, tag)), made_from)
    release = Release(
        service=service.name,
        commit=source.commit,
        branch=source.branch,
        author=source.author,
        subject=source.subject,
        repository=repository,
        digest=found,
    )
    # evidence comes before the record: killed in between, a run finds the image and goes on here
    attach = AttachEvidence(service.image, service.name, source, found)
    steps: list[Step] = [attach] if evidence_of(service.image) else []
    steps += move_steps(service, release, nightly)
    return Plan((*steps, RecordRelease(release)), made_from)


def _has_commands(service: Service) -> bool:
    """Tell whether a verification runs a command in the checkout, which checks have prepared."""
    probes = (probe for environment in service.environments for probe in environment.probes)
    return any(isinstance(probe, CommandProbe) for probe in probes)


def move_steps(service: Service, release: Release, nightly: str = "") -> tuple[MoveTag, ...]:
    """Return the steps that point the service's moving tags at a release.

    A scheduled run whose commit has a release already needs no more than these.
    """
    image, digest = service.image, release.digest
    tags = [branch_tag(release.branch)] if image.tag_branch else []
    if image.tag_nightly and nightly:
        tags.append(nightly_tag(nightly))
    return tuple(MoveTag(image.repository, tag, digest) for tag in tags)


def build_step(service: Service, source: Source) -> BuildImage:
    """Return the step that builds the image of a commit under its local tag."""
    # a branch that is new has no image yet: the main branch's is the next best to build upon
    closest = dict.fromkeys((branch_tag(source.branch), branch_tag(service.branch)))
    return BuildImage(
        image=service.image,
        commit=source.commit,
        tag=immutable_tag(source.commit),
        labels=labels(service.name, source),
        cache_tags=tuple(closest) if service.image.registry_cache else (),
    )
