"""An image is pushed once, under a tag that is free, and seen in the registry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shipway.apply.deployment import deploy
from shipway.apply.publication import build_image, move_tag, publish_image
from shipway.apply.runner import apply
from shipway.environments.taskdef import task_definition
from shipway.errors import PlanIsStale, RegistryDidNotAnswer, TagIsTaken
from shipway.events.types import DeploymentRequested, StepEnded
from shipway.image.plan import build_step
from shipway.image.provenance import RUN_LABEL
from shipway.model.outcome import Purpose
from shipway.plan.plan import Plan
from shipway.plan.steps import Deploy, MoveTag, PublishImage
from shipway.testing.builders import (
    Stage,
    a_digest,
    a_release,
    a_service,
    a_source,
    an_environment,
)
from shipway.testing.fakes import Misuse
from shipway.testing.images import HOST

SERVICE, SOURCE = a_service(), a_source()
STEP = build_step(SERVICE, SOURCE)
PUBLISH = PublishImage("sender", STEP.tag)


@pytest.fixture
def stage() -> Stage:
    """An empty world."""
    return Stage()


def test_a_built_image_is_pushed_under_its_tag(stage: Stage) -> None:
    """Build and publish put the image into the registry, having made the repository first."""
    world = stage.world()
    build_image(STEP, world)
    publish_image(PUBLISH, world)
    assert [p.tag for p in stage.registry.pushed] == [STEP.tag]
    assert stage.files.texts["/runs/run-1/image.log"] == "building Dockerfile\n"


def test_a_tag_that_names_an_image_is_never_moved(stage: Stage) -> None:
    """Where the tag is taken nothing is pushed."""
    stage.registry.tags["sender"] = {STEP.tag: a_digest("other")}
    world = stage.world()
    build_image(STEP, world)
    with pytest.raises(TagIsTaken, match="already names sha256:"):
        publish_image(PUBLISH, world)
    assert stage.registry.pushed == []


def test_an_image_that_is_there_is_not_pushed_again(stage: Stage) -> None:
    """Where the tag names the very image that was built, publishing it again pushes nothing."""
    world = stage.world()
    build_image(STEP, world)
    publish_image(PUBLISH, world)
    publish_image(PUBLISH, world)
    assert len(stage.registry.pushed) == 1
    assert stage.calls.made["builder.push"] == 1


def test_another_image_of_the_commit_does_not_take_its_tag(stage: Stage) -> None:
    """A second build of the commit is another image: the first keeps the tag."""
    world = stage.world()
    build_image(STEP, world)
    publish_image(PUBLISH, world)
    build_image(STEP, world)
    with pytest.raises(TagIsTaken):
        publish_image(PUBLISH, world)
    assert len(stage.registry.pushed) == 1


def test_the_image_names_the_run_that_built_it(stage: Stage) -> None:
    """Among its labels is the run, so that any run can tell later who built it."""
    world = stage.world("run-7")
    build_image(STEP, world)
    publish_image(PUBLISH, world)
    digest = stage.registry.tags["sender"][STEP.tag]
    assert dict(stage.builder.labelled[digest])[RUN_LABEL] == "run-7"


def test_secrets_reach_the_builder(stage: Stage) -> None:
    """The values are handed to the build, and nothing of them to the log or the stream."""
    image = replace(SERVICE.image, secrets=(("token", "env:NPM_TOKEN"),))
    step = replace(STEP, image=image)
    build_image(step, stage.world(), secrets={"token": "a-secret-value"})
    assert stage.builder.got_secrets == {"token": "a-secret-value"}
    assert "a-secret-value" not in f"{stage.events} {stage.files.texts}"


def test_a_cancelled_build_is_not_built(stage: Stage) -> None:
    """A wish to stop is handed to the builder, whose answer says that nothing was built."""
    assert build_image(STEP, stage.world(), cancel=Stopped()) is False
    assert build_image(STEP, stage.world()) is True
    assert stage.builder.builds == 1


class Stopped:
    """A wish to stop that is there from the start."""

    def wanted(self) -> bool:
        """Always."""
        return True


def test_a_cache_in_the_registry_needs_a_log_in_first(stage: Stage) -> None:
    """With a cache in the registry there is a repository and a log-in before the build."""
    build_image(replace(STEP, cache_tags=("branch-x", "branch-main")), stage.world())
    assert stage.registry.logged_in
    assert stage.builder.got_cache == (f"{HOST}/sender:branch-x", f"{HOST}/sender:branch-main")
    assert stage.registry.tags == {"sender": {}}


def test_a_registry_that_does_not_show_the_image_did_not_answer(stage: Stage) -> None:
    """A push is believed when the registry shows it."""
    world = stage.world()
    build_image(STEP, world)
    stage.registry.forgetful = True
    with pytest.raises(RegistryDidNotAnswer, match="shows nothing"):
        publish_image(PUBLISH, world)


def test_a_moving_tag_moves_without_a_push(stage: Stage) -> None:
    """The branch's tag follows the release, and no layers travel."""
    stage.registry.tags["sender"] = {"sha-1": a_digest(), "branch-main": a_digest("old")}
    move_tag(MoveTag("sender", "branch-main", a_digest()), stage.world())
    assert stage.registry.tags["sender"]["branch-main"] == a_digest()
    assert stage.registry.pushed == []


def test_a_stale_plan_asks_for_nothing(stage: Stage) -> None:
    """When the service changed since the plan was made, no deployment is asked for or noted."""
    environment, release = an_environment(), a_release()
    step = Deploy(
        environment,
        release,
        task_definition(release, environment),
        Purpose.DELIVERY,
        create=True,
        after=None,
    )
    with pytest.raises(PlanIsStale):
        deploy(step, stage.world(), "made from something else")
    with pytest.raises(PlanIsStale):
        apply(Plan((step,), "made from something else"), stage.world())
    assert stage.orchestrator.deployments == []
    assert not any(isinstance(event, DeploymentRequested) for event in stage.events)
    assert stage.events[-1] == StepEnded(
        f"deploy {release.name} to preprod, as a new service",
        "errored",
        "the service in preprod changed while this was being planned",
        0.0,
    )


def test_the_fakes_complain_when_misused(stage: Stage) -> None:
    """What would be a fault against the real thing is one against the fakes, too."""
    world = stage.world()
    with pytest.raises(Misuse, match="never built here"):
        world.builder.push("127.0.0.1:5000/sender:x", on_line=print)
    with pytest.raises(Misuse, match="no moving tag"):
        world.registry.point("sender", "sha-1", a_digest())
    definition = task_definition(a_release(), an_environment())
    with pytest.raises(Misuse, match="nobody made the place"):
        world.orchestrator.deploy(an_environment(), definition, tags=(), create=True)


def test_asking_twice_for_one_deployment_is_misuse(stage: Stage) -> None:
    """A second request for what is under way is what the whole design is to prevent."""
    ecs, environment = stage.orchestrator, an_environment()
    definition, tags = task_definition(a_release(), environment), (("shipway:release", "r"),)
    ecs.ensure_place(environment)
    ecs.deploy(environment, definition, tags=tags, create=True)
    with pytest.raises(Misuse, match="asked twice"):
        ecs.deploy(environment, definition, tags=tags, create=False)
