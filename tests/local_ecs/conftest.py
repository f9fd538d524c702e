"""A stage to play deployments on: real containers behind HAProxy, or scripted tasks."""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
import tarfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from shipway.local.ecs.clock import RealClock, VirtualClock
from shipway.local.ecs.docker_api import default_engine
from shipway.local.ecs.haproxy import Haproxy
from shipway.local.ecs.logs import MemoryLogs
from shipway.local.ecs.plane import ControlPlane, Endpoint
from shipway.local.ecs.runtime_docker import DockerRuntime
from shipway.local.ecs.runtime_virtual import Script, VirtualBalancer, VirtualRuntime
from shipway.local.ecs.settings import Settings
from shipway.local.ecs.store import NoStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

IMAGE = "shipway-local-ecs-test:1"
_SERVE = "trap 'exit 0' TERM; httpd -f -p 80 -h /www & wait"
COMMANDS = {
    "good": _SERVE,
    "better": f"echo better; {_SERVE}",
    "crash": "httpd -p 80 -h /www; sleep 3; exit 7",
    "sick": "while :; do printf 'HTTP/1.1 500 No\\r\\nContent-Length: 0\\r\\n\\r\\n'"
    " | nc -l -p 80; done",
    "missing": "true",
}
SCRIPTS = {
    "crash": Script(exit_after_s=3.0, exit_code=7),
    "sick": Script(healthy_after_s=None, unhealthy_after_s=10.0),
    "missing": Script(cannot_pull=True),
}
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


class Secrets:
    """Knows one secret."""

    def resolve(self, value_from: str) -> str:
        """Return it, or raise LookupError."""
        return {"arn:secret:token": "open sesame"}[value_from]


@dataclass
class Stage:
    """A started plane with its clients, and a way to let its time pass."""

    plane: ControlPlane
    endpoint: Endpoint
    clock: RealClock | VirtualClock
    logs: MemoryLogs
    kill: Callable[[Any], None]
    virtual: bool
    count: int = 0
    runtime: VirtualRuntime | None = None
    ecs: ECSClient = field(init=False)
    elb: ElasticLoadBalancingv2Client = field(init=False)

    def __post_init__(self) -> None:
        """Make unmodified clients."""
        session = boto3.Session("test", "test", region_name=self.endpoint.region)
        self.ecs = session.client("ecs", endpoint_url=self.endpoint.url)
        self.elb = session.client("elbv2", endpoint_url=self.endpoint.url)
        self.ecs.create_cluster(clusterName="main")

    def close(self) -> None:
        """Stop everything."""
        self.ecs.close()
        self.elb.close()
        self.plane.stop()

    def until(self, true: Callable[[], bool], seconds: float = 30.0) -> None:
        """Let time pass until `true()`; fail after `seconds` of the stage's own time."""
        end = self.clock.now() + seconds
        while not true():
            assert self.clock.now() < end, f"not within {seconds} s; {list(self.plane.problems)}"
            self.pass_time(0.25 if self.virtual else 0.1)

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        if self.virtual:
            self.plane.advance(seconds)
        else:
            time.sleep(seconds)

    def register(self, behaviour: str, family: str = "app", **more: Any) -> str:
        """Register a task definition that behaves so; return its ARN."""
        image = behaviour if self.virtual else IMAGE
        if behaviour == "missing":
            image = "missing" if self.virtual else "127.0.0.1:1/missing:1"
        container = {
            "name": "web",
            "image": image,
            "memory": 64,
            "command": ["sh", "-c", COMMANDS.get(behaviour, behaviour)],
            "stopTimeout": 2,
            "portMappings": [{"containerPort": 80}],
            **more,
        }
        reply = self.ecs.register_task_definition(
            family=family,
            containerDefinitions=[container],  # type: ignore[list-item] - checked by the plane
        )
        return reply["taskDefinition"]["taskDefinitionArn"]

    def balanced(self) -> tuple[str, int]:
        """Create a target group behind a listener; return its ARN and the port."""
        self.count += 1
        port = free_port()
        group = self.elb.create_target_group(
            Name=f"group{self.count}", Protocol="HTTP", Port=80, TargetType="ip", VpcId="vpc-1",
            HealthCheckIntervalSeconds=5, UnhealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]
        balancer = self.elb.create_load_balancer(Name=f"lb{self.count}")["LoadBalancers"][0]
        self.elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"], Port=port, Protocol="HTTP",
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        )
        return group, port

    def serve(self, behaviour: str, *, count: int = 2, balanced: bool = True) -> Running:
        """Create a service, behind a load balancer unless told otherwise."""
        group, port = self.balanced() if balanced else ("", 0)
        self.count += 1
        name = f"service{self.count}"
        more: dict[str, Any] = {}
        if group:
            more["loadBalancers"] = [
                {"targetGroupArn": group, "containerName": "web", "containerPort": 80}
            ]
        self.ecs.create_service(
            cluster="main", serviceName=name, taskDefinition=self.register(behaviour),
            desiredCount=count, deploymentConfiguration=BREAKER, **more,  # type: ignore[arg-type] - TypedDict
        )
        return Running(self, name, group, port)


