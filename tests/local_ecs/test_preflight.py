"""The look before a deployment over real HTTP: our control plane, and a small AWS beside it."""

# ruff: noqa: ANN401 - AWS speaks JSON, which has any type
from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from shipway.adapters.aws.dependencies import quotas, trusted
from shipway.adapters.aws.preflight import AwsInspector
from shipway.adapters.aws.session import Endpoints, Session
from shipway.environments.findings import Weight
from shipway.environments.preflight import findings
from shipway.model.preflight import AlarmState, Facts, Keeping, Needs, Place, Role, Unknown
from shipway.model.release import Digest
from shipway.testing.builders import a_digest, an_environment
from tests.local_ecs.aws_answers import LONG_AGO, Answers, Refusal, answering

if TYPE_CHECKING:
    from shipway.model.service import Environment
    from tests.local_ecs.ecs_stage import Running, Stage

REGION, OTHER_REGION = "eu-central-1", "eu-west-1"
ROLE = "arn:aws:iam::000000000000:role/team/execution"
MONGO = f"arn:aws:secretsmanager:{REGION}:000000000000:secret:mongo-AbCdEf"
FAR = f"arn:aws:secretsmanager:{OTHER_REGION}:000000000000:secret:far-AbCdEf"
REPOSITORY = f"000000000000.dkr.ecr.{REGION}.amazonaws.com/sender"
INDEX = {
    "manifests": [
        {"platform": {"os": "linux", "architecture": "arm64"}},
        {"platform": {"os": "unknown", "architecture": "unknown"}},
    ]
}
NEEDS = Needs(container="web", port=80, repository=REPOSITORY, digest=a_digest())


class OnAws(Session):
    """A session that believes to be on AWS, though everything is on loopback."""

    def __init__(self, ecs: str, aws: str) -> None:
        super().__init__(REGION, lambda: Endpoints(aws, ecs, "127.0.0.1:1"))
        self.real = False

    @property
    def endpoints(self) -> Endpoints | None:
        """Nothing, where AWS is played."""
        return None if self.real else super().endpoints


@pytest.fixture
def aws() -> Iterator[Answers]:
    """A small AWS in which an image, a role and a secret are well."""
    answers = Answers()
    answers.replies = {
        ("ecr", "BatchGetImage"): lambda _: {"images": [{"imageManifest": json.dumps(INDEX)}]},
        ("iam", "GetRole"): lambda _: {"Role": role("ecs-tasks.amazonaws.com")},
        ("secretsmanager", "DescribeSecret"): lambda _: {
            "VersionIdsToStages": {"1": ["AWSPREVIOUS"], "2": ["AWSCURRENT"]}
        },
        ("ssm", "DescribeParameters"): lambda _: {"Parameters": [{"Name": "/sender/token"}]},
    }
    with answering(answers):
        yield answers


