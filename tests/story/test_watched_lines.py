"""How a deployment that is watched reads: one line for each move, and what a person has to do."""

from __future__ import annotations

import pytest

from shipway.events.types import Event
from shipway.events.watching import DeploymentMoved, DeploymentPaused, EcsSaid, TaskStopped
from shipway.views.plain import lines_of

CASES: list[tuple[Event, list[str]]] = [
    (
        DeploymentMoved("preprod", "IN_PROGRESS", 1, 2, 0, sentence="1 of 2 tasks run"),
        ["  1 of 2 tasks run, in progress"],
    ),
    (
        DeploymentMoved("preprod", "IN_PROGRESS", 1, 2, 1, sentence="s", threshold=3),
        ["  1 of 2 tasks run, in progress, 1 of 3 failed"],
    ),
    (
        DeploymentMoved(
            "preprod",
            "IN_PROGRESS",
            2,
            2,
            0,
            sentence="5 % of the traffic, bake",
            stage="BAKE_TIME",
        ),
        ["  5 % of the traffic, bake"],
    ),
    (
        DeploymentMoved("preprod", "ROLLBACK_IN_PROGRESS", 0, 2, 2, sentence="ECS rolls it back"),
        ["  ECS rolls it back, 2 failed"],
    ),
    (
        DeploymentMoved(
            "preprod",
            "IN_PROGRESS",
            2,
            2,
            0,
            sentence="ECS gives it up: a fired",
            alarms_fired=("a",),
        ),
        ["  ECS gives it up: a fired"],
    ),
    (DeploymentMoved("preprod", "SUCCESSFUL", 2, 2, 0), ["  2 of 2 tasks run, successful"]),
    (
        DeploymentMoved("preprod", "ROLLBACK_SUCCESSFUL", 2, 2, 3),
        ["  rollback successful, 3 failed"],
    ),
    (
        DeploymentPaused("preprod", "h1", "BAKE_TIME", 1_800_000_000.0, "ROLLBACK", "go", "back"),
        [
            "  paused: hook h1 waits for a person; at 2027-01-15 08:00:00Z ECS rolls it back",
            "    `go` lets it go on, `back` does not",
        ],
    ),
    (
        DeploymentPaused("preprod", "h1", "", None, "CONTINUE", "go", "back"),
        [
            "  paused: hook h1 waits for a person",
            "    `go` lets it go on, `back` does not",
        ],
    ),
    (
        TaskStopped("preprod", "0123456789abcdef", "boom", 7, ("last",), "crashed"),
        ["  task 0123456789ab stopped (exit 7): boom", "    | last"],
    ),
    (
        TaskStopped("preprod", "t", "RESOURCE:CPU", None, (), "no capacity"),
        ["  task t stopped, no capacity: RESOURCE:CPU"],
    ),
    (EcsSaid("preprod", "has started 2 tasks", trouble=False), []),
    (EcsSaid("preprod", "is unable to", trouble=True), ["  ECS: is unable to"]),
]


@pytest.mark.parametrize(("event", "lines"), CASES)
def test_each_event_has_its_lines(event: Event, lines: list[str]) -> None:
    """Stage, traffic, failures, alarms and pauses are in the lines; what is usual is not."""
    assert lines_of(event, service="sender", run="r") == lines
