"""What only real containers behind a real HAProxy can show."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from shipway.local.ecs.container_spec import LABEL, local_image
from shipway.local.ecs.docker_api import default_engine
from tests.local_ecs.ecs_stage import IMAGE, make_docker

if TYPE_CHECKING:
    from shipway.local.ecs.document import JsonObject
    from tests.local_ecs.ecs_stage import Stage

pytestmark = pytest.mark.docker


class Load:
    """Clients that ask without a pause and count the answers."""

    def __init__(self, port: int, clients: int = 4) -> None:
        self.answers: dict[object, int] = {}
        self._port = port
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Stop asking."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self._over.is_set():
            try:
                connection.request("GET", "/")
                reply = connection.getresponse()
                reply.read()
                outcome: object = reply.status
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                outcome = type(error).__name__
            with self._lock:
                self.answers[outcome] = self.answers.get(outcome, 0) + 1
        connection.close()


def ended(stage: Stage, arn: str) -> JsonObject:
    """Wait for a task's end and describe it."""

    def task() -> JsonObject:
        found: JsonObject = stage.ecs.describe_tasks(cluster="main", tasks=[arn])["tasks"][0]
        return found

    stage.until(lambda: task()["lastStatus"] == "STOPPED")
    return task()


def run(stage: Stage, command: str, **more: object) -> JsonObject:
    """Run a one-off task to its end."""
    arn = stage.register(command, family="job", **more)
    started = stage.ecs.run_task(cluster="main", taskDefinition=arn)["tasks"][0]["taskArn"]
    return ended(stage, started)


def test_rolling_update_under_load_loses_no_request(docker_stage: Stage) -> None:
    """While two tasks are replaced, and HAProxy reloads, every request is answered 200."""
    service = docker_stage.steady()
    load = subprocess.Popen(
        ["wrk", "-t1", "-c8", "-d60s", f"http://127.0.0.1:{service.port}/"],
        stdout=subprocess.PIPE,
        text=True,
    )
    service.update(taskDefinition=docker_stage.register("better"))
    docker_stage.balanced()  # another listener: a reload in the middle
    assert service.until_over() == "SUCCESSFUL"
    load.send_signal(signal.SIGINT)  # wrk then stops and reports
    report, _ = load.communicate(timeout=10)
    assert "Non-2xx" not in report, report
    assert "Socket errors" not in report, report
    rate = re.search(r"Requests/sec: +([\d.]+)", report)
    assert rate is not None
    assert float(rate[1]) > 0
    docker_stage.ecs.delete_service(cluster="main", service=service.name, force=True)


def test_weights_split_the_traffic(docker_stage: Stage) -> None:
    """Weights 100/0 send everything one way; a changed weight takes effect with the reply."""
    blue = docker_stage.serve("good", count=1)
    empty, _ = docker_stage.balanced()
    blue.until_over()
    listener = next(
        x["ListenerArn"]
        for x in docker_stage.elb.describe_listeners()["Listeners"]
        if x["Port"] == blue.port
    )

    def statuses(to_blue: int, to_empty: int) -> set[object]:
        groups: Any = [
            {"TargetGroupArn": blue.group, "Weight": to_blue},
            {"TargetGroupArn": empty, "Weight": to_empty},
        ]
        docker_stage.elb.modify_listener(
            ListenerArn=listener,
            DefaultActions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
        )
        load = Load(blue.port, clients=1)
        time.sleep(0.5)
        load.end()
        return set(load.answers)

    assert statuses(100, 0) == {200}
    assert statuses(0, 100) == {503}
    assert statuses(50, 50) == {200, 503}
    docker_stage.ecs.delete_service(cluster="main", service=blue.name, force=True)


def test_rules_choose_by_path_and_header(docker_stage: Stage) -> None:
    """A rule's conditions all hold, or the next rule is asked; fixed responses need no target."""
    group, port = docker_stage.balanced()
    assert group
    listener = next(
        x["ListenerArn"]
        for x in docker_stage.elb.describe_listeners()["Listeners"]
        if x["Port"] == port
    )
    docker_stage.elb.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[
            {"Field": "path-pattern", "Values": ["/a'b/*"]},
            {
                "Field": "http-header",
                "HttpHeaderConfig": {"HttpHeaderName": "X-Test", "Values": ["on*"]},
            },
        ],
        Actions=[
            {
                "Type": "fixed-response",
                "FixedResponseConfig": {
                    "StatusCode": "418",
                    "MessageBody": "it's %[src] tea",
                    "ContentType": "text/plain",
                },
            }
        ],
    )

    def ask(path: str, header: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path, headers={"X-Test": header})
        reply = connection.getresponse()
        answer = reply.status, reply.read()
        connection.close()
        return answer

    assert ask("/a'b/c", "one") == (418, b"it's %[src] tea")
    assert ask("/a'b/c", "off")[0] == 503
    assert ask("/other", "one")[0] == 503


