"""The rollout's limits and counts, on scripted tasks and a virtual clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shipway.local.ecs.breaker import threshold_for
from shipway.local.ecs.runtime_virtual import Script

if TYPE_CHECKING:
    from tests.local_ecs.ecs_stage import Stage


@pytest.mark.parametrize(
    ("kind", "value", "desired", "expected"),
    [
        ("BOUNDED_PERCENT", 50, 1, 3),
        ("BOUNDED_PERCENT", 50, 25, 13),
        ("BOUNDED_PERCENT", 50, 1000, 200),
        ("UNBOUNDED_PERCENT", 50, 2, 1),
        ("UNBOUNDED_PERCENT", 50, 1000, 500),
        ("COUNT", 2, 100, 2),
    ],
)
def test_threshold(kind: str, value: int, desired: int, expected: int) -> None:
    """The breaker trips at half the desired count, within 3 and 200 unless told otherwise."""
    assert threshold_for(kind, value, desired) == expected


@pytest.mark.parametrize(
    ("minimum", "maximum", "fewest", "most"),
    [(100, 200, 4, 8), (50, 100, 2, 4), (100, 150, 4, 6), (0, 100, 0, 4)],
)
def test_percent_limits_hold_at_every_moment(
    virtual: Stage, minimum: int, maximum: int, fewest: int, most: int
) -> None:
    """During a rolling update the tasks never leave the percent limits."""
    service = virtual.serve("good", count=4)
    service.until_over()
    limits = {"minimumHealthyPercent": minimum, "maximumPercent": maximum}
    service.update(taskDefinition=virtual.register("better"), deploymentConfiguration=limits)
    seen = []
    while service.deployment()["status"] in {"PENDING", "IN_PROGRESS"}:
        virtual.pass_time(0.25)
        shown = service.service()
        seen.append((shown["runningCount"], shown["runningCount"] + shown["pendingCount"]))

    assert service.deployment()["status"] == "SUCCESSFUL"
    assert min(running for running, _ in seen) >= fewest
    assert max(total for _, total in seen) <= most


def test_without_checks_a_task_counts_after_the_settling_time(virtual: Stage) -> None:
    """With neither load balancer nor health check a task counts 40 s after RUNNING."""
    service = virtual.serve("good", balanced=False)
    virtual.pass_time(38)
    assert service.deployment()["status"] == "IN_PROGRESS"
    virtual.pass_time(10)
    assert service.deployment()["status"] == "SUCCESSFUL"


def test_container_health_check_decides(virtual: Stage) -> None:
    """With a container health check a task counts when it is HEALTHY, and fails when it is not."""
    check = {"command": ["CMD-SHELL", "true"]}
    group = virtual.serve("good", balanced=False)
    group.update(taskDefinition=virtual.register("good", healthCheck=check))
    assert group.until_over() == "SUCCESSFUL"
    assert {t["healthStatus"] for t in group.tasks()} == {"HEALTHY"}

    group.update(taskDefinition=virtual.register("sick", healthCheck=check))
    assert group.until_over(120) == "ROLLBACK_SUCCESSFUL"
    assert "failed container health checks." in group.messages()


def test_grace_period_spares_a_slow_start(virtual: Stage) -> None:
    """Bad target health within the grace period is ignored."""
    assert virtual.runtime is not None
    virtual.runtime.scripts["slow"] = Script(healthy_after_s=None, unhealthy_after_s=2.0)
    service = virtual.serve("good")
    service.until_over()
    service.update(taskDefinition=virtual.register("slow"), healthCheckGracePeriodSeconds=60)

    virtual.pass_time(50)
    assert service.deployment()["status"] == "IN_PROGRESS"
    assert service.service()["deployments"][0]["failedTasks"] == 0
    assert service.until_over(600) == "ROLLBACK_SUCCESSFUL"


def test_without_breaker_a_crash_loop_slows_down(virtual: Stage) -> None:
    """Without a breaker tasks are started for ever, at a growing distance."""
    service = virtual.serve("good", count=1)
    service.until_over()
    off = {"deploymentCircuitBreaker": {"enable": False, "rollback": False}}
    service.update(taskDefinition=virtual.register("crash"), deploymentConfiguration=off)
    virtual.pass_time(60)
    early = service.service()["deployments"][0]["failedTasks"]
    virtual.pass_time(60)
    late = service.service()["deployments"][0]["failedTasks"] - early

    assert service.deployment()["status"] == "IN_PROGRESS"
    assert 0 < late < early
    assert "is unable to consistently start tasks successfully." in service.messages()


def test_thirty_minutes_pass_at_once_and_the_same_each_time(virtual: Stage) -> None:
    """Half an hour of virtual time changes nothing in a steady service but the clock."""
    service = virtual.serve("good")
    service.until_over()
    tasks = {t["taskArn"] for t in service.tasks()}
    virtual.pass_time(1800)
    assert {t["taskArn"] for t in service.tasks()} == tasks
    assert service.messages().count("steady state") == 1


def test_stopped_tasks_stay_visible_for_an_hour(virtual: Stage) -> None:
    """A stopped task can be described for an hour of clock time, then it is gone."""
    service = virtual.serve("good", count=1, balanced=False)
    virtual.pass_time(5)
    arn = service.tasks()[0]["taskArn"]
    virtual.ecs.stop_task(cluster="main", task=arn, reason="because")
    virtual.pass_time(3500)
    task = virtual.ecs.describe_tasks(cluster="main", tasks=[arn])["tasks"][0]
    assert (task["lastStatus"], task["stoppedReason"]) == ("STOPPED", "because")
    assert task["stopCode"] == "UserInitiated"
    virtual.pass_time(200)
    reply = virtual.ecs.describe_tasks(cluster="main", tasks=[arn])
    assert reply["failures"][0]["reason"] == "MISSING"


def test_draining_waits_for_sessions(virtual: Stage) -> None:
    """An old task keeps running until its sessions are over."""
    assert virtual.runtime is not None
    virtual.runtime.scripts["busy"] = Script(drain_s=20.0)
    service = virtual.serve("busy", count=1)
    service.until_over()
    old = service.tasks()[0]["taskArn"]
    service.update(taskDefinition=virtual.register("better"))
    virtual.until(lambda: "draining" in service.messages())
    virtual.pass_time(15)
    task = virtual.ecs.describe_tasks(cluster="main", tasks=[old])["tasks"][0]
    assert task["lastStatus"] == "DEACTIVATING"
    assert service.until_over() == "SUCCESSFUL"


def test_a_busy_machine_takes_no_crash_for_a_success(virtual: Stage) -> None:
    """Tasks are judged at the last look: what died unseen since then completes nothing."""
    assert virtual.runtime is not None
    service = virtual.steady()
    service.update(taskDefinition=virtual.register("crash"))
    virtual.pass_time(2)

    virtual.runtime.busy = True
    virtual.pass_time(20)
    assert service.deployment()["status"] == "IN_PROGRESS"

    virtual.runtime.busy = False
    assert service.until_over() == "ROLLBACK_SUCCESSFUL"
