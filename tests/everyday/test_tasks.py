"""`shipway tasks`: what runs, what stopped, and why."""

from __future__ import annotations

import pytest

from shipway.environments.task_reasons import capacity_problems, why_stopped
from shipway.model.operations import ContainerState, ServiceEvent, TaskState
from shipway.testing.builders import a_release
from tests.everyday.conftest import configured
from tests.everyday.logs import Logs, awslogs
from tests.local_ecs.ecs_stage import Running, Stage
from tests.story.telling import PRODUCTION, A, Story
from tests.story.test_cli_verbs import Terminal


def served(stage: Stage, behaviour: str, count: int = 2) -> Running:
    """Make a service whose containers log."""
    stage.count += 1
    name = f"logged{stage.count}"
    stage.ecs.create_service(
        cluster="main",
        serviceName=name,
        taskDefinition=stage.register(behaviour, **awslogs()),
        desiredCount=count,
    )
    return Running(stage, name, "", 0)


def rows(shipway: Terminal, kind: str) -> list[dict[str, object]]:
    """Return the tasks of one kind that the last command told of."""
    found = shipway.answer[kind]
    assert isinstance(found, list)
    return found


def test_running_tasks_are_shown(shipway: Terminal, stage: Stage) -> None:
    """Each running task has its state, since when, and where it listens."""
    service = served(stage, "good")
    stage.until(lambda: service.service()["runningCount"] == 2)
    assert configured(shipway, service.name)("tasks", "production", "--json") == 0
    running = rows(shipway, "running")
    assert {row["task"] for row in running} == {
        t["taskArn"].rpartition("/")[2] for t in service.tasks()
    }
    assert all(row["status"] == "RUNNING" and row["since"] for row in running)
    assert all(str(row["address"]).startswith("127.0.0.1:") for row in running)
    assert shipway("tasks", "production") == 0
    assert "production: 2 tasks" in shipway.out


def test_a_wrong_digest_is_told(shipway: Terminal, stage: Stage) -> None:
    """A task that runs another image than the live release is called wrong, by both outputs."""
    service = served(stage, "good")
    stage.until(lambda: service.service()["runningCount"] == 2)
    configured(shipway, service.name).remember(Story().recorded(A).live(A, PRODUCTION))
    assert shipway("tasks", "production", "--json") == 0
    assert [row["right"] for row in rows(shipway, "running")] == [False, False]
    assert shipway("tasks", "production") == 0
    assert "2 of 2 do not run the live release" in shipway.out


def test_the_right_digest_is_told(shipway: Terminal, stage: Stage) -> None:
    """A task that runs the live release's digest is called right, with the release's name."""
    service = served(stage, "good")
    stage.until(lambda: service.service()["runningCount"] == 2)
    good = a_release("good")
    configured(shipway, service.name).remember(Story().recorded(good).live(good, PRODUCTION))
    assert shipway("tasks", "production") == 0
    assert shipway.out.count(f"right ({good.name})") == 2


def test_why_a_task_stopped(shipway: Terminal, stage: Stage, logs: Logs) -> None:
    """A crashed task is shown with code, reason, exit code, what to do, and its last lines."""
    service = served(stage, "crash", count=1)
    stage.until(lambda: bool(service.tasks("STOPPED")))
    task = service.tasks("STOPPED")[0]["taskArn"].rpartition("/")[2]
    logs.write(f"app/web/{task}", 1_000, "starting", "cannot reach the database")
    assert configured(shipway, service.name)("tasks", "production", "--json") == 0, shipway.err
    stopped = next(row for row in rows(shipway, "stopped") if row["task"] == task)
    assert stopped["containers"] == [{"name": "web", "exit_code": 7, "reason": ""}]
    assert stopped["last_lines"] == ["starting", "cannot reach the database"]
    assert shipway("tasks", "production") == 0
    assert "EssentialContainerExited" in shipway.out
    assert "web: exit code 7" in shipway.out
    assert "    | cannot reach the database" in shipway.out


def test_an_image_that_is_missing_is_explained(shipway: Terminal, stage: Stage, logs: Logs) -> None:
    """A task that cannot pull its image says so, and what to look at."""
    assert logs.events == []
    service = served(stage, "missing", count=1)
    stage.until(lambda: bool(service.tasks("STOPPED")))
    assert configured(shipway, service.name)("tasks", "production") == 0
    assert "CannotPullContainerError" in shipway.out
    assert "-> the image is not in the registry" in shipway.out


