"""`shipway plan` as people run it, against a plane of scripted tasks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from shipway.adapters.aws.ecs import EcsOrchestrator
from shipway.adapters.aws.foresee import NEW_REVISION, EcsForesight
from shipway.adapters.aws.session import Endpoints, Session
from shipway.adapters.clock import SystemClock
from shipway.adapters.ledger_sqlite import SqliteLedger
from shipway.config.load import load
from shipway.environments.taskdef import task_definition
from shipway.events.types import (
    DeploymentEnded,
    DeploymentRequested,
    DeploymentStarted,
    Entry,
    HistoryEvent,
    ReleaseRecorded,
)
from shipway.model.release import Release
from shipway.model.service import Service
from shipway.model.spec import Spec, encode
from shipway.model.strategy import CodeDeploy, Strategy
from shipway.testing.builders import a_release
from tests.local_ecs.ecs_stage import Stage

CONFIGURATION = """\
service: sender
owner: team
image: { repository: sender }
container: { port: 80, env: { MODE: plain, API_TOKEN: open-sesame }, secrets: { DB: sender/db } }
environments:
  preprod: { cluster: preprod }
"""
A, B = a_release("a"), a_release("b")


@dataclass
class Desk:
    """A service's folder and ledger, beside a plane on which it is deployed."""

    stage: Stage
    folder: Path
    state: Path

    def write(self, configuration: str = CONFIGURATION) -> None:
        """Write shipway.yaml."""
        (self.folder / "shipway.yaml").write_text(configuration, encoding="utf-8")

    def service(self) -> Service:
        """What shipway.yaml says now."""
        return load((self.folder / "shipway.yaml").read_text(encoding="utf-8"))

    def tell(self, *events: HistoryEvent) -> None:
        """Add to the ledger."""
        ledger = SqliteLedger(str(self.state / "ledger.sqlite"))
        for event in events:
            ledger.append(Entry(1.0, "sender", "run-1", event))

    def session(self) -> Session:
        """Clients of the plane."""
        url = self.stage.endpoint.url
        return Session("eu-central-1", lambda: Endpoints(url, url, "registry"))

    def deploy(self, release: Release) -> None:
        """Deploy a release as `shipway deploy` does, to its end, and write it down."""
        (environment,) = self.service().environments
        ecs = EcsOrchestrator(self.session(), SystemClock())
        ecs.ensure_place(environment)
        definition = task_definition(release, environment)
        create = ecs.observe(environment) is None
        tags = (("shipway:release", release.name),)
        arn = ecs.deploy(environment, definition, tags=tags, create=create)
        self.stage.until(lambda: ecs.deployment(arn).status.value == "SUCCESSFUL", 120.0)
        spec = encode(Spec(definition, environment.container.grace_s))
        name, of = release.name, "preprod"
        self.tell(
            DeploymentRequested(of, name, release.digest, "delivery", "ada", None, spec),
            DeploymentStarted(of, name, arn),
            DeploymentEnded(of, name, arn, "succeeded", "", 1.0),
        )

    def plan(self, release: Release, *words: str) -> tuple[int, str]:
        """Run `shipway plan` for a release; return its exit status and what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "shipway", "plan", "preprod", "--release", release.name, *words],
            cwd=self.folder,
            env=os.environ | {"SHIPWAY_STATE": str(self.state), "NO_COLOR": "1"},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert not done.stderr, done.stderr
        return done.returncode, done.stdout

    def planned(self, release: Release) -> dict[str, object]:
        """Return the plan as a machine reads it."""
        found = json.loads(self.plan(release, "--json")[1])
        assert isinstance(found, dict)
        return found


@pytest.fixture
def desk(virtual: Stage, tmp_path: Path) -> Desk:
    """A service with two releases, the first of them deployed."""
    made = Desk(virtual, tmp_path / "sender", tmp_path / "state")
    made.folder.mkdir()
    made.state.mkdir()
    url = virtual.endpoint.url
    told = {"pid": os.getpid(), "aws": url, "ecs": url, "registry": "r", "account": "0" * 12}
    (made.state / "local.json").write_text(json.dumps(told), encoding="utf-8")
    made.write()
    for r in (A, B):
        made.tell(
            ReleaseRecorded(r.name, r.commit, r.branch, r.author, r.subject, r.repository, r.digest)
        )
    made.deploy(A)
    return made


def fields(changes: object) -> dict[str, tuple[str | None, str | None]]:
    """The changes of a plan, by field."""
    assert isinstance(changes, list)
    return {c["field"]: (c["before"], c["after"]) for c in changes}


def test_what_runs_as_it_should_needs_nothing(desk: Desk) -> None:
    """Planned again, the release that is live has nothing to change, and exit 0 says so."""
    status, said = desk.plan(A, "--exit-code")
    first = said.splitlines()[0]  # the pre-flight follows: this plane has no image registry
    assert (status, first) == (0, f"{A.name} runs in preprod as it should: nothing to do")
    assert desk.planned(A)["calls"] == []


def test_another_release_changes_image_and_identity(desk: Desk) -> None:
    """Only what differs is told; the exit status of changes is 11; nothing was registered."""
    before = desk.stage.ecs.list_task_definitions()["taskDefinitionArns"]
    status, said = desk.plan(B, "--exit-code")
    assert status == 11
    found = desk.planned(B)
    own = "containerDefinitions.sender"
    assert fields(found["changes"]) == {
        f"{own}.environment.SHIPWAY_COMMIT": (A.commit, B.commit),
        f"{own}.environment.SHIPWAY_IMAGE_DIGEST": (A.digest, B.digest),
        f"{own}.environment.SHIPWAY_RELEASE": (A.name, B.name),
        f"{own}.image": (A.image, B.image),
    }
    assert "a deployment starts, because of: taskDefinition" in said
    assert desk.stage.ecs.list_task_definitions()["taskDefinitionArns"] == before


def test_the_calls_are_those_that_a_deployment_makes(desk: Desk) -> None:
    """What the plan says is what the plane then receives: one UpdateService, with those fields."""
    found = desk.planned(B)
    calls = found["calls"]
    assert isinstance(calls, list)
    assert [c["operation"] for c in calls] == ["RegisterTaskDefinition", "UpdateService"]
    assert "desiredCount" not in calls[1]["parameters"]
    untouched = found["untouched"]
    assert isinstance(untouched, list)
    assert {"desiredCount", "networkConfiguration", "capacityProviderStrategy"} <= set(untouched)
    assert not set(untouched) & set(calls[1]["parameters"])


def test_a_definition_that_is_registered_is_used_again(desk: Desk) -> None:
    """Planned back to what ran before, the old revision is named, and not registered again."""
    desk.deploy(B)
    found = desk.planned(A)
    assert str(found["revision"]).endswith("task-definition/preprod-sender:1")
    assert "(no RegisterTaskDefinition: revision 1 is used)" in desk.plan(A)[1]
    calls = found["calls"]
    assert isinstance(calls, list)
    assert [c["operation"] for c in calls] == ["UpdateService"]


def test_values_of_secrets_are_never_shown(desk: Desk) -> None:
    """A variable named like a secret is told to change, without its value; a reference is shown."""
    desk.write(CONFIGURATION.replace("open-sesame", "close-sesame").replace("sender/db", "db/new"))
    for words in ((), ("--json",)):
        _, said = desk.plan(A, *words)
        assert "sesame" not in said
        assert "db/new" in said
    own = "containerDefinitions.sender"
    assert fields(desk.planned(A)["changes"]) == {
        f"{own}.environment.API_TOKEN": ("(hidden)", "(hidden)"),
        f"{own}.secrets.DB": ("sender/db", "db/new"),
    }


def test_a_grace_period_alone_starts_no_deployment(desk: Desk) -> None:
    """An attribute that ECS takes over at once is told as such."""
    desk.write(CONFIGURATION.replace("port: 80,", "port: 80, grace: 77,"))
    found = desk.planned(A)
    assert fields(found["service"]) == {"healthCheckGracePeriodSeconds": ("30", "77")}
    assert (found["changes"], found["starts_deployment"]) == ([], [])
    assert "no deployment would start of it" in desk.plan(A)[1]


def test_what_somebody_else_changed_is_drift(desk: Desk) -> None:
    """A definition that was changed beside Shipway differs from what the ledger says."""
    assert desk.planned(A)["drift"] == []
    shown = desk.stage.ecs.describe_services(cluster="preprod", services=["sender"])["services"][0]
    live = desk.stage.ecs.describe_task_definition(taskDefinition=shown["taskDefinition"])
    container = live["taskDefinition"]["containerDefinitions"][0] | {"user": "0"}
    arn = desk.stage.ecs.register_task_definition(
        family="preprod-sender", containerDefinitions=[container], pidMode="task",
        networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
    )["taskDefinition"]["taskDefinitionArn"]  # fmt: skip
    desk.stage.ecs.update_service(cluster="preprod", service="sender", taskDefinition=arn)
    in_flight = desk.planned(A)
    assert "a deployment is in flight that Shipway did not start" in str(in_flight["blocked"])
    assert in_flight["steps"] == []
    desk.stage.until(lambda: _settled(desk), 120.0)

    drift = fields(desk.planned(A)["drift"])
    assert drift == {
        "containerDefinitions.sender.user": (None, "0"),
        "pidMode": (None, "task"),
    }
    assert "changed since Shipway deployed there" in desk.plan(A)[1]


def test_a_wrong_field_of_ecs_is_told_with_its_place(desk: Desk) -> None:
    """The program holds `task:` against the installed SDK, and exits with 2."""
    desk.write(CONFIGURATION + "task: { pidMod: task }\n")
    done = subprocess.run(
        [sys.executable, "-m", "shipway", "plan", "preprod", "--release", A.name],
        cwd=desk.folder,
        env=os.environ | {"SHIPWAY_STATE": str(desk.state), "NO_COLOR": "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "7:9 task.pidMod ECS knows no field of that name here -> did you mean 'pidMode'?" in (
        done.stderr
    )


def test_raw_fields_are_planned_and_deployed(desk: Desk) -> None:
    """What `task:` says is a change until it is deployed, and none afterwards."""
    desk.write(CONFIGURATION + "task: { pidMode: task, enableFaultInjection: true }\n")
    assert fields(desk.planned(A)["changes"]) == {
        "enableFaultInjection": (None, "true"),
        "pidMode": (None, "task"),
    }


def test_with_code_deploy_the_call_is_its_own(desk: Desk) -> None:
    """CodeDeploy is asked with an AppSpec, and UpdateService is not called."""
    (environment,) = desk.service().environments
    rules = replace(
        environment.strategy, kind=Strategy.CODE_DEPLOY, code_deploy=CodeDeploy("app", "group")
    )
    here = replace(environment, strategy=rules)
    found = EcsForesight(desk.session()).foresee(here, task_definition(B, here))
    assert [r.operation for r in found.requests] == ["RegisterTaskDefinition", "CreateDeployment"]
    assert NEW_REVISION in found.requests[1].parameters
    assert "desiredCount" in found.untouched
    assert "taskDefinition" not in found.untouched


def test_before_the_first_deployment_everything_is_new(desk: Desk) -> None:
    """Where there is no service yet, it is made; nothing is made by planning it."""
    desk.write(CONFIGURATION.replace("{ cluster: preprod }", "{ cluster: preprod, service: new }"))
    found = desk.planned(A)
    calls = found["calls"]
    assert isinstance(calls, list)
    assert [c["operation"] for c in calls] == ["RegisterTaskDefinition", "CreateService"]
    assert all(before is None for before, _ in fields(found["changes"]).values())
    assert len(desk.stage.ecs.list_services(cluster="preprod")["serviceArns"]) == 1


def _settled(desk: Desk) -> bool:
    """Whether the newest deployment has succeeded."""
    found = desk.stage.ecs.list_service_deployments(cluster="preprod", service="sender")
    newest = max(found["serviceDeployments"], key=lambda d: d["createdAt"])
    return bool(newest["status"] == "SUCCESSFUL")
