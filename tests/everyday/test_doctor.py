"""`shipway doctor`: every finding has a what, a why and a cure, and looking changes nothing."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from shipway.environments.doctor import Finding, Weight, examine
from shipway.environments.machine_doctor import examine_machine
from shipway.environments.speed import prices, total, waves_of
from shipway.local.ecs.wire.errors import AwsError
from shipway.model.examined import (
    ContainerRules,
    Examined,
    ImageSize,
    Machine,
    Needed,
    Rollout,
    Rules,
    TargetGroup,
)
from shipway.model.operations import ContainerState, ServiceEvent, TaskState
from shipway.testing.builders import a_digest
from tests.everyday.aws_stub import AwsStub
from tests.everyday.conftest import configured
from tests.local_ecs.ecs_stage import Running, Stage
from tests.story.telling import PRODUCTION, A, Story
from tests.story.test_cli_verbs import Terminal

MONGO = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:sender/mongo-AbCdEf"
GROUP = TargetGroup("web", 2, (), (100,), interval_s=5, threshold=2, delay_s=10)
SAFE = Rules(breaker=True, rollback=True, alarms=("5xx",), early=False)
TASK = TaskState(
    "arn:task/main/1", "RUNNING", "RUNNING", "d:1",
    containers=(ContainerState("web", "i", "RUNNING", digest=a_digest("a")),),
)  # fmt: skip
WELL = Examined(
    desired=1,
    running=1,
    fargate=True,
    exec_enabled=True,
    rules=SAFE,
    tasks=(TASK,),
    balanced=True,
    groups=(GROUP,),
    containers=(ContainerRules("web", "i", 10, 5),),
    task_role="role",
)


def test_a_service_that_is_well_has_no_finding() -> None:
    """Nothing is found where nothing is wrong, so a finding means something."""
    assert examine(WELL, a_digest("a")) == ()


STOPPED = TaskState(
    "arn:task/main/2", "STOPPED", "STOPPED", "d:1", stop_code="EssentialContainerExited",
    containers=(ContainerState("web", "i", "STOPPED", exit_code=1),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "weight", "what"),
    [
        (replace(WELL, running=0), Weight.WRONG, "0 of 1 tasks run"),
        (replace(WELL, desired=0, running=0), Weight.RISK, "no task is wanted"),
        (
            replace(WELL, rollouts=(Rollout("PRIMARY", "IN_PROGRESS", "", "d/web:2", 0),)),
            Weight.NOTE,
            "a deployment of web:2 is in flight",
        ),
        (
            replace(WELL, rollouts=(Rollout("PRIMARY", "FAILED", "tasks failed", "d/web:2", 3),)),
            Weight.WRONG,
            "the deployment of web:2 failed: tasks failed",
        ),
        (
            replace(WELL, events=(ServiceEvent("1", 1.0, "unable to place a task because"),)),
            Weight.WRONG,
            "there is no capacity",
        ),
        (replace(WELL, tasks=(TASK, STOPPED)), Weight.WRONG, "1 task stopped of late"),
        (
            replace(WELL, tasks=(replace(TASK, health="UNHEALTHY"),)),
            Weight.WRONG,
            "task 1 is unhealthy",
        ),
        (
            replace(WELL, groups=(replace(GROUP, unhealthy=("Target.Timeout",)),)),
            Weight.WRONG,
            "1 targets of web are unhealthy: Target.Timeout",
        ),
        (
            replace(WELL, groups=(GROUP, replace(GROUP, name="blue", healthy=0, weights=(1,)))),
            Weight.WRONG,
            "a listener sends traffic to blue, which has no healthy target",
        ),
        (replace(WELL, groups=(replace(GROUP, weights=()),)), Weight.RISK, "no listener sends"),
        (
            replace(WELL, needed=(Needed("secret", "mongo", there=False),)),
            Weight.WRONG,
            "secret mongo does not exist",
        ),
        (
            replace(WELL, needed=(Needed("role", "exec", there=True, wrong="no trust"),)),
            Weight.WRONG,
            "role exec: no trust",
        ),
        (replace(WELL, rules=replace(SAFE, breaker=False)), Weight.RISK, "circuit breaker is off"),
        (replace(WELL, rules=replace(SAFE, rollback=False)), Weight.RISK, "does not roll back"),
        (replace(WELL, rules=replace(SAFE, alarms=())), Weight.RISK, "no alarm watches"),
        (replace(WELL, exec_enabled=False), Weight.NOTE, "ECS Exec is off"),
        (replace(WELL, task_role=""), Weight.NOTE, "no task role"),
        (replace(WELL, blind=("roles: AccessDenied",)), Weight.NOTE, "could not look: roles"),
    ],
)
def test_each_fault_is_found_once(seen: Examined, weight: Weight, what: str) -> None:
    """Each single fault in a service that is well gives one finding of its weight, with a cure."""
    (finding,) = examine(seen, a_digest("a"))
    assert what in finding.what
    assert finding.weight is weight
    assert finding.why
    assert finding.fix


def test_drift_from_the_ledger_is_found() -> None:
    """Tasks of another digest than the live release are wrong; without a release they are not."""
    (finding,) = examine(WELL, a_digest("b"))
    assert finding.what.startswith(f"tasks run {a_digest('a')}")
    assert examine(WELL, None) == ()


def test_what_may_not_be_asked_is_not_missing() -> None:
    """A secret that AWS refuses to tell of is no missing secret."""
    assert examine(replace(WELL, needed=(Needed("secret", "mongo", there=None),)), None) == ()


MACHINE = Machine("28.0", "22.1.0", "10.1.0", "10.1.0", "", embedded=True, needs_node=True)


@pytest.mark.parametrize(
    ("seen", "what"),
    [
        (replace(MACHINE, docker=""), "Docker Engine does not answer"),
        (replace(MACHINE, node=""), "node is missing"),
        (replace(MACHINE, pnpm=""), "pnpm is missing; package.json pins 10.1.0"),
        (replace(MACHINE, pnpm="9.0.0"), "pnpm is 9.0.0; package.json pins 10.1.0"),
        (replace(MACHINE, embedded=False), "the embedded default is not up"),
        (replace(MACHINE, git="it is dirty"), "not fit to be delivered: it is dirty"),
    ],
)
def test_each_fault_of_a_machine_is_found_once(seen: Machine, what: str) -> None:
    """Each single fault of a machine gives one finding; a machine that is well gives none."""
    (finding,) = examine_machine(seen)
    assert what in finding.what
    assert examine_machine(MACHINE) == ()


def told(shipway: Terminal) -> dict[str, str]:
    """Return the findings of the last command: what to weight."""
    found = shipway.answer["findings"]
    assert isinstance(found, list)
    return {each["what"]: each["weight"] for each in found}


def iam(*, trusting: bool = True) -> dict[str, Any]:
    """Return IAM's answer about a role."""
    who = "ecs-tasks.amazonaws.com" if trusting else "ec2.amazonaws.com"
    document = {"Statement": [{"Principal": {"Service": ["lambda.amazonaws.com", who]}}]}
    return {
        "Role": {
            "Path": "/",
            "RoleName": "sender-task",
            "RoleId": "AROA0123456789ABCDEF",
            "Arn": "arn:aws:iam::123456789012:role/sender-task",
            "CreateDate": 1.0,
            "AssumeRolePolicyDocument": json.dumps(document),
        }
    }