@dataclass
class Running:
    """A service on the stage."""

    stage: Stage
    name: str
    group: str
    port: int

    def service(self) -> Any:
        """Describe it."""
        reply = self.stage.ecs.describe_services(cluster="main", services=[self.name])
        return reply["services"][0]

    def deployment(self) -> Any:
        """Describe its latest service deployment."""
        arn = self.service()["currentServiceDeployment"]
        reply = self.stage.ecs.describe_service_deployments(serviceDeploymentArns=[arn])
        return reply["serviceDeployments"][0]

    def update(self, **changes: Any) -> None:
        """Update it."""
        self.stage.ecs.update_service(cluster="main", service=self.name, **changes)

    def until_over(self, seconds: float = 60.0) -> str:
        """Wait for the latest deployment's end; return its status."""
        running = {"PENDING", "IN_PROGRESS", "ROLLBACK_IN_PROGRESS"}
        self.stage.until(lambda: self.deployment()["status"] not in running, seconds)
        return str(self.deployment()["status"])

    def tasks(self, desired: str = "RUNNING") -> list[Any]:
        """Describe its tasks."""
        arns = self.stage.ecs.list_tasks(
            cluster="main", serviceName=self.name, desiredStatus=desired  # type: ignore[arg-type] - literal
        )["taskArns"]
        if not arns:
            return []
        return list(self.stage.ecs.describe_tasks(cluster="main", tasks=arns)["tasks"])

    def messages(self) -> str:
        """Return all event texts, oldest first."""
        return "\n".join(e["message"] for e in reversed(self.service()["events"]))


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_virtual(**settings: Any) -> Stage:
    """Start a plane of scripted tasks."""
    clock = VirtualClock()
    runtime = VirtualRuntime(clock, SCRIPTS)
    plane = ControlPlane(
        Settings(seed="stage", **settings),
        runtime=runtime, balancer=VirtualBalancer(runtime, clock), clock=clock, store=NoStore(),
    )

    def kill(task: Any) -> None:
        runtime.kill(task["taskArn"])

    return Stage(plane, plane.start(), clock, MemoryLogs(), kill, virtual=True, runtime=runtime)


def make_docker(instance: str) -> Stage:
    """Start a plane of real containers behind HAProxy."""
    clock, logs, api = RealClock(), MemoryLogs(), default_engine()
    plane = ControlPlane(
        Settings(instance=instance, settle_s=0.5, steady_s=3.2),
        runtime=DockerRuntime(api, instance=instance, clock=clock, logs=logs, secrets=Secrets()),
        balancer=Haproxy(clock, interval_cap_s=0.5), clock=clock, store=NoStore(),
    )

    def kill(task: Any) -> None:
        api.call("POST", f"/containers/{task['containers'][0]['runtimeId']}/kill")

    return Stage(plane, plane.start(), clock, logs, kill, virtual=False)


@pytest.fixture(scope="session")
def image() -> str:
    """Build a tiny image of a static busybox: a shell, a web server, netcat."""
    busybox = shutil.which("busybox")
    assert busybox is not None, "install busybox-static"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(Path(busybox).resolve(), "bin/busybox")
        for name in ("sh", "httpd", "sleep", "cat", "echo", "nc", "printf", "wget", "true", "env"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        page = tarfile.TarInfo("www/index.html")
        page.size = 3
        tar.addfile(page, io.BytesIO(b"ok\n"))
    subprocess.run(
        ["docker", "import", "-", IMAGE],  # noqa: S607 - the docker on PATH is the one meant
        input=buffer.getvalue(), check=True, capture_output=True, timeout=60,
    )
    return IMAGE


@pytest.fixture(scope="session")
def docker_stage(image: str) -> Iterator[Stage]:
    """One plane of real containers for all tests that need no plane of their own."""
    assert image
    stage = make_docker("local-ecs-test")
    yield stage
    stage.close()


@pytest.fixture
def virtual() -> Iterator[Stage]:
    """A plane of scripted tasks."""
    stage = make_virtual()
    yield stage
    stage.close()


@pytest.fixture(params=["virtual", pytest.param("docker", marks=pytest.mark.docker)])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Both kinds of plane, for promises that hold on either."""
    name = "virtual" if request.param == "virtual" else "docker_stage"
    found: Stage = request.getfixturevalue(name)
    yield found
    for arn in found.ecs.list_services(cluster="main", maxResults=100)["serviceArns"]:
        found.ecs.delete_service(cluster="main", service=arn, force=True)
