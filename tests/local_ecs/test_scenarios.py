"""Every scenario file, played on scripted tasks and a virtual clock."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.local_ecs.scenario import Scenario

if TYPE_CHECKING:
    from tests.local_ecs.ecs_stage import Stage

FILES = sorted((Path(__file__).parent / "scenarios").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scenario(virtual: Stage, path: Path) -> None:
    """What the file says happens, at the second that it says."""
    Scenario.read(path).play(virtual)


def test_a_wrong_expectation_fails(virtual: Stage) -> None:
    """A scenario that expects something else than what happens is red."""
    document = {
        "strategy": {},
        "then": [{"at": 1, "status": "SUCCESSFUL"}],
        "ends": "SUCCESSFUL",
        "within": 60,
    }
    with pytest.raises(AssertionError, match=r"at second 1\.0"):
        Scenario("wrong", document).play(virtual)


def test_half_an_hour_takes_a_fraction_of_a_second(virtual: Stage) -> None:
    """A deployment of half an hour of virtual time is over in less than a real second."""
    service = virtual.shifting(
        {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 30},
    )
    service.until_over()
    service.update(taskDefinition=virtual.register("better"))
    began, started = time.perf_counter(), virtual.clock.now()
    virtual.pass_time(1830)
    assert service.deployment()["status"] == "SUCCESSFUL"
    assert virtual.clock.now() - started >= 1800
    assert time.perf_counter() - began < 1.0