@pytest.fixture
def service(shipway: Terminal, stage: Stage) -> Running:
    """A balanced service of two tasks that is steady."""
    found = stage.steady()
    configured(shipway, found.name)
    return found


def test_a_live_service_is_examined(shipway: Terminal, service: Running, stage: Stage) -> None:
    """A steady service with a breaker has no wrong finding, and looking changes nothing."""
    before = json.dumps(service.service(), default=str)
    assert shipway("doctor", "production", "--json") == 0
    assert "wrong" not in told(shipway).values()
    assert "no alarm watches deployments" in told(shipway)
    assert json.dumps(service.service(), default=str) == before
    assert stage.virtual


def test_a_sick_service_is_examined(shipway: Terminal, stage: Stage) -> None:
    """Unhealthy targets and stopped tasks are found, and the exit status says so."""
    sick = stage.serve("crash")
    stage.until(lambda: bool(sick.tasks("STOPPED")))
    assert configured(shipway, sick.name)("doctor", "production") == 3
    assert "web: exit code 7" in shipway.out
    assert "-> see its last lines" in shipway.out


def test_secrets_and_roles_are_looked_for_by_name(
    shipway: Terminal, stage: Stage, stub: AwsStub
) -> None:
    """A secret and a parameter that are not there, and a role nobody trusts, are found by name."""
    definition = stage.ecs.register_task_definition(
        family="secretive",
        taskRoleArn="arn:aws:iam::123456789012:role/sender-task",
        containerDefinitions=[
            {
                "name": "web",
                "image": "good",
                "memory": 64,
                "secrets": [
                    {"name": "A", "valueFrom": f"{MONGO}:url::"},
                    {"name": "B", "valueFrom": "/sender/there"},
                    {"name": "C", "valueFrom": "/sender/gone"},
                ],
            }
        ],
    )["taskDefinition"]["taskDefinitionArn"]
    stage.ecs.create_service(
        cluster="main", serviceName="secretive", taskDefinition=definition, desiredCount=1
    )

    def absent(_: dict[str, Any]) -> dict[str, Any]:
        raise AwsError("ResourceNotFoundException", "no such secret")

    def parameters(request: dict[str, Any]) -> dict[str, Any]:
        wanted = request["ParameterFilters"][0]["Values"]
        return {"Parameters": [{"Name": n} for n in wanted if n == "/sender/there"]}

    stub.answers |= {
        "secretsmanager:DescribeSecret": absent,
        "ssm:DescribeParameters": parameters,
        "iam:GetRole": lambda _: iam(trusting=False),
    }
    configured(shipway, "secretive")("doctor", "production", "--json")
    found = told(shipway)
    assert found[f"secret {MONGO} does not exist"] == "wrong"
    assert found["parameter /sender/gone does not exist"] == "wrong"
    assert not any("/sender/there" in what for what in found)
    assert found["role sender-task: it does not trust ecs-tasks.amazonaws.com"] == "wrong"
    asked = {name for name, _ in stub.asked}
    assert asked == {"secretsmanager:DescribeSecret", "ssm:DescribeParameters", "iam:GetRole"}


