"""A stage to play deployments on: real containers behind HAProxy, or scripted tasks."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3

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
    from collections.abc import Callable

    from shipway.local.ecs.document import JsonObject


IMAGE = "shipway-local-ecs-test:1"
_SERVE = "trap 'exit 0' TERM; httpd -f -p 80 -h /www & wait"
COMMANDS = {
    "good": _SERVE,
    "better": f"echo better; {_SERVE}",
    "green": f"echo green > /www/index.html; {_SERVE}",
    "crash": "httpd -p 80 -h /www; sleep 3; exit 7",
    "sick": "trap 'exit 0' TERM; while :; do printf 'HTTP/1.1 500 No\\r\\n"
    "Content-Length: 0\\r\\n\\r\\n' | nc -l -p 80 & wait $!; done",
    "missing": "true",
}
SCRIPTS = {
    "crash": Script(exit_after_s=3.0, exit_code=7),
    "sick": Script(healthy_after_s=None, unhealthy_after_s=10.0),
    "missing": Script(cannot_pull=True),
}
SESSION = boto3.Session("test", "test", region_name="eu-central-1")
FINAL = {"SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"}
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
    kill: Callable[[JsonObject], None]
    virtual: bool
    count: int = 0
    runtime: VirtualRuntime | None = None
    spares: list[Running] = field(default_factory=list)
    """Services made in advance, all at once: real containers take seconds to become steady."""
    ecs: Any = field(init=False)
    elb: Any = field(init=False)
    cloudwatch: Any = field(init=False)

    def __post_init__(self) -> None:
        """Make unmodified clients."""
        self.ecs = SESSION.client("ecs", endpoint_url=self.endpoint.url)
        self.elb = SESSION.client("elbv2", endpoint_url=self.endpoint.url)
        self.cloudwatch = SESSION.client("cloudwatch", endpoint_url=self.endpoint.url)
        self.ecs.create_cluster(clusterName="main")

    def close(self) -> None:
        """Stop everything."""
        self.ecs.close()
        self.elb.close()
        self.cloudwatch.close()
        self.plane.stop()

    def until(self, true: Callable[[], bool], seconds: float = 30.0) -> None:
        """Let time pass until `true()`; fail after `seconds` of the stage's own time."""
        began = self.clock.now()
        while not true():
            lasted = self.clock.now() - began
            assert lasted < seconds, f"not within {seconds} s; {list(self.plane.problems)}"
            # Virtual time is cheap, but each look is a request: look seldom at what takes long.
            step = 0.25 if lasted < 60 else 5.0 if lasted < 3600 else 60.0
            self.pass_time(min(step, seconds - lasted) if self.virtual else 0.1)

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        if self.virtual:
            self.plane.advance(seconds)
        else:
            time.sleep(seconds)

    def register(self, behaviour: str, family: str = "app", **more: object) -> str:
        """Register a task definition that behaves so; return its ARN."""
        image = behaviour if self.virtual else IMAGE
        if behaviour == "missing":
            image = "missing" if self.virtual else "127.0.0.1:1/missing:1"
        container = {
            "name": "web",
            "image": image,
            "memory": 64,
            "command": ["sh", "-c", COMMANDS.get(behaviour, behaviour)],
            "stopTimeout": 1,
            "portMappings": [{"containerPort": 80}],
            **more,
        }
        reply = self.ecs.register_task_definition(
            family=family,
            containerDefinitions=[container],
        )
        return str(reply["taskDefinition"]["taskDefinitionArn"])

    def balanced(self) -> tuple[str, int]:
        """Create a target group behind a listener; return its ARN and the port."""
        self.count += 1
        port = free_port()
        group = self.elb.create_target_group(
            Name=f"group{self.count}",
            Protocol="HTTP",
            Port=80,
            TargetType="ip",
            VpcId="vpc-1",
            HealthCheckIntervalSeconds=5,
            UnhealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]
        balancer = self.elb.create_load_balancer(Name=f"lb{self.count}")["LoadBalancers"][0]
        self.elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Port=port,
            Protocol="HTTP",
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        )
        return group, port

    def shifting(
        self, configuration: JsonObject, behaviour: str = "good", *, count: int = 2
    ) -> Running:
        """Create a service with two target groups behind a production and a test listener."""
        blue, port = self.balanced()
        green, test_port = self.balanced()
        rules = [self._rule(group, at) for group, at in ((blue, port), (green, test_port))]
        name = f"service{self.count}"
        balanced = {
            "targetGroupArn": blue,
            "containerName": "web",
            "containerPort": 80,
            "advancedConfiguration": {
                "alternateTargetGroupArn": green,
                "productionListenerRule": rules[0],
                "testListenerRule": rules[1],
                "roleArn": "arn:aws:iam::000000000000:role/ecs",
            },
        }
        self.ecs.create_service(
            cluster="main",
            serviceName=name,
            taskDefinition=self.register(behaviour),
            desiredCount=count,
            deploymentConfiguration=configuration,
            loadBalancers=[balanced],
        )
        return Running(self, name, blue, port, rules[0], rules[1], test_port)

    def _rule(self, group: str, port: int) -> str:
        listeners = self.elb.describe_listeners()["Listeners"]
        arn = next(x["ListenerArn"] for x in listeners if x["Port"] == port)
        rule = self.elb.create_rule(
            ListenerArn=arn,
            Priority=1,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}],
            Actions=[{"Type": "forward", "TargetGroupArn": group}],
        )["Rules"][0]
        return str(rule["RuleArn"])

    def steady(self) -> Running:
        """Return a service of two good tasks that has reached its steady state."""
        service = self.spares.pop() if self.spares else self.serve("good")
        service.until_over()
        return service

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
            cluster="main",
            serviceName=name,
            taskDefinition=self.register(behaviour),
            desiredCount=count,
            deploymentConfiguration=BREAKER,
            **more,
        )
        return Running(self, name, group, port)


