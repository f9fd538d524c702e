"""The place of an environment on the embedded default: cluster, load balancer, target group.

On AWS these are infrastructure, made by people and templates, and this file is not used there.
"""

from __future__ import annotations

import socket

from botocore.exceptions import ClientError

from shipway.adapters.aws.session import Session, answers, code_of
from shipway.model.service import Environment

VPC = "vpc-00000000000000000"
SUBNET = "subnet-00000000000000000"
DEREGISTRATION_DELAY_S = 5


def ensure_place(session: Session, environment: Environment) -> None:
    """Make what the environment's service needs and does not have.

    Each call is idempotent in the ELB API, and the listener comes last: whoever dies in between
    is finished by the next.
    """
    with answers(f"making the place of {environment.name}"):
        if target_group(session, environment) and _has_listener(session, environment):
            return
        session.ecs.create_cluster(clusterName=environment.cluster)
        _make_balancer(session, environment)


def _has_listener(session: Session, environment: Environment) -> bool:
    try:
        found = session.elbv2.describe_load_balancers(Names=[place_name(environment)])
    except ClientError as error:
        if code_of(error) == "LoadBalancerNotFound":
            return False
        raise
    arns = [balancer["LoadBalancerArn"] for balancer in found["LoadBalancers"]]
    return any(session.elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"] for arn in arns)


def target_group(session: Session, environment: Environment) -> str | None:
    """Return the ARN of the environment's target group; None when there is none."""
    try:
        found = session.elbv2.describe_target_groups(Names=[place_name(environment)])
    except ClientError as error:
        if code_of(error) == "TargetGroupNotFound":
            return None
        raise
    groups = found["TargetGroups"]
    return groups[0]["TargetGroupArn"] if groups else None


def place_name(environment: Environment) -> str:
    """Return the name that load balancer and target group have; ELB allows 32 characters."""
    return f"{environment.name}-{environment.ecs_service}"[:32].strip("-")


def _make_balancer(session: Session, environment: Environment) -> None:
    elb, name = session.elbv2, place_name(environment)
    balancer = elb.create_load_balancer(Name=name, Subnets=[SUBNET], Scheme="internal")
    group = elb.create_target_group(
        Name=name,
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
    elb.modify_target_group_attributes(
        TargetGroupArn=arn,
        Attributes=[
            {
                "Key": "deregistration_delay.timeout_seconds",
                "Value": str(DEREGISTRATION_DELAY_S),
            }
        ],
    )
    elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="HTTP",
        Port=_free_port(),
        DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
