"""Deployments by AWS CodeDeploy, for services whose controller is `CODE_DEPLOY`.

A compatibility adapter: ECS's own strategies do the same with less. CodeDeploy returns to what was
before by a second deployment, so what became of the first is told by both together. Source:
CreateDeployment, GetDeployment, StopDeployment and ContinueDeployment of the CodeDeploy API, and
"AppSpec resources section for Amazon ECS deployments". Never run against AWS itself.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from shipway.adapters.aws.session import answers
from shipway.errors import WrongUsage
from shipway.model.observed import (
    AwaitedHook,
    DeploymentArn,
    DeploymentStatus,
    ObservedDeployment,
)
from shipway.model.strategy import CodeDeploy

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import LoadBalancerTypeDef, ServiceTypeDef

    from shipway.adapters.aws.untyped_code_deploy import (
        CodeDeployClient,
        CreateDeployment,
        DeploymentInfo,
    )

PREFIX = "codedeploy:"
"""How the name of such a deployment begins, where one of ECS begins with `arn:`."""

READY = "READY_WAIT"
"""CodeDeploy's only pause: before the traffic is rerouted."""

_STATUS = {
    "Created": DeploymentStatus.PENDING,
    "Queued": DeploymentStatus.PENDING,
    "InProgress": DeploymentStatus.IN_PROGRESS,
    "Baking": DeploymentStatus.IN_PROGRESS,
    "Ready": DeploymentStatus.IN_PROGRESS,
    "Succeeded": DeploymentStatus.SUCCESSFUL,
    "Failed": DeploymentStatus.STOPPED,
    "Stopped": DeploymentStatus.STOPPED,
}
_WAY_BACK = {
    DeploymentStatus.SUCCESSFUL: DeploymentStatus.ROLLBACK_SUCCESSFUL,
    DeploymentStatus.STOPPED: DeploymentStatus.ROLLBACK_FAILED,
}


def is_code_deploy(deployment: DeploymentArn) -> bool:
    """Tell whether a deployment is one of CodeDeploy."""
    return deployment.startswith(PREFIX)


def deploy(
    client: CodeDeployClient, rules: CodeDeploy, definition: str, live: ServiceTypeDef
) -> DeploymentArn:
    """Ask CodeDeploy, once, to bring a revision of the task definition into a service.

    Raises:
        WrongUsage: the service has no load balancer, without which CodeDeploy moves nothing.
    """
    asked = request_for(rules, definition, live)
    with answers("a deployment by CodeDeploy"):
        made = client.create_deployment(**asked)
    return DeploymentArn(f"{PREFIX}{made['deploymentId']}")


def request_for(rules: CodeDeploy, definition: str, live: ServiceTypeDef) -> CreateDeployment:
    """Return the CreateDeployment for a service as it is.

    Raises:
        WrongUsage: the service has no load balancer, without which CodeDeploy moves nothing.
    """
    balancers = live.get("loadBalancers") or _task_set_balancers(live)
    if not balancers:
        raise WrongUsage(
            "CodeDeploy needs a load balancer, and the service has none",
            hint="`strategy: rolling` works without",
        )
    return request(rules, definition, balancers[0])


def request(rules: CodeDeploy, definition: str, balancer: LoadBalancerTypeDef) -> CreateDeployment:
    """Return the CreateDeployment, with the AppSpec that names the revision and the way in."""
    content = app_spec(definition, balancer)
    wanted: CreateDeployment = {
        "applicationName": rules.application,
        "deploymentGroupName": rules.group,
        "revision": {
            "revisionType": "AppSpecContent",
            "appSpecContent": {
                "content": content,
                "sha256": hashlib.sha256(content.encode()).hexdigest(),
            },
        },
        "autoRollbackConfiguration": {
            "enabled": True,
            "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"],
        },
    }
    if rules.config:
        wanted["deploymentConfigName"] = rules.config
    return wanted


def app_spec(definition: str, balancer: LoadBalancerTypeDef) -> str:
    """Return the AppSpec of an ECS service as JSON."""
    way_in = {
        "ContainerName": balancer.get("containerName", ""),
        "ContainerPort": balancer.get("containerPort", 0),
    }
    properties = {"TaskDefinition": definition, "LoadBalancerInfo": way_in}
    target = {"Type": "AWS::ECS::Service", "Properties": properties}
    spec = {"version": 0.0, "Resources": [{"TargetService": target}]}
    return json.dumps(spec, separators=(",", ":"))


def look(client: CodeDeployClient, deployment: DeploymentArn) -> ObservedDeployment:
    """Return a deployment as it is now; its way back counts as a part of it."""
    with answers("a look at the deployment by CodeDeploy"):
        found = client.get_deployment(deploymentId=_id(deployment))["deploymentInfo"]
        status = _status(found)
        rolled = found.get("rollbackInfo", {})
        back = rolled.get("rollbackDeploymentId")
        if back and status is DeploymentStatus.STOPPED:
            way_back = _status(client.get_deployment(deploymentId=back)["deploymentInfo"])
            status = _WAY_BACK.get(way_back, DeploymentStatus.ROLLBACK_IN_PROGRESS)
    waits = found.get("status") == "Ready"
    return ObservedDeployment(
        arn=deployment,
        status=status,
        reason=found.get("errorInformation", {}).get("message", "")
        or rolled.get("rollbackMessage", ""),
        images=(),
        desired=0,
        running=0,
        failures=0,
        breaker_tripped=False,
        first=False,
        hook=AwaitedHook(READY, None, None, "ROLLBACK") if waits else None,
    )


def stop(client: CodeDeployClient, deployment: DeploymentArn) -> None:
    """Stop a deployment and return to what was before."""
    with answers("a stop of the deployment by CodeDeploy"):
        client.stop_deployment(deploymentId=_id(deployment), autoRollbackEnabled=True)


def answer(client: CodeDeployClient, deployment: DeploymentArn, *, go_on: bool) -> bool:
    """Let the traffic be rerouted of a deployment that waits for that, or stop it there.

    False, and nothing is asked, where it does not wait.
    """
    with answers("an answer to the deployment by CodeDeploy"):
        found = client.get_deployment(deploymentId=_id(deployment))["deploymentInfo"]
        if found.get("status") != "Ready":
            return False
        if go_on:
            client.continue_deployment(deploymentId=_id(deployment), deploymentWaitType=READY)
    if not go_on:
        stop(client, deployment)
    return True


def _status(found: DeploymentInfo) -> DeploymentStatus:
    return _STATUS.get(found.get("status", ""), DeploymentStatus.IN_PROGRESS)


def _id(deployment: DeploymentArn) -> str:
    return deployment.removeprefix(PREFIX)


def _task_set_balancers(live: ServiceTypeDef) -> list[LoadBalancerTypeDef]:
    """Return the way in of a service's task sets, where such services keep it."""
    return [b for one in live.get("taskSets") or [] for b in one.get("loadBalancers") or []]