def test_access_denied_is_not_absence(shipway: Terminal, stage: Stage, stub: AwsStub) -> None:
    """A secret that may not be looked at is noted as unseen, never as missing."""
    definition = stage.register("good", secrets=[{"name": "A", "valueFrom": MONGO}])
    stage.ecs.create_service(
        cluster="main", serviceName="denied", taskDefinition=definition, desiredCount=0
    )

    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise AwsError("AccessDeniedException", "no")

    stub.answers["secretsmanager:DescribeSecret"] = refuse
    assert configured(shipway, "denied")("doctor", "production", "--json") == 0
    assert told(shipway)[f"could not look: secret {MONGO}: AccessDeniedException"] == "note"


def test_drift_is_seen_on_a_live_service(shipway: Terminal, service: Running) -> None:
    """A service that runs another digest than the ledger says is found wrong."""
    assert service.name
    shipway.remember(Story().recorded(A).live(A, PRODUCTION))
    assert shipway("doctor", "production") == 3
    assert f"the live release is {A.digest}" in shipway.out


def test_a_machine_alone_is_examined(shipway: Terminal) -> None:
    """Without AWS and with the embedded default down the machine is still examined."""
    text = (
        "service: sender\nowner: x\nimage: { repository: x }\nenvironments: { a: { cluster: a } }\n"
    )
    shipway.configure(text)
    (shipway.root / "package.json").write_text('{"packageManager": "pnpm@0.0.1+sha512.abc"}')
    subprocess.run(["git", "init", "-q"], cwd=shipway.root, check=True)
    shipway("doctor", "--json")
    found = told(shipway)
    assert found["the embedded default is not up"] == "note"
    assert any("not fit to be delivered" in what for what in found)
    assert any("package.json pins 0.0.1" in what for what in found)