def test_more_than_a_hundred_tasks(shipway: Terminal, stage: Stage) -> None:
    """A service of 230 tasks is shown whole: lists come in pages, descriptions in hundreds."""
    service = served(stage, "good", count=230)
    stage.until(lambda: service.service()["runningCount"] == 230)
    assert configured(shipway, service.name)("tasks", "production", "--json") == 0
    assert len({row["task"] for row in rows(shipway, "running")}) == 230


@pytest.mark.parametrize("cluster", ["main", "elsewhere"])
def test_a_service_that_is_not_there(shipway: Terminal, cluster: str) -> None:
    """Without the service, or without its cluster, the error says where it was looked for."""
    configured(shipway, "nobody")
    text = (shipway.root / "shipway.yaml").read_text()
    shipway.configure(text.replace("cluster: main", f"cluster: {cluster}"))
    assert shipway("tasks", "production") == 2
    assert f"there is no ECS service 'nobody' in cluster '{cluster}'" in shipway.err


def stopped(reason: str, code: str = "", exit_code: int | None = None, said: str = "") -> TaskState:
    """A stopped task of one container."""
    container = ContainerState("web", "image", "STOPPED", exit_code=exit_code, reason=said)
    return TaskState(
        "arn:task/main/1", "STOPPED", "STOPPED", "d:1", stop_code=code, reason=reason,
        containers=(container,),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("task", "advice"),
    [
        (
            stopped(
                "Essential container in task exited",
                "EssentialContainerExited",
                137,
                "OutOfMemoryError: Container killed due to memory usage",
            ),
            "more memory",
        ),
        (stopped("", "EssentialContainerExited", 137), "SIGKILL"),
        (stopped("", "EssentialContainerExited", 127), "does not exist in the image"),
        (stopped("", "EssentialContainerExited", 1), "see its last lines"),
        (stopped("", "EssentialContainerExited", 1, "exec format error"), "another processor"),
        (
            stopped("Task failed ELB health checks in (target-group arn:x)", "ServiceSched"),
            "did not answer its health check",
        ),
        (
            stopped("ResourceInitializationError: unable to pull secrets or registry auth"),
            "secret or parameter",
        ),
        (stopped("CannotPullContainerError: pull access denied, 403"), "may not pull"),
        (stopped("CannotPullContainerError: dial tcp: i/o timeout"), "do not reach the registry"),
    ],
)
def test_reasons_come_with_advice(task: TaskState, advice: str) -> None:
    """What ECS says of a failed task is translated into what to look at."""
    why = why_stopped(task)
    assert advice in why.advice
    assert not why.expected
    assert not why.capacity


def test_what_was_meant_to_stop_needs_no_advice() -> None:
    """Scaling in and a person's stop are expected, and nobody is sent to look for a fault."""
    scaled = stopped("Scaling activity initiated by (deployment ecs-svc/1)", "ServiceScheduler")
    for task in (scaled, stopped("Task stopped by user", "UserInitiated", 143)):
        why = why_stopped(task)
        assert why.expected
        assert why.advice == ""


def test_a_task_without_any_reason_says_so() -> None:
    """A task that ECS tells nothing of is not shown with an empty reason."""
    assert why_stopped(TaskState("t", "STOPPED", "STOPPED", "d")).what == "ECS gives no reason"


@pytest.mark.parametrize(
    "text",
    [
        "Capacity is unavailable at this time. Please try again later",
        "(service web) was unable to place a task because no container instance met all of its",
        "You've reached the limit on the number of vCPUs you can run concurrently.",
        "RESOURCE:ENI",
        "InsufficientFreeAddressesInSubnet",
    ],
)
def test_no_capacity_is_told_apart(text: str) -> None:
    """Want of room is told as such: nothing in the service can cure it."""
    assert why_stopped(stopped(text)).capacity
    steady = ServiceEvent("1", 1.0, "(service web) has reached a steady state.")
    lacking = ServiceEvent("2", 2.0, text)
    assert capacity_problems((lacking, steady)) == (lacking,)
    assert capacity_problems((steady, lacking)) == ()