@dataclass
class Running:
    """A service on the stage."""

    stage: Stage
    name: str
    group: str
    port: int
    rule: str = ""
    test_rule: str = ""
    test_port: int = 0

    def weights(self, rule: str = "") -> list[int]:
        """Return the weights of the first and the alternate target group on a rule."""
        shown = self.stage.elb.describe_rules(RuleArns=[rule or self.rule])["Rules"][0]
        groups = shown["Actions"][0]["ForwardConfig"]["TargetGroups"]
        return [int(group["Weight"]) for group in groups]

    def service(self) -> JsonObject:
        """Describe it."""
        reply = self.stage.ecs.describe_services(cluster="main", services=[self.name])
        found: JsonObject = reply["services"][0]
        return found

    def deployment(self) -> JsonObject:
        """Describe its latest service deployment."""
        arn = self.service()["currentServiceDeployment"]
        reply = self.stage.ecs.describe_service_deployments(serviceDeploymentArns=[arn])
        found: JsonObject = reply["serviceDeployments"][0]
        return found

    def update(self, **changes: object) -> None:
        """Update it."""
        self.stage.ecs.update_service(cluster="main", service=self.name, **changes)

    def until_over(self, seconds: float = 60.0) -> str:
        """Wait for the latest deployment's end; return its status."""
        self.stage.until(lambda: self.deployment()["status"] in FINAL, seconds)
        return str(self.deployment()["status"])

    def tasks(self, desired: str = "RUNNING") -> list[JsonObject]:
        """Describe its tasks."""
        arns = self.stage.ecs.list_tasks(
            cluster="main",
            serviceName=self.name,
            desiredStatus=desired,
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


def make_virtual(settings: Settings | None = None) -> Stage:
    """Start a plane of scripted tasks."""
    clock = VirtualClock()
    runtime = VirtualRuntime(clock, SCRIPTS)
    plane = ControlPlane(
        settings or Settings(seed="stage"),
        runtime=runtime,
        balancer=VirtualBalancer(runtime, clock),
        clock=clock,
        store=NoStore(),
    )

    def kill(task: JsonObject) -> None:
        runtime.kill(task["taskArn"])

    return Stage(plane, plane.start(), clock, MemoryLogs(), kill, virtual=True, runtime=runtime)


def make_docker(instance: str, balancer: Haproxy | None = None) -> Stage:
    """Start a plane of real containers behind HAProxy, the installed one when none is given."""
    clock, logs, api = RealClock(), MemoryLogs(), default_engine()
    plane = ControlPlane(
        Settings(instance=instance, settle_s=0.5, steady_s=4.5),
        runtime=DockerRuntime(api, instance=instance, clock=clock, logs=logs, secrets=Secrets()),
        balancer=balancer or Haproxy(clock, interval_cap_s=0.5),
        clock=clock,
        store=NoStore(),
    )

    def kill(task: JsonObject) -> None:
        api.call("POST", f"/containers/{task['containers'][0]['runtimeId']}/kill")

    return Stage(plane, plane.start(), clock, logs, kill, virtual=False)
