"""Builds an image, pushes it once, attaches evidence, points moving tags, records the release."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.apply.world import World
from shipway.errors import RegistryDidNotAnswer, TagIsTaken
from shipway.events.types import Output, ReleaseRecorded, Warned
from shipway.image import provenance, sbom
from shipway.model.secret import Secret
from shipway.model.service import ImageRules
from shipway.plan.steps import AttachEvidence, BuildImage, MoveTag, PublishImage, RecordRelease
from shipway.ports import NOTHING, Cancel, Document, Refused


def build_image(
    step: BuildImage,
    world: World,
    *,
    secrets: Mapping[str, str] = NOTHING,
    cancel: Cancel | None = None,
) -> bool:
    """Build the image and name it as it will be pushed; False when `cancel` stopped it.

    `secrets` are the values of those that the image names, by id.
    """
    log, registry = f"{world.folder}/image.log", world.registry

    def on_line(line: str) -> None:
        world.files.append(log, line)
        world.publish(Output("image", line))

    address = registry.address(step.image.repository)
    if step.cache_tags:  # the builder reads and writes its cache in the repository
        registry.ensure(step.image.repository)
        registry.log_in()
    return world.builder.build(
        step.image,
        commit=step.commit,
        reference=f"{address}:{step.tag}",
        labels=(*step.labels, (provenance.RUN_LABEL, world.run)),
        on_line=on_line,
        secrets=secrets,
        cache=tuple(f"{address}:{tag}" for tag in step.cache_tags),
        cancel=cancel,
    )


def secrets_of(image: ImageRules, world: World) -> dict[str, str]:
    """Return the values of the secrets that an image names, by id; they are hidden from now on.

    Raises:
        SecretIsMissing, SecretIsTooShort: one cannot be had, or not be hidden.
    """
    found = {name: world.secrets.resolve(reference) for name, reference in image.secrets}
    for name, value in found.items():
        world.redactor.add(Secret(value, name))
    return found


def publish_image(step: PublishImage, world: World) -> None:
    """Push the image under a tag that nothing has yet, and see that the registry has it.

    An image that is there already, the very same, is not pushed again.

    Raises:
        TagIsTaken: the tag names another image already.
        RegistryDidNotAnswer: after the push the registry does not show what was pushed.
    """
    registry = world.registry
    registry.ensure(step.repository)
    reference = f"{registry.address(step.repository)}:{step.tag}"
    taken = registry.digest(step.repository, step.tag)
    if taken is not None:
        if taken in world.builder.digests(reference):
            return
        raise TagIsTaken(
            f"{step.tag} already names {taken}",
            where=step.repository,
            hint="a tag of a commit never moves; run the command again and it uses that image",
        )
    registry.log_in()
    pushed = world.builder.push(reference, on_line=lambda line: world.publish(Output("push", line)))
    stored = registry.digest(step.repository, step.tag)
    if stored != pushed:
        raise RegistryDidNotAnswer(
            f"pushed {pushed}, but the registry shows {stored or 'nothing'} as {step.tag}",
            where=step.repository,
            hint="run the command again",
        )


def attach_evidence(step: AttachEvidence, world: World) -> None:
    """Attach SBOM and provenance to a digest in the registry, as far as they are missing.

    What they say is read from the image that has this digest, so any run on any machine may come
    to attach them. A registry that takes no artifacts is warned of: the image is good without.
    """
    repository, registry = step.image.repository, world.registry
    wanted = {sbom.KIND: step.image.sbom, provenance.KIND: step.image.provenance}
    there = registry.attached(repository, step.digest)
    missing = [kind for kind, is_wanted in wanted.items() if is_wanted and kind not in there]
    if not missing:
        return
    registry.log_in()
    documents = tuple(_document(kind, step, world) for kind in missing)
    answer = registry.attach(repository, step.digest, documents)
    if isinstance(answer, Refused):
        said = f"the registry takes no SBOM and no provenance: {answer.reason}"
        world.publish(Warned("image", said))


def _document(kind: str, step: AttachEvidence, world: World) -> Document:
    """Read the image and write one document about it."""
    repository = world.registry.name(step.image.repository)
    reference = f"{world.registry.address(step.image.repository)}@{step.digest}"
    if kind == sbom.KIND:
        contents = world.builder.contents(reference)
        return Document(
            kind,
            sbom.bill_of_materials(step.service, step.source, repository, step.digest, contents),
        )
    statement = provenance.provenance(
        step.image,
        source=step.source,
        repository=repository,
        digest=step.digest,
        labels=dict(world.builder.labels(reference)),
    )
    return Document(kind, statement)


def move_tag(step: MoveTag, world: World) -> None:
    """Point a moving tag at the release's digest."""
    world.registry.point(step.repository, step.tag, step.digest)


def record_release(step: RecordRelease, world: World) -> None:
    """Write down that the release exists."""
    release = step.release
    world.publish(
        ReleaseRecorded(
            release=release.name,
            commit=release.commit,
            branch=release.branch,
            author=release.author,
            subject=release.subject,
            repository=release.repository,
            digest=release.digest,
        )
    )
