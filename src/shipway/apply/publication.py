"""Builds an image, pushes it once, points moving tags, and records the release."""

from __future__ import annotations

from shipway.apply.world import World
from shipway.errors import RegistryDidNotAnswer, TagIsTaken
from shipway.events.types import Output, ReleaseRecorded
from shipway.plan.steps import BuildImage, MoveTag, PublishImage, RecordRelease


def build_image(step: BuildImage, world: World) -> None:
    """Build the image and name it as it will be pushed."""
    log = f"{world.folder}/image.log"

    def on_line(line: str) -> None:
        world.files.append(log, line)
        world.publish(Output("image", line))

    reference = f"{world.registry.address(step.image.repository)}:{step.tag}"
    world.builder.build(
        step.image, commit=step.commit, reference=reference, labels=step.labels, on_line=on_line
    )


def publish_image(step: PublishImage, world: World) -> None:
    """Push the image under a tag that nothing has yet, and see that the registry has it.

    Raises:
        TagIsTaken: the tag names an image already.
        RegistryDidNotAnswer: after the push the registry does not show what was pushed.
    """
    registry = world.registry
    registry.ensure(step.repository)
    taken = registry.digest(step.repository, step.tag)
    if taken is not None:
        raise TagIsTaken(
            f"{step.tag} already names {taken}",
            where=step.repository,
            hint="a tag of a commit never moves; run the command again and it uses that image",
        )
    registry.log_in()
    reference = f"{registry.address(step.repository)}:{step.tag}"
    pushed = world.builder.push(reference, on_line=lambda line: world.publish(Output("push", line)))
    stored = registry.digest(step.repository, step.tag)
    if stored != pushed:
        raise RegistryDidNotAnswer(
            f"pushed {pushed}, but the registry shows {stored or 'nothing'} as {step.tag}",
            where=step.repository,
            hint="run the command again",
        )


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
