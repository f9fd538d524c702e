"""The image is built beside the checks; nothing is pushed unless all of it went well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Barrier, Event

import pytest

from shipway.errors import CheckFailed, EngineIsDown, ImageBuildFailed, SecretIsMissing
from shipway.events.types import ChecksEnded
from shipway.model.release import Commit
from shipway.model.service import ImageRules
from shipway.ports import NOTHING, Cancel, OnLine
from shipway.testing.builders import Stage, a_check, a_service, a_source, an_environment
from shipway.testing.fakes import FakeBuilder, Script
from shipway.testing.machine import PATIENCE_S
from tests.apply.checking import acting, built, end_of, ended, go, keyed, ran
from tests.apply.travelling import deliver, ends_with, recorded

IMAGE = "image build"


@pytest.fixture
def stage() -> Stage:
    """An empty world."""
    stage = Stage()
    stage.tree.texts = {"src/a.ts": "a"}
    return stage


class Building(FakeBuilder):
    """A builder that meets others at a barrier; one that `hangs` builds until it is cancelled."""

    def __init__(self, stage: Stage, meets: Barrier | None = None, *, hangs: bool = False) -> None:
        super().__init__(stage.registry, stage.calls)
        self.meets, self.hangs = meets, hangs
        stage.builder = self

    def build(
        self,
        image: ImageRules,
        *,
        commit: Commit,
        reference: str,
        labels: tuple[tuple[str, str], ...],
        on_line: OnLine,
        secrets: Mapping[str, str] = NOTHING,
        cache: tuple[str, ...] = (),
        cancel: Cancel | None = None,
    ) -> bool:
        """Meet, hang, and build."""
        if self.meets:
            self.meets.wait(PATIENCE_S)
        if self.hangs:
            assert cancel is not None
            until(cancel.wanted)
        return super().build(
            image,
            commit=commit,
            reference=reference,
            labels=labels,
            on_line=on_line,
            secrets=secrets,
            cache=cache,
            cancel=cancel,
        )


def until(happened: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    for _ in range(int(PATIENCE_S * 1000)):
        if happened():
            return
        Event().wait(0.001)
    raise AssertionError("it never happened")


def test_the_image_is_built_while_checks_run(stage: Stage) -> None:
    """The build and a check are under way at once, though there is one slot."""
    both = Barrier(2)
    Building(stage, both)
    stage.shell.scripts["lint"] = Script(meets=both)
    go(stage, built(a_check("lint")), world=stage.world(slots=1))
    assert stage.builder.builds == 1
    assert ended(stage)[IMAGE].outcome == "passed"


def test_the_build_is_no_check(stage: Stage) -> None:
    """What is remembered of the checks of a commit does not name the build."""
    go(stage, built(a_check("lint")))
    assert end_of(stage).checks == ("lint: passed",)


def test_the_image_waits_for_what_it_takes_in(stage: Stage) -> None:
    """An image that needs a check is built after it has passed."""
    order: list[str] = []
    acting(stage).acts["pack"] = lambda: order.append(f"pack, {stage.builder.builds} built")
    go(stage, built(a_check("pack"), needs=("pack",)))
    assert (order, stage.builder.builds) == (["pack, 0 built"], 1)


def test_an_image_whose_need_failed_is_not_built(stage: Stage) -> None:
    """An image that needs a check is never built where that has failed."""
    stage.shell.scripts["pack"] = Script(status=1)
    with pytest.raises(CheckFailed):
        go(stage, built(a_check("pack"), needs=("pack",)))
    assert stage.builder.builds == 0
    assert IMAGE not in ended(stage)


def test_an_image_whose_need_is_a_hit_is_built_at_once(stage: Stage) -> None:
    """A check that has its result from the cache holds up no image."""
    go(stage, built(keyed("pack"), needs=("pack",)))
    go(stage, built(keyed("pack"), needs=("pack",)), "run-2")
    assert (ran(stage), stage.builder.builds) == ([], 2)


def test_a_failing_check_stops_the_build(stage: Stage) -> None:
    """The first check that fails ends the build, which is told as aborted and not blamed."""
    both = Barrier(2)
    Building(stage, both, hangs=True)
    stage.shell.scripts["lint"] = Script(status=1, meets=both)
    with pytest.raises(CheckFailed) as found:
        go(stage, built(a_check("lint")))
    assert stage.builder.builds == 0
    assert (ended(stage)[IMAGE].outcome, ended(stage)[IMAGE].reason) == (
        "aborted",
        "a check failed first",
    )
    assert IMAGE not in found.value.message


def test_a_failing_build_stops_the_checks(stage: Stage) -> None:
    """An image that cannot be built ends the checks, which are told as aborted."""
    both = Barrier(2)
    Building(stage, both).build_problem = ImageBuildFailed("no such stage")
    stage.shell.scripts["slow"] = Script(meets=both, hangs=True)
    with pytest.raises(ImageBuildFailed, match="no such stage"):
        go(stage, built(a_check("slow"), a_check("after", needs=("slow",))))
    assert ended(stage)[IMAGE].outcome == "failed"
    assert end_of(stage).checks == ("slow: aborted", "after: skipped")
    assert end_of(stage).outcome == "failed"


def test_an_engine_that_is_down_is_no_failure_of_the_commit(stage: Stage) -> None:
    """A build without an answer is errored, and the run ends as retryable."""
    stage.builder.build_problem = EngineIsDown("the engine does not answer")
    with pytest.raises(EngineIsDown) as found:
        go(stage, built(a_check("lint"), needs=("lint",)))
    assert found.value.exit_status == 5
    assert ended(stage)[IMAGE].outcome == "errored"


def test_a_failing_check_is_told_before_a_failing_build(stage: Stage) -> None:
    """Where both fail, the check is what the run ends with."""
    both = Barrier(2)
    Building(stage, both).build_problem = ImageBuildFailed("no such stage")
    stage.shell.scripts["lint"] = Script(status=1, meets=both)
    with pytest.raises(CheckFailed):
        go(stage, built(a_check("lint")))
    assert ended(stage)[IMAGE].outcome == "failed"


def test_a_secret_of_the_image_is_given_and_hidden(stage: Stage) -> None:
    """The build gets the value of a secret, which nothing that is told holds."""
    stage.secrets.values["file:.npmrc"] = "hunter2-hunter2"
    wanted = built(a_check("lint"))
    assert wanted.build is not None
    image = replace(wanted.build.image, secrets=(("npmrc", "file:.npmrc"),))
    go(stage, replace(wanted, build=replace(wanted.build, image=image)))
    assert stage.builder.got_secrets == {"npmrc": "hunter2-hunter2"}
    assert [e for e in stage.events if "hunter2" in str(e)] == []


def test_a_secret_that_leads_nowhere_ends_the_build(stage: Stage) -> None:
    """A build whose secret cannot be had is errored and nothing is built."""
    wanted = built(a_check("lint"))
    assert wanted.build is not None
    image = replace(wanted.build.image, secrets=(("npmrc", "file:.npmrc"),))
    with pytest.raises(SecretIsMissing):
        go(stage, replace(wanted, build=replace(wanted.build, image=image)))
    assert (ended(stage)[IMAGE].outcome, stage.builder.builds) == ("errored", 0)


SERVICE = a_service(checks=(a_check("lint"),), environments=(an_environment(),))


def check_ends(stage: Stage) -> list[str]:
    """With which outcome checks ended, each time."""
    return [e.outcome for e in stage.events if isinstance(e, ChecksEnded)]


def test_nothing_is_pushed_where_a_check_failed(stage: Stage) -> None:
    """A delivery whose check fails leaves no image in the registry and no release."""
    stage.shell.scripts["lint"] = Script(status=1)
    with pytest.raises(CheckFailed):
        deliver(stage, a_source("a"), service=SERVICE)
    assert (stage.registry.pushed, recorded(stage)) == ([], [])
    assert ends_with(stage).exit_status == 3


def test_an_image_that_was_built_in_vain_is_not_pushed(stage: Stage) -> None:
    """An image that is finished before its check fails stays where it was built."""
    shell = acting(stage)
    shell.acts["lint"] = lambda: until(lambda: stage.builder.builds == 1)
    shell.scripts["lint"] = Script(status=1)
    with pytest.raises(CheckFailed):
        deliver(stage, a_source("a"), service=SERVICE)
    assert (stage.builder.builds, stage.registry.pushed) == (1, [])


def test_checks_that_passed_are_not_run_again_for_the_image(stage: Stage) -> None:
    """Where all checks passed and the image failed, the next delivery builds and checks nothing."""
    stage.builder.build_problem = ImageBuildFailed("no such stage")
    service = replace(SERVICE, image=replace(SERVICE.image, needs=("lint",)))
    with pytest.raises(ImageBuildFailed):
        deliver(stage, a_source("a"), service=service, run="run-1")
    assert check_ends(stage) == ["passed"]
    stage.builder.build_problem = None
    deliver(stage, a_source("a"), service=service, run="run-2")
    assert ran(stage) == ["lint"]
    assert check_ends(stage) == ["passed"]
    assert len(recorded(stage)) == 1
