"""`shipway exec`: what is missing is said first; then the plugin, or docker, takes over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shipway.cli.exec import choose
from shipway.environments.exec_access import obstacles
from shipway.errors import WrongUsage
from shipway.local.ecs.wire.errors import AwsError
from shipway.model.operations import ContainerState, ExecPlace, TaskState
from tests.everyday.aws_stub import AwsStub
from tests.everyday.conftest import configured, surroundings
from tests.everyday.test_logs import embed
from tests.local_ecs.ecs_stage import Running, Stage, make_docker
from tests.story.test_cli_verbs import CONFIGURATION, Terminal

PLUGIN = """\
#!/bin/sh
printf '%s\\n' "$@" > "$RECORD"
read line && echo "shell says: $line"
exit 5
"""


def enabled(stub: AwsStub, agent: str = "RUNNING") -> None:
    """Let ECS say that ECS Exec is on, with an agent in that state."""

    def service(reply: dict[str, Any]) -> dict[str, Any]:
        for each in reply["services"]:
            each["enableExecuteCommand"] = True
        return reply

    def task(reply: dict[str, Any]) -> dict[str, Any]:
        for each in reply["tasks"]:
            each["enableExecuteCommand"] = True
            for container in each["containers"]:
                container["managedAgents"] = [{"name": "ExecuteCommandAgent", "lastStatus": agent}]
        return reply

    def definition(reply: dict[str, Any]) -> dict[str, Any]:
        reply["taskDefinition"]["taskRoleArn"] = "arn:aws:iam::123456789012:role/sender"
        return reply

    stub.amended |= {
        "ecs:DescribeServices": service,
        "ecs:DescribeTasks": task,
        "ecs:DescribeTaskDefinition": definition,
    }


@pytest.fixture
def service(
    shipway: Terminal, stage: Stage, stub: AwsStub, monkeypatch: pytest.MonkeyPatch
) -> Running:
    """A service of two tasks on the plane, behind the stub."""
    found = stage.serve("good", balanced=False)
    stage.until(lambda: found.service()["runningCount"] == 2)
    configured(shipway, found.name)
    stub.plane = stage.endpoint.url
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", stub.url)
    return found


def test_what_is_missing_is_said_all_at_once(
    shipway: Terminal, service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exec that is off, no task role and no plugin: each with its cure, and nothing is opened."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert service.name
    assert shipway("exec", "production") == 2
    for said in (
        "ECS Exec is off for the service (enableExecuteCommand)",
        "-> aws ecs update-service --enable-execute-command --force-new-deployment",
        "the task definition has no task role",
        "session-manager-plugin is not on the PATH",
    ):
        assert said in shipway.err


def test_an_agent_that_does_not_run_is_said(
    shipway: Terminal, service: Running, stub: AwsStub
) -> None:
    """A managed agent that stopped is named, with the permissions that cannot be proven."""
    enabled(stub, "STOPPED")
    assert service.name
    assert shipway("exec", "production", "--json") == 0
    missing = shipway.answer["missing"]
    assert isinstance(missing, list)
    assert missing[0]["what"] == "the agent for ECS Exec in the container is STOPPED"
    assert "ssmmessages:" in missing[0]["fix"]


def test_the_plugin_gets_what_the_aws_cli_gives_it(
    shipway: Terminal, stage: Stage, service: Running, stub: AwsStub
) -> None:
    """A program of the plugin's name gets session, region, target and end point, and our stdin."""
    enabled(stub)
    session = {"sessionId": "s-1", "streamUrl": "wss://x", "tokenValue": "token"}
    stub.answers["ecs:ExecuteCommand"] = lambda _: {"session": session}
    program = plugin(shipway.root)
    task = service.tasks()[0]
    done = subprocess.run(
        (*SHIPWAY, "exec", "production", "--task", task["taskArn"], "--", "ls", "-l", "a b"),
        cwd=shipway.root,
        env={
            **os.environ,
            **surroundings(shipway.root, stage, stub),
            "AWS_ENDPOINT_URL_ECS": stub.url,
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "RECORD": str(shipway.root / "record"),
        },
        input="hello\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (5, "shell says: hello\n"), done.stderr
    got = (shipway.root / "record").read_text().splitlines()
    short, runtime = task["taskArn"].rpartition("/")[2], task["containers"][0]["runtimeId"]
    assert json.loads(got[0]) == session
    assert got[1:4] == ["eu-central-1", "StartSession", ""]
    assert json.loads(got[4]) == {"Target": f"ecs:main_{short}_{runtime}"}
    assert got[5] == stub.url
    name, asked = stub.asked[-1]
    assert name == "ecs:ExecuteCommand"
    assert (asked["command"], asked["interactive"], asked["container"]) == (
        "ls -l 'a b'",
        True,
        "web",
    )


SHIPWAY = (sys.executable, "-P", "-m", "shipway")


def plugin(folder: Path) -> Path:
    """Write a program of the plugin's name that records its arguments."""
    program = folder / "bin" / "session-manager-plugin"
    program.parent.mkdir()
    program.write_text(PLUGIN, encoding="utf-8")
    program.chmod(0o755)
    return program


def test_a_refused_session_says_why(
    shipway: Terminal, service: Running, stub: AwsStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When ECS cannot connect, its words come with the permission that is mostly missing."""
    enabled(stub)

    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise AwsError("TargetNotConnectedException", "The execute command failed")

    stub.answers["ecs:ExecuteCommand"] = refuse
    monkeypatch.setenv("PATH", f"{plugin(shipway.root).parent}:{os.environ['PATH']}")
    assert service.name
    assert shipway("exec", "production") == 2
    assert "The execute command failed" in shipway.err
    assert "ssmmessages" in shipway.err


def test_access_denied_is_not_a_missing_prerequisite(
    shipway: Terminal, service: Running, stub: AwsStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused ExecuteCommand reads as access denied, exit 5, never as something missing."""
    enabled(stub)

    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise AwsError("AccessDeniedException", "not authorized")

    stub.answers["ecs:ExecuteCommand"] = refuse
    monkeypatch.setenv("PATH", f"{plugin(shipway.root).parent}:{os.environ['PATH']}")
    assert service.name
    assert shipway("exec", "production", "--json") == 0
    assert shipway("exec", "production") == 5
    assert "AccessDeniedException" in shipway.err


WELL = ExecPlace(
    "main",
    TaskState("t/1", "RUNNING", "RUNNING", "d", exec_enabled=True),
    ContainerState("web", "i", "RUNNING", agent="RUNNING"),
    service_enabled=True,
    task_role="arn",
    read_only=False,
)


def test_nothing_missing_is_nothing_said() -> None:
    """A container that has all that ECS Exec needs has no obstacle; a read-only one has."""
    assert obstacles(WELL, plugin=True) == ()
    read_only = ExecPlace("main", WELL.task, WELL.container, True, "arn", True)  # noqa: FBT003 - facts
    assert [o.what for o in obstacles(read_only, plugin=True)] == [
        "the container's root file system is read-only"
    ]


def test_an_older_task_needs_a_newer_one() -> None:
    """Exec turned on after a task started does not reach into that task."""
    old = TaskState("t/1", "RUNNING", "RUNNING", "d", exec_enabled=False)
    place = ExecPlace("main", old, WELL.container, True, "arn", False)  # noqa: FBT003 - facts
    assert "started before" in obstacles(place, plugin=True)[0].what


def a_task(name: str, started: float, status: str = "RUNNING") -> TaskState:
    """A task."""
    return TaskState(f"task/main/{name}", status, status, "d", started_at=started)


def test_the_newest_running_task_is_chosen() -> None:
    """Without a name the newest running task is meant, with one the task that fits it."""
    tasks = (a_task("aa1", 1), a_task("ab2", 9), a_task("zz3", 99, "STOPPED"))
    assert choose(tasks, "").id == "ab2"
    assert choose(tasks, "aa").id == "aa1"


@pytest.mark.parametrize("named", ["a", "zz3", "nothing"])
def test_a_task_that_is_not_one_is_refused(named: str) -> None:
    """Several that fit, a stopped one and an unknown one: the running ones are listed."""
    tasks = (a_task("aa1", 1), a_task("ab2", 9), a_task("zz3", 99, "STOPPED"))
    with pytest.raises(WrongUsage) as refused:
        choose(tasks, named)
    assert refused.value.hint == "aa1, ab2"


@pytest.mark.docker
def test_a_real_container_is_entered(tmp_path: Path, image: str) -> None:
    """On the embedded default a command runs in the task's own container; its status is ours."""
    assert image
    stage = make_docker("everyday-exec-test")
    try:
        service = stage.serve("good", count=1, balanced=False)
        stage.until(lambda: service.service()["runningCount"] == 1)
        (tmp_path / "shipway.yaml").write_text(
            CONFIGURATION.replace("cluster: production", f"cluster: main, service: {service.name}")
        )
        embed(tmp_path / "state", stage, "http://127.0.0.1:9")
        done = subprocess.run(
            (*SHIPWAY, "exec", "production", "--", "sh", "-c", "cat /www/index.html; exit 9"),
            cwd=tmp_path,
            env={
                **os.environ,
                "SHIPWAY_STATE": str(tmp_path / "state"),
                "SHIPWAY_CACHE": str(tmp_path / "cache"),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stdout) == (9, "ok\n"), done.stderr
    finally:
        stage.close()