def role(service: str | list[str]) -> dict[str, Any]:
    """Return a role that a service may assume, as IAM describes it."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return {"Arn": ROLE, "AssumeRolePolicyDocument": json.dumps({"Statement": [statement]})}


def environment_of(running: Running) -> Environment:
    """Return the environment of a service on the stage."""
    return replace(an_environment(), cluster="main", ecs_service=running.name)


def look(stage: Stage, aws: Answers, environment: Environment, **more: Any) -> Facts:
    """Look at what a deployment needs."""
    session = OnAws(stage.endpoint.url, aws.url)
    return AwsInspector(session).facts(environment, replace(NEEDS, **more))


def refused(facts: Facts, **more: Any) -> list[str]:
    """Return the codes of what refuses."""
    return [f.code for f in findings(replace(NEEDS, **more), facts) if f.weight is Weight.REFUSE]


def test_a_service_that_is_well_is_seen_whole(virtual: Stage, aws: Answers) -> None:
    """Cluster, service, target group, listener and image are seen, and nothing is refused."""
    running = virtual.steady()
    facts = look(virtual, aws, environment_of(running), roles=(ROLE,), secrets=(MONGO,))
    assert facts.cluster == "ACTIVE"
    assert isinstance(facts.service, Place)
    assert (facts.service.desired, facts.service.in_flight) == (2, ())
    group = dict(facts.groups)[running.group]
    assert (getattr(group, "forwarded", None), getattr(group, "healthy", None)) == (True, 2)
    assert facts.roles == ((ROLE, Role(ROLE, frozenset({"ecs-tasks.amazonaws.com"}))),)
    assert refused(facts) == []


def test_no_secret_value_is_ever_asked_for(virtual: Stage, aws: Answers) -> None:
    """Only calls that describe are made, whatever is needed."""
    running = virtual.steady()
    look(virtual, aws, environment_of(running), roles=(ROLE,), secrets=(MONGO, "/sender/token"))
    assert set(aws.asked) == {
        "ecr:BatchGetImage",
        "iam:GetRole",
        "secretsmanager:DescribeSecret",
        "ssm:DescribeParameters",
    }


def test_a_service_elsewhere_is_missing(virtual: Stage, aws: Answers) -> None:
    """An unknown service and an unknown cluster are told as missing, not as an error."""
    facts = look(virtual, aws, replace(an_environment(), cluster="main", ecs_service="nobody"))
    assert refused(facts) == ["service-is-missing"]
    facts = look(virtual, aws, replace(an_environment(), cluster="none"))
    assert refused(facts) == ["cluster-is-missing", "service-is-missing"]


def test_another_port_does_not_fit(virtual: Stage, aws: Answers) -> None:
    """What the load balancer sends to is compared with the container and its port."""
    facts = look(virtual, aws, environment_of(virtual.steady()))
    assert refused(facts, port=8080) == ["load-balancer-does-not-fit"]


def test_a_deployment_in_flight_is_seen(virtual: Stage, aws: Answers) -> None:
    """One that somebody else began is refused, by its ARN."""
    running = virtual.steady()
    running.update(taskDefinition=virtual.register("better"))
    virtual.pass_time(1)
    facts = look(virtual, aws, environment_of(running))
    assert isinstance(facts.service, Place)
    assert facts.service.in_flight == (running.service()["currentServiceDeployment"],)
    assert refused(facts) == ["deployment-in-flight"]
    assert refused(facts, ours=frozenset(facts.service.in_flight)) == []


def test_denied_is_not_missing(virtual: Stage, aws: Answers) -> None:
    """When every question beside ECS is denied, nothing is refused and each is warned of."""
    aws.replies = {}
    facts = look(
        virtual,
        aws,
        environment_of(virtual.steady()),
        roles=(ROLE,),
        secrets=(MONGO, "/sender/token"),
    )
    assert refused(facts) == []
    doubts = [f.where.partition(" ")[0] for f in findings(NEEDS, facts)]
    assert doubts == ["image", "role", "secret", "secret"]


@pytest.mark.parametrize(
    ("call", "code", "refusal"),
    [
        (("secretsmanager", "DescribeSecret"), "ResourceNotFoundException", "secret-is-missing"),
        (("iam", "GetRole"), "NoSuchEntity", "role-is-missing"),
        (("ecr", "BatchGetImage"), "RepositoryNotFoundException", "image-is-missing"),
    ],
)
def test_not_found_is_missing(
    virtual: Stage, aws: Answers, call: tuple[str, str], code: str, refusal: str
) -> None:
    """AWS's own code for it, and only that, is absence."""

    def absent(_request: dict[str, Any]) -> Any:
        raise Refusal(code)

    aws.replies[call] = absent
    environment = environment_of(virtual.steady())
    assert refused(look(virtual, aws, environment, roles=(ROLE,), secrets=(MONGO,))) == [refusal]


