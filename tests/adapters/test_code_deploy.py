"""CodeDeploy over HTTP: a small server that takes only what botocore's own shapes allow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.validate import ParamValidator

from shipway.adapters.aws import code_deploy
from shipway.adapters.aws.ecs import EcsOrchestrator
from shipway.adapters.aws.session import Endpoints, Session
from shipway.errors import AwsDidNotAnswer, WrongUsage
from shipway.model.observed import DeploymentArn, DeploymentStatus
from shipway.model.strategy import CodeDeploy
from shipway.testing.builders import an_environment
from shipway.testing.machine import FakeClock

MODEL = botocore.session.get_session().get_service_model("codedeploy")
RULES = CodeDeploy("app", "group", "CodeDeployDefault.ECSAllAtOnce")
WAY_IN = {"targetGroupArn": "arn:a", "containerName": "sender", "containerPort": 3000}
LIVE: Any = {"serviceName": "sender", "loadBalancers": [WAY_IN]}


class Server(ThreadingHTTPServer):
    """CodeDeploy, as far as it is asked; `deployments` are what it says of each."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.deployments: dict[str, dict[str, object]] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    @property
    def client(self) -> Any:  # noqa: ANN401 - boto3's clients are made at run time
        """An unmodified client."""
        url = f"http://127.0.0.1:{self.server_address[1]}"
        session = boto3.Session("test", "test", region_name="eu-central-1")
        return session.client("codedeploy", endpoint_url=url)


class _Answers(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((operation, body))
        shape = MODEL.operation_model(operation).input_shape
        assert shape is not None
        wrong = ParamValidator().validate(body, shape).generate_report()
        if wrong:
            return self._say(400, {"__type": "ValidationException", "message": wrong})
        if operation == "CreateDeployment":
            name = f"d-{len(self.server.deployments)}"
            self.server.deployments[name] = {"status": "Created"}
            return self._say(200, {"deploymentId": name})
        found = self.server.deployments.get(body["deploymentId"])
        if found is None:
            kind = "DeploymentDoesNotExistException"
            return self._say(400, {"__type": kind, "message": "no such deployment"})
        if operation == "GetDeployment":
            return self._say(200, {"deploymentInfo": found})
        return self._say(200, {"status": "Pending"})

    def _say(self, status: int, answer: dict[str, object]) -> None:
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that answers."""
    made = Server()
    thread = Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def test_a_deployment_is_one_request_with_an_app_spec(server: Server) -> None:
    """CreateDeployment names the revision, container and port, and goes back when it fails."""
    arn = code_deploy.deploy(server.client, RULES, "arn:td:7", LIVE)
    assert arn == "codedeploy:d-0"
    [(operation, body)] = server.asked
    assert operation == "CreateDeployment"
    spec = body["revision"]["appSpecContent"]
    assert spec["sha256"] == hashlib.sha256(spec["content"].encode()).hexdigest()
    [resource] = json.loads(spec["content"])["Resources"]
    assert resource["TargetService"] == {
        "Type": "AWS::ECS::Service",
        "Properties": {
            "TaskDefinition": "arn:td:7",
            "LoadBalancerInfo": {"ContainerName": "sender", "ContainerPort": 3000},
        },
    }
    assert body["deploymentConfigName"] == "CodeDeployDefault.ECSAllAtOnce"
    assert body["autoRollbackConfiguration"]["enabled"] is True


def test_a_service_without_a_way_in_is_refused(server: Server) -> None:
    """CodeDeploy moves traffic: without a load balancer nothing is asked of it."""
    with pytest.raises(WrongUsage, match="needs a load balancer"):
        code_deploy.deploy(server.client, RULES, "arn:td:7", {"serviceName": "sender"})
    assert server.asked == []


@pytest.mark.parametrize(
    ("said", "back", "status"),
    [
        ("Created", None, DeploymentStatus.PENDING),
        ("Queued", None, DeploymentStatus.PENDING),
        ("InProgress", None, DeploymentStatus.IN_PROGRESS),
        ("Baking", None, DeploymentStatus.IN_PROGRESS),
        ("Ready", None, DeploymentStatus.IN_PROGRESS),
        ("Succeeded", None, DeploymentStatus.SUCCESSFUL),
        ("Failed", None, DeploymentStatus.STOPPED),
        ("Stopped", "InProgress", DeploymentStatus.ROLLBACK_IN_PROGRESS),
        ("Failed", "Succeeded", DeploymentStatus.ROLLBACK_SUCCESSFUL),
        ("Failed", "Failed", DeploymentStatus.ROLLBACK_FAILED),
    ],
)
def test_a_deployment_and_its_way_back_are_one(
    server: Server, said: str, back: str | None, status: DeploymentStatus
) -> None:
    """CodeDeploy goes back by a second deployment, which decides what became of the first."""
    server.deployments["d-1"] = {"status": said}
    if back:
        server.deployments["d-1"]["rollbackInfo"] = {"rollbackDeploymentId": "d-2"}
        server.deployments["d-2"] = {"status": back}
    seen = code_deploy.look(server.client, DeploymentArn("codedeploy:d-1"))
    assert seen.status is status
    assert (seen.hook is not None) is (said == "Ready")


def test_a_watcher_needs_not_know_whose_deployment_it_is(server: Server) -> None:
    """Through the orchestrator, what CodeDeploy does is looked at and answered as ECS's own is."""
    url = f"http://127.0.0.1:{server.server_address[1]}"
    ecs = EcsOrchestrator(Session("eu-central-1", lambda: Endpoints(url, url, "")), FakeClock())
    arn = DeploymentArn("codedeploy:d-1")
    server.deployments["d-1"] = {"status": "Ready"}
    assert ecs.look([arn])[arn] == ecs.deployment(arn)
    assert ecs.stopped_tasks(an_environment(), arn) == ()
    assert ecs.continue_deployment(arn, go_on=False) is True
    ecs.stop_deployment(arn)
    asked = [name for name, _ in server.asked if name != "GetDeployment"]
    assert asked == ["StopDeployment", "StopDeployment"]


def test_every_status_of_the_api_is_known() -> None:
    """A newer botocore with another status is seen here first."""
    shape: Any = MODEL.shape_for("DeploymentStatus")
    known = set(shape.enum)
    assert known == set(code_deploy._STATUS)  # noqa: SLF001 - the table itself is what is tested


def test_a_deployment_is_stopped_with_a_rollback_and_continued(server: Server) -> None:
    """Both answers fit the API, and a deployment that is not there is no silent success."""
    server.deployments["d-1"] = {"status": "Ready"}
    arn = DeploymentArn("codedeploy:d-1")
    assert code_deploy.answer(server.client, arn, go_on=True) is True
    code_deploy.stop(server.client, arn)
    server.deployments["d-1"]["status"] = "InProgress"
    assert code_deploy.answer(server.client, arn, go_on=True) is False
    asked = [(name, body) for name, body in server.asked if name != "GetDeployment"]
    assert asked == [
        ("ContinueDeployment", {"deploymentId": "d-1", "deploymentWaitType": "READY_WAIT"}),
        ("StopDeployment", {"deploymentId": "d-1", "autoRollbackEnabled": True}),
    ]
    with pytest.raises(AwsDidNotAnswer, match="DeploymentDoesNotExistException"):
        code_deploy.stop(server.client, DeploymentArn("codedeploy:d-9"))
