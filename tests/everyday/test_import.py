"""`shipway import`: what it writes loads, and deploying it would change nothing but the image."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway import wiring
from shipway.config.load import load
from shipway.discovery.leftover import leftover
from shipway.discovery.live_service import adopt
from shipway.discovery.live_strategy import strategy_of
from shipway.environments.taskdef import task_definition
from shipway.model.live import Json, LiveService
from shipway.model.release import Commit, Digest, Release
from shipway.model.service import Service
from shipway.model.task_definition import differences
from tests.everyday.aws_stub import AwsStub
from tests.everyday.logs import awslogs
from tests.local_ecs.ecs_stage import Running, Stage
from tests.story.telling import A, Story
from tests.story.test_cli_verbs import Terminal

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/sender"
ODD_VALUES = {
    "PLAIN": "info",
    "EMPTY": "",
    "YES": "yes",
    "OCTAL": "0o17",
    "NUMBER": "007",
    "NULL": "null",
    "LINES": "one\ntwo\n",
    "QUOTES": 'he said "it\'s" \\ fine',
    "HASH": "a # b",
    "COLON": "mongodb://a:b@c/d?e: f",
    "SPACE": " padded ",
    "BRACKETS": '{"a": [1]}',
}
SIDECAR = {
    "name": "agent",
    "image": "public.ecr.aws/agent:3",
    "essential": False,
    "memory": 64,
    "environment": [{"name": "MODE", "value": "on"}],
}


def odd(stage: Stage, service: str, **more: Any) -> None:  # noqa: ANN401 - any parameter of AWS
    """Make a service with fields that no key of shipway.yaml says."""
    group = stage.elb.create_target_group(
        Name=service, Protocol="HTTP", Port=8080, TargetType="ip", VpcId="vpc-1",
        HealthCheckPath="/ready",
    )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
    balancer = stage.elb.create_load_balancer(Name=service)["LoadBalancers"][0]
    stage.elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Port=18080 + stage.count, Protocol="HTTP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )  # fmt: skip
    definition = {
        "family": "old-family",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "512",
        "memory": "1024",
        "pidMode": "task",
        "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
        "taskRoleArn": "arn:aws:iam::123456789012:role/sender",
        "ephemeralStorage": {"sizeInGiB": 40},
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "volumes": [{"name": "scratch"}],
        "containerDefinitions": [
            {
                "name": "sender",
                "image": f"{IMAGE}:v1",
                "essential": True,
                "portMappings": [{"containerPort": 8080, "name": "web", "appProtocol": "http"}],
                "environment": [{"name": k, "value": v} for k, v in ODD_VALUES.items()],
                "secrets": [{"name": "MONGO_URL", "valueFrom": "sender/mongo"}],
                "ulimits": [{"name": "nofile", "softLimit": 4096, "hardLimit": 8192}],
                "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/tmp"}],  # noqa: S108 - in a container
                "healthCheck": {"command": ["CMD", "true"], "interval": 7},
                "stopTimeout": 77,
                **awslogs("/old/group"),
            },
            SIDECAR,
        ],
        **more.pop("definition", {}),
    }
    arn = stage.ecs.register_task_definition(**definition)["taskDefinition"]["taskDefinitionArn"]
    stage.ecs.create_service(
        cluster="main",
        serviceName=service,
        taskDefinition=arn,
        desiredCount=3,
        launchType="FARGATE",
        healthCheckGracePeriodSeconds=45,
        networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
        loadBalancers=[{"targetGroupArn": group, "containerName": "sender", "containerPort": 8080}],
        tags=[{"key": "team", "value": "messaging"}],
        **more,
    )


def changes(shipway: Terminal, found: Service) -> set[str]:
    """Return the fields that deploying the imported configuration would change."""
    (environment,) = found.environments
    place = wiring.Place(shipway.root, found, shipway.root / "state")
    seen = wiring.orchestrator(place).observe(environment)
    assert seen is not None
    release = Release(
        found.name, Commit("a" * 40), "main", "Ada", "x", IMAGE, Digest(f"sha256:{'1' * 64}")
    )
    wanted = task_definition(release, environment, found.aws)
    return {c.field for c in differences(seen.definition, wanted)}


def imported(shipway: Terminal) -> Service:
    """Load what was written, as every command does."""
    return wiring.place(shipway.root, {"SHIPWAY_CACHE": str(shipway.root / "cache")}).service


def test_an_odd_service_is_imported_whole(shipway: Terminal, stage: Stage) -> None:
    """Deploying it would change the image and the family, and tell the container who it is."""
    odd(stage, "sender-live")
    assert shipway("import", "main/sender-live", "--region", "eu-central-1") == 0, shipway.err
    found = imported(shipway)
    left = {field for field in changes(shipway, found) if "SHIPWAY_" not in field}
    assert left == {"containerDefinitions.sender.image", "family"}
    assert "no longer old-family" in shipway.out
    assert shipway("import", "main/sender-live", "--region", "eu-central-1") == 2


def test_what_keys_say_is_said_by_keys(shipway: Terminal, stage: Stage) -> None:
    """Sizes, port, health, variables, secrets, roles, owner and account stand under their keys."""
    odd(stage, "sender-live")
    assert shipway("import", "main/sender-live", "--region", "eu-central-1") == 0, shipway.err
    found = imported(shipway)
    (environment,) = found.environments
    container = environment.container
    assert (found.name, found.owner, found.image.repository) == (
        "sender",
        "messaging",
        "team/sender",
    )
    assert (environment.name, environment.cluster, environment.ecs_service) == (
        "main",
        "main",
        "sender-live",
    )
    assert (container.port, container.cpu, container.memory) == (8080, 512, 1024)
    assert (container.health, container.grace_s, container.tasks) == ("/ready", 45, 3)
    assert dict(container.env) == ODD_VALUES
    assert container.secrets == (("MONGO_URL", "sender/mongo"),)
    assert found.aws is not None
    assert (found.aws.region, found.aws.account) == ("eu-central-1", "123456789012")
    assert found.aws.task_role == "arn:aws:iam::123456789012:role/sender"


def test_what_could_not_be_known_is_a_remark(shipway: Terminal, stage: Stage) -> None:
    """Checks, gates and what is never touched stand in the file as comments, and in the answer."""
    odd(stage, "sender-live")
    assert shipway("import", "main/sender-live", "--region", "eu-central-1", "--json") == 0
    remarks = shipway.answer["remarks"]
    assert isinstance(remarks, list)
    said = " ".join(r["text"] for r in remarks)
    text = (shipway.root / "shipway.yaml").read_text()
    for word in ("what must pass", "other environments", "networkConfiguration, loadBalancers"):
        assert word in said
        assert word.partition(",")[0] in text


def test_nothing_is_overwritten(shipway: Terminal, stage: Stage) -> None:
    """An existing shipway.yaml stays byte for byte; --print shows what would be written."""
    odd(stage, "sender-live")
    (shipway.root / "shipway.yaml").write_text("mine")
    assert shipway("import", "main/sender-live", "--region", "eu-central-1") == 2
    assert "never overwritten" in shipway.err
    assert shipway("import", "main/sender-live", "--region", "eu-central-1", "--print") == 0
    assert load(shipway.out).name == "sender"
    assert (shipway.root / "shipway.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("main",), "is not CLUSTER/SERVICE"),
        (("a/b/c",), "is not CLUSTER/SERVICE"),
        (("main/nobody", "--region", "eu-central-1"), "there is no ECS service 'nobody'"),
        (("nowhere/nobody", "--region", "eu-central-1"), "in cluster 'nowhere'"),
        (("main/x", "--environment", "Prod!"), "cannot be the name of an environment"),
    ],
)
def test_what_cannot_be_imported_is_said(
    shipway: Terminal, words: tuple[str, ...], said: str
) -> None:
    """A wrong name, a service or cluster that is not there: each is told, nothing is written."""
    assert shipway("import", *words) == 2
    assert said in shipway.err
    assert not (shipway.root / "shipway.yaml").exists()


def test_a_strategy_is_imported(shipway: Terminal, stage: Stage) -> None:
    """Percentages and the breaker's threshold of a rolling service are said by `strategy`."""
    odd(
        stage,
        "sender-live",
        deploymentConfiguration={
            "minimumHealthyPercent": 50,
            "maximumPercent": 150,
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        },
    )
    assert shipway("import", "main/sender-live", "--region", "eu-central-1") == 0, shipway.err
    rules = imported(shipway).environments[0].strategy
    assert (rules.min_healthy, rules.max) == (50, 150)


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ({}, {}),
        (
            {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 3},
            {"kind": "blue_green", "bake": 3},
        ),
        (
            {
                "strategy": "CANARY",
                "bakeTimeInMinutes": 3,
                "canaryConfiguration": {"canaryPercent": 7.5, "canaryBakeTimeInMinutes": 4},
            },
            {"kind": "canary", "bake": 3, "canary": {"percent": 7.5, "bake": 4}},
        ),
        (
            {
                "strategy": "LINEAR",
                "linearConfiguration": {"stepPercent": 20.0, "stepBakeTimeInMinutes": 1},
                "lifecycleHooks": [
                    {
                        "targetType": "PAUSE",
                        "lifecycleStages": ["POST_SCALE_UP"],
                        "timeoutConfiguration": {"timeoutInMinutes": 60, "action": "CONTINUE"},
                    }
                ],
                "alarms": {"alarmNames": ["5xx"], "enable": True, "rollback": True},
            },
            {
                "kind": "linear",
                "bake": 0,
                "linear": {"percent": 20.0, "bake": 1},
                "pause": ["post_scale_up"],
                "pause_timeout": 60,
                "pause_then": "continue",
                "alarms": ["5xx"],
            },
        ),
        (
            {
                "deploymentCircuitBreaker": {
                    "enable": True,
                    "rollback": True,
                    "resetOnHealthyTask": False,
                    "thresholdConfiguration": {"type": "COUNT", "value": 2},
                },
                "earlySuccessCriteria": {
                    "enable": True,
                    "healthyPercent": 90,
                    "sourceServiceRevisionCleanup": "BLOCKING",
                },
            },
            {
                "kind": "rolling",
                "breaker": {"count": 2, "reset_on_healthy": False},
                "early_success": {"healthy_percent": 90, "cleanup": "blocking"},
            },
        ),
    ],
)
def test_each_strategy_has_its_words(configuration: dict[str, Json], said: dict[str, Json]) -> None:
    """Each deployment configuration of ECS is said by the keys of `strategy`, and they load."""
    assert strategy_of({"deploymentConfiguration": configuration})[0] == said
    live = LiveService(
        "main", "x", "eu-central-1", "123456789012",
        {"deploymentConfiguration": configuration}, {"containerDefinitions": [{"name": "x"}]}, "/",
    )  # fmt: skip
    text = adopt(live, "production").configuration
    assert load(text).environments[0].strategy.kind.value == said.get("kind", "rolling")