@pytest.mark.parametrize(
    ("suffix", "kept"),
    [
        (":password::", Keeping.THERE),
        ("::AWSPREVIOUS:", Keeping.THERE),
        ("::AWSPENDING:", Keeping.NO_SUCH_VERSION),
        (":::2", Keeping.THERE),
        (":::3", Keeping.NO_SUCH_VERSION),
    ],
)
def test_what_follows_a_secrets_arn_is_understood(
    virtual: Stage, aws: Answers, suffix: str, kept: Keeping
) -> None:
    """JSON key, stage and version are no part of the secret's id; stage and version are checked."""
    wanted: list[str] = []
    there = aws.replies["secretsmanager", "DescribeSecret"]

    def describe(request: dict[str, Any]) -> Any:
        wanted.append(request["SecretId"])
        return there(request)

    aws.replies["secretsmanager", "DescribeSecret"] = describe
    facts = look(virtual, aws, environment_of(virtual.steady()), secrets=(MONGO + suffix,))
    assert facts.secrets == ((MONGO + suffix, kept),)
    assert wanted == [MONGO]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"VersionIdsToStages": {}}, Keeping.EMPTY),
        ({"VersionIdsToStages": {"1": ["AWSCURRENT"]}, "DeletedDate": LONG_AGO}, Keeping.DELETED),
    ],
)
def test_a_secret_that_is_of_no_use_is_told_apart(
    virtual: Stage, aws: Answers, said: dict[str, Any], kept: Keeping
) -> None:
    """Never filled and marked for deletion are not the same as missing."""
    aws.replies["secretsmanager", "DescribeSecret"] = lambda _: said
    facts = look(virtual, aws, environment_of(virtual.steady()), secrets=(FAR,))
    assert facts.secrets == ((FAR, kept),)


def test_parameters_are_found_by_name_and_arn(virtual: Stage, aws: Answers) -> None:
    """One call for all of them; what is not listed is missing."""
    arn = f"arn:aws:ssm:{REGION}:000000000000:parameter/sender/token"
    environment = environment_of(virtual.steady())
    facts = look(virtual, aws, environment, secrets=("/sender/token", arn, "/sender/gone"))
    assert dict(facts.secrets) == {
        "/sender/token": Keeping.THERE,
        arn: Keeping.THERE,
        "/sender/gone": None,
    }


@pytest.mark.parametrize(
    ("principal", "trusts"),
    [
        ("ecs-tasks.amazonaws.com", {"ecs-tasks.amazonaws.com"}),
        (
            ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"],
            {"ec2.amazonaws.com", "ecs-tasks.amazonaws.com"},
        ),
        ([], set()),
    ],
)
def test_a_principal_may_be_a_list(
    virtual: Stage, aws: Answers, principal: str | list[str], trusts: set[str]
) -> None:
    """Trust policies write one service as text and several as a list (ecspresso#932)."""
    aws.replies["iam", "GetRole"] = lambda _: {"Role": role(principal)}
    facts = look(virtual, aws, environment_of(virtual.steady()), roles=(ROLE,))
    assert facts.roles == ((ROLE, Role(ROLE, frozenset(trusts))),)


@pytest.mark.parametrize(
    ("policy", "services"),
    [
        ({}, set()),
        (
            {"Statement": {"Effect": "Allow", "Action": ["sts:*"], "Principal": {"Service": "a"}}},
            {"a"},
        ),
        (
            {
                "Statement": [
                    {"Effect": "Allow", "Action": "sts:TagSession", "Principal": {"Service": "a"}}
                ]
            },
            set(),
        ),
        ({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}]}, set()),
        (
            {
                "Statement": [
                    {"Effect": "Allow", "Action": "*", "Principal": {"Service": ["a", "b"]}},
                    {"Effect": "Deny", "Action": "*", "Principal": {"Service": "b"}},
                ]
            },
            {"a"},
        ),
    ],
)
def test_every_form_of_a_trust_policy_is_read(policy: object, services: set[str]) -> None:
    """One statement or many, one action or many, and a Deny wins."""
    assert trusted(policy) == services


