"""The requests that change an ECS service: exactly one for each deployment.

It knows what a service is asked for; what a service is, is read by `ecs`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from shipway.adapters.aws.code_deploy import deploy
from shipway.adapters.aws.deployment_rules import deployment_configuration, load_balancers
from shipway.adapters.aws.place import SUBNET, place_traffic, target_group
from shipway.adapters.aws.task_definitions import ensure_registered
from shipway.errors import AwsDidNotAnswer, WrongUsage
from shipway.model.observed import DeploymentArn, ObservedDeployment
from shipway.model.service import Environment
from shipway.model.strategy import Traffic
from shipway.model.task_definition import TaskDefinition
from shipway.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import (
        CreateServiceRequestTypeDef,
        LoadBalancerTypeDef,
        ServiceTypeDef,
        UpdateServiceRequestTypeDef,
    )

    from shipway.adapters.aws.session import Session

VISIBLE_WITHIN_S = 15.0
"""How long a new service deployment may take to be listed (aws-cli#9275)."""


def request_deployment(
    session: Session,
    environment: Environment,
    definition: TaskDefinition,
    *,
    tags: tuple[tuple[str, str], ...],
    create: bool,
) -> DeploymentArn | None:
    """Register the definition, unless its content is registered, and update or create once.

    Returns the deployment where the answer names it, as CodeDeploy's does; ECS's is to be found
    among those that are listed then.
    """
    arn = ensure_registered(session.ecs, definition, tags)
    if create:
        _create(session, environment, definition, arn)
        return None
    live = session.ecs.describe_services(
        cluster=environment.cluster, services=[environment.ecs_service]
    )["services"][0]
    if environment.strategy.code_deploy is not None:
        return deploy(session.codedeploy, environment.strategy.code_deploy, arn, live)
    session.ecs.update_service(
        **update_request(environment, arn, live, _traffic(session, environment))
    )
    return None


def update_request(
    environment: Environment, definition: str, live: ServiceTypeDef, traffic: Traffic | None
) -> UpdateServiceRequestTypeDef:
    """Return the one UpdateService of a deployment.

    It never has `desiredCount`, which belongs to people and to autoscaling, nor anything else
    that the infrastructure decides: network, platform, capacity, tags.

    Args:
        environment: where, and by which strategy.
        definition: ARN of the revision to run.
        live: the service as DescribeServices gives it now.
        traffic: what shifts traffic; None leaves the service's load balancers as they are.
    """
    request: UpdateServiceRequestTypeDef = {
        "cluster": environment.cluster,
        "service": environment.ecs_service,
        "taskDefinition": definition,
        "deploymentConfiguration": deployment_configuration(
            environment.strategy, live.get("deploymentConfiguration")
        ),
        "healthCheckGracePeriodSeconds": environment.container.grace_s,
    }
    balancers = load_balancers(traffic, live.get("loadBalancers") or [])
    if balancers is not None:
        request["loadBalancers"] = balancers
    if live.get("taskDefinition") == definition and balancers is None:
        # nothing in it starts a deployment: the same again, after it failed here, must
        request["forceNewDeployment"] = True
    return request


def newly_listed(
    deployments: Callable[[], tuple[ObservedDeployment, ...]],
    before: set[DeploymentArn],
    environment: Environment,
    clock: Clock,
) -> DeploymentArn:
    """Wait until our deployment is listed: it may not be visible at once.

    Raises:
        AwsDidNotAnswer: it was not listed for `VISIBLE_WITHIN_S`.
    """
    start = clock.monotonic()
    while True:
        new = [d for d in deployments() if d.arn not in before]
        if new:
            return new[0].arn
        if clock.monotonic() - start > VISIBLE_WITHIN_S:
            raise AwsDidNotAnswer(
                f"ECS took the update of {environment.name} but lists no new deployment",
                hint="run the command again: it takes the deployment over once it is listed",
            )
        clock.wait(0.2)


def _create(
    session: Session, environment: Environment, definition: TaskDefinition, arn: str
) -> None:
    group = target_group(session, environment) if session.endpoints is not None else None
    if group is None:
        raise no_service(environment)
    way_in: LoadBalancerTypeDef = {
        "targetGroupArn": group,
        "containerName": definition.container,
        "containerPort": definition.port,
    }
    traffic = _traffic(session, environment)
    session.ecs.create_service(**create_request(environment, arn, way_in, traffic))


def no_service(environment: Environment) -> WrongUsage:
    """Return the error for a service that only its infrastructure can make."""
    return WrongUsage(
        f"there is no ECS service {environment.ecs_service!r} in {environment.cluster!r}",
        where=environment.name,
        hint="make it once with your infrastructure; Shipway delivers into it",
    )


def create_request(
    environment: Environment, definition: str, way_in: LoadBalancerTypeDef, traffic: Traffic | None
) -> CreateServiceRequestTypeDef:
    """Return the CreateService of an environment on the embedded default."""
    return {
        "cluster": environment.cluster,
        "serviceName": environment.ecs_service,
        "taskDefinition": definition,
        "desiredCount": environment.container.tasks,
        "launchType": "FARGATE",
        "loadBalancers": load_balancers(traffic, [way_in]) or [way_in],
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": [SUBNET]}},
        "deploymentConfiguration": deployment_configuration(environment.strategy),
        "healthCheckGracePeriodSeconds": environment.container.grace_s,
    }


def _traffic(session: Session, environment: Environment) -> Traffic | None:
    """Return what shifts traffic: as declared, or as the embedded default has made it."""
    rules = environment.strategy
    if rules.traffic is None and rules.kind.shifts_traffic and session.endpoints is not None:
        return place_traffic(session, environment)
    return rules.traffic