def test_secret_reaches_the_container_and_nothing_else(docker_stage: Stage) -> None:
    """A secret is in the container's environment; no reply shows its value."""
    task = run(
        docker_stage,
        'test "$TOKEN" = "open sesame" && test "$PLAIN" = 1',
        secrets=[{"name": "TOKEN", "valueFrom": "arn:secret:token"}],
        environment=[{"name": "PLAIN", "value": "1"}],
    )
    assert task["containers"][0]["exitCode"] == 0
    assert "sesame" not in str(task)


def test_missing_secret_fails_the_start(docker_stage: Stage) -> None:
    """A secret that cannot be read is a task that failed to start, with the reason."""
    task = run(docker_stage, "true", secrets=[{"name": "TOKEN", "valueFrom": "arn:none"}])
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("ResourceInitializationError: ")


def test_last_lines_before_a_crash_are_kept(docker_stage: Stage) -> None:
    """All lines up to the crash arrive in the task's log stream."""
    options = {"awslogs-group": "/job", "awslogs-stream-prefix": "p", "awslogs-region": "x"}
    task = run(
        docker_stage,
        "i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); done; echo last >&2; exit 3",
        logConfiguration={"logDriver": "awslogs", "options": options},
    )
    lines = docker_stage.logs.lines("/job")["p/web/" + task["taskArn"].rsplit("/", 1)[-1]]
    assert task["containers"][0]["exitCode"] == 3
    assert set(lines) == {f"line {i}" for i in range(200)} | {"last"}


def test_container_options_reach_docker(docker_stage: Stage) -> None:
    """User, working directory, read-only root and limits are what the definition says."""
    task = run(
        docker_stage,
        '[ "$(env sh -c "cat /proc/self/status" | grep -c .)" ] 2>/dev/null; '
        'cd . && [ "$PWD" = /www ] && ! echo x 2>/dev/null > /www/x; exit $?',
        workingDirectory="/www",
        readonlyRootFilesystem=True,
        user="1000",
    )
    assert task["containers"][0]["exitCode"] == 0


def test_container_health_check_is_run_by_docker(docker_stage: Stage) -> None:
    """A service without load balancer completes when Docker says that its tasks are healthy."""
    service = docker_stage.serve("good", count=1, balanced=False)
    check = {"command": ["CMD-SHELL", "wget -q -O - http://127.0.0.1/"], "interval": 1}
    service.update(taskDefinition=docker_stage.register("good", healthCheck=check))
    assert service.until_over() == "SUCCESSFUL"
    assert service.tasks()[0]["healthStatus"] == "HEALTHY"
    docker_stage.ecs.delete_service(cluster="main", service=service.name, force=True)


def test_containers_of_a_task_share_the_network(docker_stage: Stage) -> None:
    """A side container that is not essential may end; one reaches the other on 127.0.0.1."""
    web = {
        "name": "web",
        "image": IMAGE,
        "memory": 64,
        "command": ["httpd", "-f", "-h", "/www"],
        "essential": False,
        "stopTimeout": 1,
    }
    probe = {
        "name": "probe",
        "image": IMAGE,
        "memory": 64,
        "command": ["sh", "-c", "sleep 0.3; wget -q -O /dev/null http://127.0.0.1:80/"],
        "dependsOn": [{"containerName": "web", "condition": "START"}],
    }
    setup = {
        **probe,
        "name": "setup",
        "essential": False,
        "command": ["true"],
        "dependsOn": [{"containerName": "web", "condition": "START"}],
    }
    probe["dependsOn"] = [{"containerName": "setup", "condition": "SUCCESS"}]
    definitions: Any = [probe, setup, web]
    docker_stage.ecs.register_task_definition(family="pair", containerDefinitions=definitions)
    started = docker_stage.ecs.run_task(cluster="main", taskDefinition="pair")["tasks"][0]
    task = ended(docker_stage, started["taskArn"])
    codes = {c["name"]: c.get("exitCode") for c in task["containers"]}
    assert (codes["probe"], codes["setup"]) == (0, 0)


def test_stop_leaves_nothing(image: str) -> None:
    """After stop() no container, process or thread of the plane is left."""
    assert image
    before = set(threading.enumerate())
    stage = make_docker("local-ecs-gone")
    service = stage.serve("good")
    stage.until(lambda: service.service()["runningCount"] == 2)
    stage.close()

    left = default_engine().call(
        "GET",
        "/containers/json",
        params={"all": "1", "filters": f'{{"label":["{LABEL}instance=local-ecs-gone"]}}'},
    )
    assert left == []
    assert set(threading.enumerate()) <= before
    found = subprocess.run(
        ["pgrep", "-fc", f"haproxy .*{service.port}"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert found.stdout.strip() == "0"


def test_registry_host_is_rewritten() -> None:
    """An ECR host becomes the loopback registry, for tags and digests; other hosts stay."""
    ecr = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
    assert local_image(f"{ecr}/team/app:1", "127.0.0.1:5000") == "127.0.0.1:5000/team/app:1"
    digest = "app@sha256:" + "a" * 64
    assert local_image(f"{ecr}/{digest}", "127.0.0.1:5000") == f"127.0.0.1:5000/{digest}"
    assert local_image("busybox:1", "127.0.0.1:5000") == "busybox:1"
    assert local_image(f"{ecr}/app:1", None) == f"{ecr}/app:1"