SLOW = Examined(
    desired=4,
    running=4,
    fargate=True,
    exec_enabled=True,
    rules=Rules(),
    balanced=True,
    groups=(TargetGroup("web", 4, (), (1,), interval_s=30, threshold=5, delay_s=300),),
    containers=(ContainerRules("web", "i", None, None),),
    image=ImageSize("web", 400_000_000, zstd=False),
)


def priced(seen: Examined) -> dict[str, tuple[float, float]]:
    """Return what each setting costs and could cost, by the beginning of its name."""
    return {" ".join(p.what.split()[:2]): (p.seconds, p.tuned) for p in prices(seen)}


def test_the_defaults_of_aws_are_priced() -> None:
    """Each default that slows a deployment has its price; the sum leaves out the worst cases."""
    assert priced(SLOW) == {
        "deregistration delay": (300, 10),
        "health check": (150, 10),
        "stop timeout": (30, 10),
        "image of": (40, 25),
    }
    assert total(prices(SLOW)) == pytest.approx(290 + 140 + 15)


def test_a_tuned_service_has_nothing_to_save() -> None:
    """A service with short delays, a small zstd image and one wave has no price at all."""
    small = replace(WELL, image=ImageSize("web", 80_000_000, zstd=True))
    assert prices(small) == ()


@pytest.mark.parametrize(
    ("seen", "key", "price"),
    [
        (replace(WELL, balanced=False, groups=(), containers=()), "no health", (40, 5)),
        (
            replace(WELL, containers=(ContainerRules("web", "i", 10, 30),)),
            "container health",
            (30, 5),
        ),
        (replace(WELL, image=ImageSize("w", 200_000_000, zstd=False)), "layers of", (20, 14.6)),
        (replace(WELL, rules=replace(SAFE, alarms=(), bake_min=10)), "bake time", (600, 60)),
        (
            replace(
                WELL,
                rules=replace(
                    SAFE, alarms=(), strategy="LINEAR", step_percent=10.0, step_bake_min=6
                ),
            ),
            "9 steps",
            (3240, 540),
        ),
        (
            replace(
                WELL,
                rules=replace(SAFE, alarms=(), strategy="CANARY", step_percent=5, step_bake_min=10),
            ),
            "1 steps",
            (600, 60),
        ),
        (replace(WELL, rules=replace(SAFE, grace_s=300)), "grace period", (300, 60)),
        (
            replace(WELL, desired=4, rules=replace(SAFE, minimum=50, maximum=100)),
            "2 waves:",
            (2 * 60, 60),
        ),
    ],
)
def test_each_setting_has_its_price(seen: Examined, key: str, price: tuple[float, float]) -> None:
    """Each single slow setting of a tuned service is priced alone."""
    found = priced(seen)
    assert set(found) == {key}
    assert found[key] == pytest.approx(price)


def test_early_success_takes_the_drain_off_the_path() -> None:
    """With earlySuccessCriteria neither drain nor stop time is paid for."""
    early = replace(SLOW, rules=Rules(early=True))
    assert set(priced(early)) == {"health check", "image of"}


@pytest.mark.parametrize(
    ("desired", "minimum", "maximum", "waves"),
    [(4, 100, 200, 1), (4, 50, 100, 2), (4, 75, 125, 2), (10, 100, 110, 10), (0, 50, 100, 1)],
)
def test_waves_are_counted(desired: int, minimum: int, maximum: int, waves: int) -> None:
    """The room between minimum and maximum decides how many waves there are."""
    assert waves_of(desired, minimum, maximum) == waves


def test_speed_of_a_live_service(shipway: Terminal, service: Running) -> None:
    """The target group of a live service is priced, in words and as JSON, with the sum."""
    assert service.name
    assert shipway("doctor", "production", "--speed") == 0
    assert "deregistration delay of 300 s" in shipway.out
    assert "s of each deployment could be saved" in shipway.out
    assert shipway("doctor", "production", "--speed", "--json") == 0
    environments = shipway.answer["environments"]
    assert isinstance(environments, list)
    assert environments[0]["saves_s"] >= 290


