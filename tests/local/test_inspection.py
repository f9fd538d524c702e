"""The look before a deployment, on the embedded default as far as AWS's APIs exist there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shipway.adapters.aws import dependencies
from shipway.adapters.aws.preflight import AwsInspector
from shipway.adapters.aws.session import Endpoints, Session
from shipway.model.preflight import AlarmState, Keeping, Needs, Role
from shipway.testing.builders import a_digest, an_environment
from tests.local.test_aws import session

if TYPE_CHECKING:
    from shipway.local.instance import Instance
    from tests.local.conftest import Local

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["ecs-tasks.amazonaws.com", "ec2.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}


def embedded(where: Instance) -> Session:
    """Return the clients that Shipway uses there."""
    return Session(where.region, lambda: Endpoints(where.aws, where.ecs, where.registry))


def test_secrets_and_parameters_are_seen_without_their_values(shared: Local) -> None:
    """What is there is there, by name and by ARN with a key; what is not is missing."""
    where = shared.record()
    secrets = session(where).client("secretsmanager", endpoint_url=where.aws)
    arn = secrets.create_secret(Name="look/mongo", SecretString="{}")["ARN"]
    ssm = session(where).client("ssm", endpoint_url=where.aws)
    ssm.put_parameter(Name="/look/token", Value="s3cret", Type="SecureString")
    clients = embedded(where)
    assert dependencies.secret(clients, f"{arn}:user::") is Keeping.THERE
    assert dependencies.secret(clients, f"{arn}::AWSPENDING:") is Keeping.NO_SUCH_VERSION
    assert dependencies.secret(clients, f"{arn[:-6]}nobody") is None
    references = ("/look/token", "/look/gone")
    assert dependencies.parameters(clients, references) == [
        ("/look/token", Keeping.THERE),
        ("/look/gone", None),
    ]


def test_roles_and_alarms_are_seen(shared: Local) -> None:
    """A role with whom it trusts, an alarm with its state; neither where there is none."""
    where = shared.record()
    iam = session(where).client("iam", endpoint_url=where.aws)
    made = iam.create_role(RoleName="look", AssumeRolePolicyDocument=json.dumps(TRUST))
    arn = made["Role"]["Arn"]
    watch = session(where).client("cloudwatch", endpoint_url=where.ecs)
    watch.put_metric_alarm(
        AlarmName="look-errors",
        Namespace="look",
        MetricName="errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    watch.set_alarm_state(AlarmName="look-errors", StateValue="ALARM", StateReason="a test")
    clients = embedded(where)
    trusts = frozenset({"ecs-tasks.amazonaws.com", "ec2.amazonaws.com"})
    assert dependencies.role(clients, arn) == Role(arn, trusts)
    assert dependencies.role(clients, f"{arn}-gone") is None
    seen = dependencies.alarms(clients, ("look-errors", "look-gone"))
    assert seen == (("look-errors", AlarmState.ALARM), ("look-gone", None))


def test_an_image_that_was_never_pushed_is_missing(shared: Local) -> None:
    """The embedded default's registry says so as ECR does."""
    where = shared.record()
    repository = f"{where.account}.dkr.ecr.{where.region}.amazonaws.com/look-nothing"
    needs = Needs(
        container="web", port=80, repository=repository, digest=a_digest(), only_image=True
    )
    assert AwsInspector(embedded(where)).facts(an_environment(), needs).platforms is None
