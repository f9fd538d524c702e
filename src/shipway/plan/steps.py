"""Every step that a plan can hold, and the sentence that says it.

A step is complete before it starts: no step needs a value that another one makes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from shipway.model.lazy import dataclass
from shipway.model.outcome import Purpose

if TYPE_CHECKING:  # for annotations alone: checks do not pay for what deploys
    from shipway.model.migration import MigrationRules
    from shipway.model.observed import DeploymentArn
    from shipway.model.release import Commit, Digest, Release, Source
    from shipway.model.service import Check, Environment, ImageRules
    from shipway.model.task_definition import TaskDefinition


@dataclass(frozen=True, slots=True)
class RunChecks:
    """Run checks, as parallel as their needs and the machine allow, or take results from a cache.

    `commit` is whose checks these are, all of them; None when they are some, or run on a working
    copy, and so prove nothing about any commit. `build` is the image to build beside them.

    `asked` are the checks that somebody named (all where empty), `since` a commit: only what has
    changed after it runs. `prepares` says that a verification will use what the checks make in the
    checkout, so nothing may be left out as not needed.
    """

    commit: Commit | None
    checks: tuple[Check, ...]
    build: BuildImage | None = None
    asked: tuple[str, ...] = ()
    since: Commit | None = None
    use_cache: bool = True
    keep_going: bool = False
    prepares: bool = False


@dataclass(frozen=True, slots=True)
class BuildImage:
    """Build the image of a commit under its local tag.

    `cache_tags` are moving tags, closest first, whose layers may be used again.
    """

    image: ImageRules
    commit: Commit
    tag: str
    labels: tuple[tuple[str, str], ...]
    cache_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishImage:
    """Push the built image under its immutable tag, which must be free."""

    repository: str
    tag: str


@dataclass(frozen=True, slots=True)
class AttachEvidence:
    """Attach to the digest what is in the image and how it was built, as far as it is missing."""

    image: ImageRules
    service: str
    source: Source
    digest: Digest


@dataclass(frozen=True, slots=True)
class MoveTag:
    """Point a moving tag at a digest that is in the registry; no layers travel."""

    repository: str
    tag: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class RecordRelease:
    """Write down that this digest is the release of its commit."""

    release: Release


@dataclass(frozen=True, slots=True)
class Deploy:
    """Register the task definition and ask ECS, once, to run it.

    `create` when the service does not exist yet; `after` is the newest deployment that it had.
    """

    environment: Environment
    release: Release
    definition: TaskDefinition
    purpose: Purpose
    create: bool
    after: DeploymentArn | None


@dataclass(frozen=True, slots=True)
class Migrate:
    """Run the release's migration as a one-off task, and deploy nothing unless it passes."""

    environment: Environment
    release: Release
    definition: TaskDefinition
    rules: MigrationRules


@dataclass(frozen=True, slots=True)
class AdoptDeployment:
    """Take over a deployment that an earlier run asked for before it died."""

    environment: Environment
    release: Release
    deployment: DeploymentArn


@dataclass(frozen=True, slots=True)
class Watch:
    """Watch our own deployment to its end."""

    environment: Environment
    release: Release
    deployment: DeploymentArn


@dataclass(frozen=True, slots=True)
class Verify:
    """Compare the running digests with the release, then probe; `bake` as long as is declared."""

    environment: Environment
    release: Release
    bake: bool = True


Step = (
    RunChecks
    | BuildImage
    | PublishImage
    | AttachEvidence
    | MoveTag
    | RecordRelease
    | Migrate
    | Deploy
    | AdoptDeployment
    | Watch
    | Verify
)


def evidence_of(image: ImageRules) -> tuple[str, ...]:
    """Name the documents that an image is to carry, in words; empty when it is to carry none."""
    wanted = (("SBOM", image.sbom), ("provenance", image.provenance))
    return tuple(name for name, is_wanted in wanted if is_wanted)


def sentence(step: Step) -> str:  # noqa: C901, PLR0911 - one line for each step there is
    """Say what a step does, for the dry run, the terminal and the ledger alike."""
    match step:
        case RunChecks(commit, checks, build):
            what = commit[:8] if commit else "the working copy"
            names = ", ".join(step.asked or [c.name for c in checks]) or "nothing declared"
            return f"check {what}: {names}{f'; {sentence(build)}' if build else ''}"
        case BuildImage(image, _, tag):
            return f"build {image.dockerfile} as {tag}"
        case PublishImage(_, tag):
            return f"push {tag}"
        case AttachEvidence(image, _, _, digest):
            return f"attach {' and '.join(evidence_of(image))} to {digest[:19]}"
        case MoveTag(_, tag, digest):
            return f"point {tag} at {digest[:19]}"
        case RecordRelease(release):
            return f"record release {release.name} as {release.digest[:19]}"
        case Deploy(environment, release, _, purpose, create, _):
            back = "back " if purpose is Purpose.ROLLBACK else ""
            new = ", as a new service" if create else ""
            return f"deploy {release.name} {back}to {environment.name}{new}"
        case Migrate(environment, release, _, rules):
            return f"migrate {environment.name} for {release.name}: {' '.join(rules.command)}"
        case AdoptDeployment(environment, release, _):
            return f"take over the deployment of {release.name} to {environment.name}"
        case Watch(environment, release, _):
            return f"watch {release.name} roll out in {environment.name}"
        case Verify(environment, release):
            return f"verify {release.name} in {environment.name}"
        case _:
            assert_never(step)