def test_every_finding_is_whole() -> None:
    """A place without a service is a note, not a fault."""
    assert [f.weight for f in examine(None, None)] == [Weight.NOTE]
    assert all(isinstance(f, Finding) for f in examine(None, None))


def test_the_image_is_weighed(shipway: Terminal, stage: Stage, stub: AwsStub) -> None:
    """Of an image for several platforms the layers of one are added up, by its manifests."""
    digest = f"sha256:{'1' * 64}"
    index = {
        "manifests": [
            {"digest": f"sha256:{'2' * 64}", "platform": {"architecture": "arm64"}},
            {"digest": digest, "platform": {"architecture": "amd64"}},
        ]
    }
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": 150_000_000}

    def manifest(request: dict[str, Any]) -> dict[str, Any]:
        wanted = request["imageIds"][0]
        found = {"layers": [layer, layer]} if wanted.get("imageDigest") == digest else index
        return {"images": [{"imageId": wanted, "imageManifest": json.dumps(found)}]}

    stub.answers["ecr:BatchGetImage"] = manifest
    definition = stage.register("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:v1")
    stage.ecs.create_service(
        cluster="main", serviceName="heavy", taskDefinition=definition, desiredCount=1
    )
    assert configured(shipway, "heavy")("doctor", "production", "--speed") == 0
    assert "image of 300 MB, pulled by every task" in shipway.out
    assert "no health check at all: ECS waits 40 s" in shipway.out


def test_a_page_of_a_proxy_is_no_bug(
    shipway: Terminal, service: Running, stub: AwsStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is no answer of AWS at all reads as no answer, never as a traceback."""
    assert service.name
    stub.page = b"Bad gateway"
    monkeypatch.setenv("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", stub.url)
    assert shipway("doctor", "production", "--json") == 0
    assert any("could not look: the load balancer: no answer" in what for what in told(shipway))


def test_of_two_groups_one_may_be_idle() -> None:
    """The colour that gets no traffic, with or without a rule, is no fault of the service."""
    idle = replace(GROUP, name="green", healthy=0, weights=(0,))
    for other in (idle, replace(idle, weights=())):
        assert examine(replace(WELL, groups=(GROUP, other)), None) == ()


def test_both_colours_of_a_service_are_looked_at(
    shipway: Terminal, stage: Stage, stub: AwsStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traffic that a rule sends to the empty group of the other colour is found."""
    service = stage.steady()
    other = stage.elb.create_target_group(
        Name="other", Protocol="HTTP", Port=80, TargetType="ip", VpcId="vpc-1"
    )["TargetGroups"][0]["TargetGroupArn"]
    found = stage.elb.describe_target_groups(TargetGroupArns=[service.group])["TargetGroups"][0]
    listener = stage.elb.describe_listeners(LoadBalancerArn=found["LoadBalancerArns"][0])
    groups = [
        {"TargetGroupArn": service.group, "Weight": 50},
        {"TargetGroupArn": other, "Weight": 50},
    ]
    stage.elb.modify_listener(
        ListenerArn=listener["Listeners"][0]["ListenerArn"],
        DefaultActions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
    )

    def coloured(reply: dict[str, Any]) -> dict[str, Any]:
        for each in reply["services"]:
            each["loadBalancers"][0]["advancedConfiguration"] = {"alternateTargetGroupArn": other}
        return reply

    stub.plane, stub.amended = stage.endpoint.url, {"ecs:DescribeServices": coloured}
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", stub.url)
    assert configured(shipway, service.name)("doctor", "production", "--json") == 3
    what = "a listener sends traffic to other, which has no healthy target"
    assert told(shipway)[what] == "wrong"


def test_without_aws_the_machine_is_still_examined(
    shipway: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without credentials the machine is examined, and the environment is told unseen."""
    configured(shipway, "any")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(shipway.root / "none"))
    assert shipway("doctor") == 3
    assert shipway.out.startswith("this machine: ")
    assert "could not look: no answer from AWS" in shipway.out
    assert shipway("doctor", "production") == 5
