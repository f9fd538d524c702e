"""The place of an environment on the embedded default: cluster, load balancer, target group.

On AWS these are infrastructure, made by people and templates, and this file is not used there.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from shipway.adapters.aws.session import Session, answers, code_of
from shipway.errors import AwsDidNotAnswer
from shipway.model.service import Environment
from shipway.model.strategy import Traffic

if TYPE_CHECKING:  # stubs only; the packages are not installed with Shipway
    from mypy_boto3_elbv2.type_defs import ListenerTypeDef

VPC = "vpc-00000000000000000"
SUBNET = "subnet-00000000000000000"
DEREGISTRATION_DELAY_S = 5
OTHER = "-b"
"""How the name of the second target group ends."""


def ensure_place(session: Session, environment: Environment) -> None:
    """Make what the environment's service needs and does not have.

    Each call is idempotent in the ELB API, and the listener comes last: whoever dies in between
    is finished by the next.
    """
    with answers(f"making the place of {environment.name}"):
        if not (target_group(session, environment) and _listeners(session, environment)):
            session.ecs.create_cluster(clusterName=environment.cluster)
            _make_balancer(session, environment)
        if environment.strategy.kind.shifts_traffic:
            place_traffic(session, environment)


def place_traffic(session: Session, environment: Environment) -> Traffic:
    """Return what shifts the traffic of an environment, made where it is missing.

    The first listener carries real traffic by a rule of its own; a second one carries test
    traffic. Each call is idempotent.
    """
    first = target_group(session, environment)
    listeners = _listeners(session, environment)
    if first is None or not listeners:
        raise AwsDidNotAnswer(f"the place of {environment.name} is not there")
    second = target_group(session, environment, OTHER) or _make_group(session, environment, OTHER)
    groups = (first, second)
    test = listeners[1:] or [_make_listener(session, listeners[0]["LoadBalancerArn"], second)]
    account = first.split(":")[4]
    return Traffic(
        alternate_target_group=second,
        production_rule=_rule(session, listeners[0]["ListenerArn"], groups),
        test_rule=_rule(session, test[0]["ListenerArn"], groups),
        role=f"arn:aws:iam::{account}:role/shipway-traffic",
    )


def _rule(session: Session, listener: str, groups: tuple[str, str]) -> str:
    """Return the ARN of a listener's rule for all paths, made where it is missing."""
    for rule in session.elbv2.describe_rules(ListenerArn=listener)["Rules"]:
        if not rule.get("IsDefault"):
            return rule["RuleArn"]
    first, second = groups
    made = session.elbv2.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["*"]}],
        Actions=[
            {
                "Type": "forward",
                "ForwardConfig": {
                    "TargetGroups": [
                        {"TargetGroupArn": first, "Weight": 100},
                        {"TargetGroupArn": second, "Weight": 0},
                    ]
                },
            }
        ],
    )
    return made["Rules"][0]["RuleArn"]


def _listeners(session: Session, environment: Environment) -> list[ListenerTypeDef]:
    """Return the listeners of the environment's load balancer, oldest first."""
    try:
        found = session.elbv2.describe_load_balancers(Names=[place_name(environment)])
    except ClientError as error:
        if code_of(error) == "LoadBalancerNotFound":
            return []
        raise
    return [
        listener
        for balancer in found["LoadBalancers"]
        for listener in session.elbv2.describe_listeners(
            LoadBalancerArn=balancer["LoadBalancerArn"]
        )["Listeners"]
    ]


def target_group(session: Session, environment: Environment, which: str = "") -> str | None:
    """Return the ARN of the environment's target group; None when there is none.

    `which` is empty, or `OTHER` for the one that traffic is shifted to.
    """
    try:
        found = session.elbv2.describe_target_groups(Names=[place_name(environment, which)])
    except ClientError as error:
        if code_of(error) == "TargetGroupNotFound":
            return None
        raise
    groups = found["TargetGroups"]
    return groups[0]["TargetGroupArn"] if groups else None


def place_name(environment: Environment, which: str = "") -> str:
    """Return the name that load balancer and target group have; ELB allows 32 characters."""
    return f"{environment.name}-{environment.ecs_service}"[: 32 - len(which)].strip("-") + which


def _make_balancer(session: Session, environment: Environment) -> None:
    elb, name = session.elbv2, place_name(environment)
    balancer = elb.create_load_balancer(Name=name, Subnets=[SUBNET], Scheme="internal")
    group = _make_group(session, environment)
    _make_listener(session, balancer["LoadBalancers"][0]["LoadBalancerArn"], group)


def _make_group(session: Session, environment: Environment, which: str = "") -> str:
    group = session.elbv2.create_target_group(
        Name=place_name(environment, which),
        Protocol="HTTP",
        Port=environment.container.port,
        VpcId=VPC,
        TargetType="ip",
        HealthCheckPath=environment.container.health,
        HealthCheckIntervalSeconds=5,
        HealthCheckTimeoutSeconds=2,
        HealthyThresholdCount=2,
        UnhealthyThresholdCount=2,
    )
    arn = group["TargetGroups"][0]["TargetGroupArn"]
    session.elbv2.modify_target_group_attributes(
        TargetGroupArn=arn,
        Attributes=[
            {
                "Key": "deregistration_delay.timeout_seconds",
                "Value": str(DEREGISTRATION_DELAY_S),
            }
        ],
    )
    return arn


def _make_listener(session: Session, balancer: str, group: str) -> ListenerTypeDef:
    made = session.elbv2.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port=_free_port(),
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    return made["Listeners"][0]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
