"""What every deployment promises, with scripted tasks and with real containers alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.local_ecs.ecs_stage import Stage


def test_new_service_completes_only_with_all_tasks_running(stage: Stage) -> None:
    """A first deployment succeeds once the desired tasks run and their targets are healthy."""
    service = stage.serve("good")
    assert service.service()["deployments"][0]["rolloutState"] == "IN_PROGRESS"

    assert service.until_over() == "SUCCESSFUL"

    shown = service.service()
    assert (shown["runningCount"], shown["pendingCount"]) == (2, 0)
    assert shown["deployments"][0]["rolloutState"] == "COMPLETED"
    health = stage.elb.describe_target_health(TargetGroupArn=service.group)
    states = [t["TargetHealth"]["State"] for t in health["TargetHealthDescriptions"]]
    assert states == ["healthy", "healthy"]
    assert "has reached a steady state." in service.messages()


def test_rolling_update_replaces_every_task(stage: Stage) -> None:
    """An update ends with only tasks of the new revision, started by the new deployment."""
    service = stage.steady()
    old = {t["taskArn"] for t in service.tasks()}

    service.update(taskDefinition=stage.register("better"))
    assert service.until_over() == "SUCCESSFUL"

    shown, tasks = service.service(), service.tasks()
    assert len(shown["deployments"]) == 1
    assert {t["startedBy"] for t in tasks} == {shown["deployments"][0]["id"]}
    assert old.isdisjoint(t["taskArn"] for t in tasks)
    assert all(t["containers"][0]["imageDigest"].startswith("sha256:") for t in tasks)
    target = service.deployment()["targetServiceRevision"]
    assert (target["requestedTaskCount"], target["runningTaskCount"]) == (2, 2)


def test_crash_after_three_seconds_rolls_back(stage: Stage) -> None:
    """A container that dies 3 s after each start never completes; the old revision stays."""
    service = stage.steady()
    before = service.service()["taskDefinition"]
    old = {t["taskArn"] for t in service.tasks()}

    service.update(taskDefinition=stage.register("crash"))
    assert service.until_over() == "ROLLBACK_SUCCESSFUL"

    deployment, shown = service.deployment(), service.service()
    assert deployment["deploymentCircuitBreaker"]["status"] == "TRIGGERED"
    assert deployment["deploymentCircuitBreaker"]["failureCount"] >= 3
    assert deployment["rollback"]["serviceRevisionArn"] in {
        r["arn"] for r in deployment["sourceServiceRevisions"]
    }
    assert shown["deployments"][0]["taskDefinition"] == before
    assert shown["taskDefinition"] == before
    assert {t["taskArn"] for t in service.tasks()} == old
    codes = {t["containers"][0].get("exitCode") for t in service.tasks("STOPPED")}
    assert 7 in codes
    assert "deployment failed: tasks failed to start." in service.messages()
    assert "rolling back to deployment ecs-svc/" in service.messages()


def test_failing_health_checks_roll_back(stage: Stage) -> None:
    """An application that answers 500 is replaced, counted and rolled back, with the reason."""
    service = stage.steady()

    service.update(taskDefinition=stage.register("sick"))
    assert service.until_over() == "ROLLBACK_SUCCESSFUL"

    assert "is unhealthy in (target-group" in service.messages()
    assert "Health checks failed with these codes: [500]" in service.messages()


def test_missing_image_rolls_back(stage: Stage) -> None:
    """A task whose image cannot be pulled fails to start, and the deployment rolls back."""
    service = stage.steady()

    service.update(taskDefinition=stage.register("missing"))
    assert service.until_over() == "ROLLBACK_SUCCESSFUL"

    failed = [t for t in service.tasks("STOPPED") if t["stopCode"] == "TaskFailedToStart"]
    assert failed
    assert failed[0]["stoppedReason"].startswith("CannotPullContainerError: ")


def test_newer_update_replaces_the_one_in_flight(stage: Stage) -> None:
    """A second update stops the first deployment, says so, and succeeds itself."""
    service = stage.steady()
    service.update(taskDefinition=stage.register("crash"))
    stage.until(lambda: len(service.tasks()) > 2)
    first = service.deployment()["serviceDeploymentArn"]

    service.update(taskDefinition=stage.register("better"))
    assert service.until_over() == "SUCCESSFUL"

    reply = stage.ecs.describe_service_deployments(serviceDeploymentArns=[first])
    replaced = reply["serviceDeployments"][0]
    assert replaced["status"] == "STOPPED"
    assert replaced["statusReason"] == "Replaced by a new service deployment."


def test_first_deployment_has_nothing_to_roll_back_to(stage: Stage) -> None:
    """A first deployment that fails ends as FAILED and starts no more tasks."""
    service = stage.serve("missing", balanced=False)

    assert service.until_over() == "ROLLBACK_FAILED"

    assert service.service()["deployments"][0]["rolloutState"] == "FAILED"
    stage.until(lambda: not service.tasks())


def test_killed_task_is_replaced(stage: Stage) -> None:
    """A task that dies in a steady service is replaced, and no deployment is started."""
    service = stage.steady()
    deployment, victim = service.deployment()["serviceDeploymentArn"], service.tasks()[0]

    stage.kill(victim)
    stage.until(lambda: victim["taskArn"] not in {t["taskArn"] for t in service.tasks()})
    stage.until(lambda: service.service()["runningCount"] == 2)

    assert service.deployment()["serviceDeploymentArn"] == deployment
    stopped = {t["taskArn"]: t for t in service.tasks("STOPPED")}[victim["taskArn"]]
    assert stopped["stopCode"] == "EssentialContainerExited"