def test_alarms_of_both_kinds_are_seen(aws: Answers) -> None:
    """Metric and composite alarms are told by state; one that is not there is missing."""
    aws.replies["cloudwatch", "DescribeAlarms"] = lambda _: {
        "MetricAlarms": [{"AlarmName": "errors", "StateValue": "ALARM"}],
        "CompositeAlarms": [{"AlarmName": "all", "StateValue": "OK"}],
    }
    names = ("all", "errors", "gone")
    inspector = AwsInspector(OnAws(aws.url, aws.url))
    seen = (("all", AlarmState.OK), ("errors", AlarmState.ALARM), ("gone", None))
    assert inspector.alarms(names) == seen
    del aws.replies["cloudwatch", "DescribeAlarms"]
    assert [isinstance(state, Unknown) for _, state in inspector.alarms(names)] == [True] * 3


def test_a_way_back_asks_for_nothing_but_the_image(virtual: Stage, aws: Answers) -> None:
    """Not even ECS is asked."""
    facts = look(virtual, aws, an_environment(), only_image=True)
    assert aws.asked == ["ecr:BatchGetImage"]
    assert facts == Facts(platforms=facts.platforms)


class Blob(BaseHTTPRequestHandler):
    """Serves the configuration of an image, as S3 does for ECR."""

    def do_GET(self) -> None:
        """Answer one request."""
        body = json.dumps({"os": "linux", "architecture": "amd64"}).encode()
        self.send_response(200 if self.path == "/config" else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *words: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


@pytest.fixture
def blob() -> Iterator[str]:
    """The address under which layers can be fetched."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Blob) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def on_aws(stage: Stage, aws: Answers) -> Any:
    """Return the image's platforms as they are seen on AWS."""
    session = OnAws(stage.endpoint.url, aws.url)
    _ = session.client("ecr", REGION)  # made while it knows where loopback is
    session.real = True
    return AwsInspector(session).facts(an_environment(), replace(NEEDS, only_image=True)).platforms


def test_the_platforms_of_an_index_are_those_it_lists(virtual: Stage, aws: Answers) -> None:
    """Attestations beside the images are for no platform."""
    assert on_aws(virtual, aws) == ("linux/arm64",)


def test_a_single_image_tells_its_platform_in_its_configuration(
    virtual: Stage, aws: Answers, blob: str
) -> None:
    """Only the small configuration is fetched; when it may not be, nobody knows the platform."""
    digest = Digest(f"sha256:{hashlib.sha256(b'config').hexdigest()}")
    manifest = json.dumps({"config": {"digest": digest}})
    aws.replies["ecr", "BatchGetImage"] = lambda _: {"images": [{"imageManifest": manifest}]}
    aws.replies["ecr", "GetDownloadUrlForLayer"] = lambda _: {"downloadUrl": f"{blob}/config"}
    assert on_aws(virtual, aws) == ("linux/amd64",)
    aws.replies["ecr", "GetDownloadUrlForLayer"] = lambda _: {"downloadUrl": f"{blob}/denied"}
    assert isinstance(on_aws(virtual, aws), Unknown)


def test_an_image_that_was_cleaned_away_is_missing(virtual: Stage, aws: Answers) -> None:
    """ECR tells it among the failures, not as an error."""
    aws.replies["ecr", "BatchGetImage"] = lambda _: {
        "images": [],
        "failures": [{"failureCode": "ImageNotFound"}],
    }
    assert on_aws(virtual, aws) is None


BLUE = f"arn:aws:elasticloadbalancing:{REGION}:000000000000:targetgroup/blue/1"
GREEN = f"arn:aws:elasticloadbalancing:{REGION}:000000000000:targetgroup/green/2"
RULE = f"arn:aws:elasticloadbalancing:{REGION}:000000000000:listener-rule/app/lb/1/2/3"


def blue_green(aws: Answers, blue: int, green: int) -> Facts:
    """Look at a blue/green service whose traffic is divided like this; only blue is healthy."""
    behind = {
        "targetGroupArn": BLUE,
        "containerName": "web",
        "containerPort": 80,
        "advancedConfiguration": {"alternateTargetGroupArn": GREEN, "productionListenerRule": RULE},
    }
    service = {
        "status": "ACTIVE",
        "desiredCount": 2,
        "launchType": "FARGATE",
        "loadBalancers": [behind],
        "deploymentConfiguration": {
            "alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True}
        },
    }
    shares = [
        {"TargetGroupArn": BLUE, "Weight": blue},
        {"TargetGroupArn": GREEN, "Weight": green},
    ]
    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": shares}}
    aws.replies |= {
        ("ecs", "DescribeClusters"): lambda _: {"clusters": [{"status": "ACTIVE"}]},
        ("ecs", "DescribeServices"): lambda _: {"services": [service]},
        ("ecs", "ListServiceDeployments"): lambda _: {"serviceDeployments": []},
        ("cloudwatch", "DescribeAlarms"): lambda _: {
            "MetricAlarms": [{"AlarmName": "errors", "StateValue": "OK"}]
        },
        ("elbv2", "DescribeTargetGroups"): lambda request: {
            "TargetGroups": [
                {
                    "TargetGroupArn": request["TargetGroupArns.member.1"],
                    "TargetType": "ip",
                    "LoadBalancerArns": ["lb"],
                }
            ]
        },
        ("elbv2", "DescribeTargetHealth"): lambda request: {
            "TargetHealthDescriptions": [
                {
                    "TargetHealth": {
                        "State": "healthy" if request["TargetGroupArn"] == BLUE else "unused"
                    }
                }
            ]
        },
        ("elbv2", "DescribeRules"): lambda _: {"Rules": [{"Actions": [action]}]},
    }
    return AwsInspector(OnAws(aws.url, aws.url)).facts(an_environment(), NEEDS)


@pytest.mark.parametrize(
    ("blue", "green", "refusal"),
    [
        (100, 0, []),
        (0, 100, ["weights-point-at-nothing"]),
        (90, 10, ["weights-are-split"]),
        (0, 0, ["weights-are-split"]),
    ],
)
def test_the_traffic_must_go_to_one_group_that_is_well(
    aws: Answers, blue: int, green: int, refusal: list[str]
) -> None:
    """Before a blue/green deployment the listener's weights and both groups' targets are seen."""
    facts = blue_green(aws, blue, green)
    assert refused(facts) == refusal
    assert facts.alarms == (("errors", AlarmState.OK),)
    assert [arn for arn, _ in facts.groups] == [BLUE, GREEN]


def test_quotas_are_asked_for_on_aws_by_name(aws: Answers) -> None:
    """What Service Quotas says of ECS and Fargate arrives, and a refusal to say is no obstacle."""
    aws.replies["service-quotas", "ListServiceQuotas"] = lambda request: {
        "Quotas": [{"QuotaName": f"of {request['ServiceCode']}", "Value": 5.0}]
    }
    session = OnAws(aws.url, aws.url)
    _ = session.client("service-quotas")
    assert quotas(session) == (("of ecs", 5.0), ("of fargate", 5.0))
    del aws.replies["service-quotas", "ListServiceQuotas"]
    assert isinstance(quotas(session), Unknown)


def test_a_strategys_own_rule_is_looked_at_before_the_first_shift(
    virtual: Stage, aws: Answers
) -> None:
    """A rolling service that is to become blue/green: its second group and its rule are seen."""
    gone = f"arn:aws:elasticloadbalancing:{REGION}:000000000000:targetgroup/gone/1"
    environment = environment_of(virtual.steady())
    facts = look(virtual, aws, environment, groups=(gone,), rules=(RULE,))
    assert refused(facts) == ["target-group-is-missing", "listener-rule-is-missing"]


# --- pain 16 of research/ecs.md: verifiers that say "not there" of what is there -----------------


def test_pain_16_a_digest_is_asked_for_as_a_digest(virtual: Stage, aws: Answers) -> None:
    """The image is looked for by its digest, in the account and region of its name."""
    wanted: list[Any] = []
    there = aws.replies["ecr", "BatchGetImage"]

    def image(request: dict[str, Any]) -> Any:
        wanted.append((request["imageIds"], request["registryId"], request["repositoryName"]))
        return there(request)

    aws.replies["ecr", "BatchGetImage"] = image
    far = REPOSITORY.replace(REGION, OTHER_REGION).replace("000000000000", "111111111111")
    facts = look(virtual, aws, an_environment(), only_image=True, repository=far)
    assert refused(facts, only_image=True) == []
    assert wanted == [([{"imageDigest": NEEDS.digest}], "111111111111", "sender")]
    assert aws.regions == [OTHER_REGION]


def test_pain_16_a_secret_of_another_region_is_asked_for_there(
    virtual: Stage, aws: Answers
) -> None:
    """The region in its ARN decides whom to ask (ecspresso#655)."""
    environment = environment_of(virtual.steady())
    facts = look(virtual, aws, environment, secrets=(FAR,))
    assert facts.secrets == ((FAR, Keeping.THERE),)
    assert OTHER_REGION in aws.regions


def test_pain_16_a_missing_parameter_is_not_passed(virtual: Stage, aws: Answers) -> None:
    """SSM reports what is missing by leaving it out, not as an error (ecspresso#713)."""
    aws.replies["ssm", "DescribeParameters"] = lambda _: {"Parameters": []}
    facts = look(virtual, aws, environment_of(virtual.steady()), secrets=("/sender/token",))
    assert refused(facts) == ["secret-is-missing"]


def test_a_blue_green_service_is_seen_whole(virtual: Stage, aws: Answers) -> None:
    """On the plane: traffic at the healthy group is well; at the other one, it is refused."""
    running = virtual.shifting({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0})
    running.until_over(600)
    environment = environment_of(running)
    facts = look(virtual, aws, environment)
    assert refused(facts) == []
    assert len(facts.groups) == 2
    (rule, _), (idle, _) = facts.weights[0], facts.groups[1]
    virtual.elb.modify_rule(RuleArn=rule, Actions=[{"Type": "forward", "TargetGroupArn": idle}])
    assert refused(look(virtual, aws, environment)) == ["weights-point-at-nothing"]


def test_an_alarm_that_fires_is_seen_before_the_deployment(virtual: Stage, aws: Answers) -> None:
    """On the plane: the alarm that the deployment would heed is asked for where it is kept."""
    virtual.cloudwatch.put_metric_alarm(
        AlarmName="errors",
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
        Threshold=1,
    )
    environment = environment_of(virtual.steady())
    for state, refusal in (("ALARM", ["alarm-is-firing"]), ("OK", [])):
        virtual.cloudwatch.set_alarm_state(
            AlarmName="errors", StateValue=state, StateReason="a test"
        )
        assert refused(look(virtual, aws, environment, alarms=("errors",))) == refusal
    assert refused(look(virtual, aws, environment, alarms=("gone",))) == ["alarm-is-missing"]


def test_everything_is_asked_at_once(virtual: Stage, aws: Answers) -> None:
    """Sixteen answers of a quarter of a second each take far less than their sum of four."""
    there = aws.replies["secretsmanager", "DescribeSecret"]

    def slowly(request: dict[str, Any]) -> Any:
        time.sleep(0.25)
        return there(request)

    environment = environment_of(virtual.steady())
    names = tuple(f"{MONGO}-{n}" for n in range(16))
    look(virtual, aws, environment, secrets=names[:1])  # loads what botocore knows of the API
    aws.replies["secretsmanager", "DescribeSecret"] = slowly
    start = time.monotonic()
    facts = look(virtual, aws, environment, secrets=names)
    assert time.monotonic() - start < 3
    assert [kept for _, kept in facts.secrets] == [Keeping.THERE] * 16
