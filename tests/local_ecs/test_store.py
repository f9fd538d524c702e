"""What survives a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.local.ecs.clock import VirtualClock
from shipway.local.ecs.logs import FileLogs, MemoryLogs
from shipway.local.ecs.plane import ControlPlane
from shipway.local.ecs.runtime_virtual import VirtualBalancer, VirtualRuntime
from shipway.local.ecs.settings import Settings
from shipway.local.ecs.store import FileStore
from tests.local_ecs.ecs_stage import SCRIPTS, Running, Stage

if TYPE_CHECKING:
    from pathlib import Path


def open_stage(path: Path, clock: VirtualClock) -> Stage:
    """Start a plane that keeps its state in `path`."""
    runtime = VirtualRuntime(clock, SCRIPTS)
    plane = ControlPlane(
        Settings(),
        runtime=runtime,
        balancer=VirtualBalancer(runtime, clock),
        clock=clock,
        store=FileStore(path),
    )
    return Stage(plane, plane.start(), clock, MemoryLogs(), print, virtual=True, runtime=runtime)


def test_services_come_back_and_a_deployment_goes_on(tmp_path: Path) -> None:
    """After a restart old tasks are STOPPED, new ones run, and the update in flight completes."""
    clock, path = VirtualClock(), tmp_path / "state" / "ecs.json"
    stage = open_stage(path, clock)
    service = stage.serve("good")
    service.until_over()
    service.update(taskDefinition=stage.register("better"))
    stage.pass_time(0.5)
    arn = service.deployment()["serviceDeploymentArn"]
    old = {t["taskArn"] for t in service.tasks()}
    stage.close()

    stage = open_stage(path, clock)
    service = Running(stage, service.name, service.group, service.port)
    assert service.deployment()["serviceDeploymentArn"] == arn
    assert service.until_over() == "SUCCESSFUL"
    stopped = {t["taskArn"]: t for t in service.tasks("STOPPED")}
    assert old <= set(stopped)
    assert service.service()["runningCount"] == 2
    assert service.service()["deployments"][0]["failedTasks"] == 0
    stage.close()
    assert path.stat().st_mode & 0o077 == 0


def test_log_files_stay_in_their_directory(tmp_path: Path) -> None:
    """A stream's name becomes a path below the root, whatever it holds."""
    logs = FileLogs(tmp_path)
    logs.write("/ecs/app", "web/../../x", 1, "line")
    assert (tmp_path / "ecs" / "app" / "web" / "x.log").read_text() == "1 line\n"


def test_a_pause_survives_a_restart(tmp_path: Path) -> None:
    """A deployment that waits for an answer still waits after a restart, for the same hook."""
    clock, path = VirtualClock(), tmp_path / "ecs.json"
    stage = open_stage(path, clock)
    hook = {"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}
    service = stage.shifting(
        {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [hook]}
    )
    service.until_over()
    service.update(taskDefinition=stage.register("better"))
    stage.until(lambda: bool(service.deployment().get("lifecycleHookDetails")))
    waiting = service.deployment()["lifecycleHookDetails"]
    stage.close()

    stage = open_stage(path, clock)
    service = Running(stage, service.name, service.group, service.port, service.rule)
    shown = service.deployment()
    assert shown["lifecycleHookDetails"] == waiting
    stage.ecs.continue_service_deployment(
        serviceDeploymentArn=shown["serviceDeploymentArn"], hookId=waiting[0]["hookId"]
    )
    assert service.until_over() == "SUCCESSFUL"
    assert service.weights() == [0, 100]
    stage.close()
