"""The requests that change an ECS service: exactly one for each deployment.

It knows what a service is asked for; what a service is, is read by `ecs`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from shipway.adapters.aws.place import SUBNET, target_group
from shipway.adapters.aws.task_definitions import ensure_registered
from shipway.errors import AwsDidNotAnswer, WrongUsage
from shipway.model.observed import DeploymentArn, ObservedDeployment
from shipway.model.service import Environment
from shipway.model.task_definition import TaskDefinition
from shipway.ports import Clock

if TYPE_CHECKING:
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
) -> None:
    """Register the definition, unless its content is registered, and update or create once."""
    arn = ensure_registered(session.ecs, definition, tags, session.region)
    if create:
        _create(session, environment, definition, arn)
        return
    session.ecs.update_service(
        cluster=environment.cluster,
        service=environment.ecs_service,
        taskDefinition=arn,
        deploymentConfiguration={
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            "minimumHealthyPercent": 100,
            "maximumPercent": 200,
        },
        healthCheckGracePeriodSeconds=environment.container.grace_s,
        # the same definition again, after it failed here, is a new deployment too
        forceNewDeployment=True,
    )


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
        raise WrongUsage(
            f"there is no ECS service {environment.ecs_service!r} in {environment.cluster!r}",
            where=environment.name,
            hint="make it once with your infrastructure; Shipway delivers into it",
        )
    session.ecs.create_service(
        cluster=environment.cluster,
        serviceName=environment.ecs_service,
        taskDefinition=arn,
        desiredCount=environment.container.tasks,
        launchType="FARGATE",
        loadBalancers=[
            {
                "targetGroupArn": group,
                "containerName": definition.container,
                "containerPort": definition.port,
            }
        ],
        networkConfiguration={"awsvpcConfiguration": {"subnets": [SUBNET]}},
        deploymentConfiguration={
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            "minimumHealthyPercent": 100,
            "maximumPercent": 200,
        },
        healthCheckGracePeriodSeconds=environment.container.grace_s,
    )