_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30)


@given(st.dictionaries(st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,9}\Z"), _text, max_size=5))
def test_every_value_survives(values: dict[str, str]) -> None:
    """Whatever text a variable holds, it is read back as it was."""
    pairs: list[Json] = [{"name": k, "value": v} for k, v in values.items()]
    own: dict[str, Json] = {"name": "x", "image": "x", "environment": pairs}
    live = LiveService("main", "x", "", "", {}, {"containerDefinitions": [own]}, "/")
    text = adopt(live, "production").configuration
    text = text.partition("    task:")[0]
    assert dict(load(text).environments[0].container.env) == values


def test_a_plain_service_needs_no_task_key() -> None:
    """What Shipway would make by itself is not said again, but for the log group."""
    own: dict[str, Json] = {
        "name": "x",
        "image": "i",
        "essential": True,
        "cpu": 0,
        "stopTimeout": 30,
        "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
        "environment": [],
        "volumesFrom": [],
    }
    definition: dict[str, Json] = {
        "family": "f",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "volumes": [],
        "containerDefinitions": [own],
    }
    found = leftover(definition, own, 80)
    assert found == {"containerDefinitions": [{"name": "x", "logConfiguration": None}]}


def test_what_shipway_makes_and_the_service_has_not_is_left_out_in_words() -> None:
    """A service on EC2 without ports, limits or logs gets null for each thing Shipway adds."""
    own: dict[str, Json] = {"name": "x", "image": "i", "essential": False}
    found = leftover({"family": "f", "containerDefinitions": [own]}, own, 3000)
    assert found == {
        "cpu": None,
        "memory": None,
        "networkMode": None,
        "requiresCompatibilities": None,
        "containerDefinitions": [
            {
                "name": "x",
                "essential": False,
                "stopTimeout": None,
                "logConfiguration": None,
                "portMappings": None,
            }
        ],
    }


def test_tags_of_others_are_kept_and_ours_are_not() -> None:
    """A tag of the team stays in the definition; those that Shipway or AWS put are made anew."""
    tags: list[Json] = [
        {"key": "cost", "value": "7"},
        {"key": "shipway:run", "value": "1"},
        {"key": "aws:x", "value": "2"},
    ]
    own: dict[str, Json] = {"name": "x", "stopTimeout": 30}
    found = leftover({"tags": tags, "containerDefinitions": [own]}, own, 80)
    assert found["tags"] == [{"key": "cost", "value": "7"}]


def test_a_name_that_cannot_be_kept_is_remarked() -> None:
    """A container whose name no service may have is renamed, and the file says what follows."""
    own: dict[str, Json] = {"name": "Web_App", "image": "i"}
    live = LiveService("main", "x", "", "", {}, {"containerDefinitions": [own]}, "/")
    found = adopt(live, "production")
    assert load(found.configuration).name == "web-app"
    assert json.dumps([r.text for r in found.remarks]).count("'web-app'") == 1


def test_the_plan_of_an_imported_service_changes_the_image_alone(
    shipway: Terminal, stage: Stage, stub: AwsStub
) -> None:
    """`shipway plan` itself, on the imported file: image, family and identity, and nothing else."""
    odd(stage, "sender-live")
    stub.denies = True
    service = Running(stage, "sender-live", "", 0)
    assert service.until_over() == "SUCCESSFUL"
    assert shipway("import", "main/sender-live", "--region", "eu-central-1") == 0, shipway.err
    shipway.remember(Story().recorded(A))
    assert shipway("plan", "main", "--release", A.name, "--json") == 0, shipway.err
    changes_found = shipway.answer["changes"]
    assert isinstance(changes_found, list)
    left = {c["field"] for c in changes_found if ".environment.SHIPWAY_" not in c["field"]}
    assert left == {"containerDefinitions.sender.image", "family"}
