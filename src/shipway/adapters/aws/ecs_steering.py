"""Answers to a deployment that is under way, by ECS or by CodeDeploy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from shipway.adapters.aws import code_deploy
from shipway.adapters.aws.session import answers, code_of
from shipway.model.observed import DeploymentArn

if TYPE_CHECKING:
    from shipway.adapters.aws.session import Session


def stop_deployment(session: Session, deployment: DeploymentArn) -> None:
    """Ask for a rollback of a deployment, whether or not it was configured to have one."""
    if code_deploy.is_code_deploy(deployment):
        code_deploy.stop(session.codedeploy, deployment)
        return
    with answers("a rollback of the deployment"):
        try:
            session.ecs.stop_service_deployment(
                serviceDeploymentArn=deployment, stopType="ROLLBACK"
            )
        except ClientError as error:
            if code_of(error) != "ConflictException":  # it is over, or was asked already
                raise


def continue_deployment(session: Session, deployment: DeploymentArn, *, go_on: bool) -> bool:
    """Answer the PAUSE hook that waits; False where none does.

    Lambda hooks answer by themselves, and the id of a hook is good for one answer.
    """
    if code_deploy.is_code_deploy(deployment):
        return code_deploy.answer(session.codedeploy, deployment, go_on=go_on)
    with answers("an answer to the paused deployment"):
        hook = _waiting(session, deployment)
        if hook is None:
            return False
        session.ecs.continue_service_deployment(
            serviceDeploymentArn=deployment,
            hookId=hook,
            action="CONTINUE" if go_on else "ROLLBACK",
        )
        return True


def _waiting(session: Session, deployment: DeploymentArn) -> str | None:
    found = session.ecs.describe_service_deployments(serviceDeploymentArns=[deployment])
    for one in found["serviceDeployments"]:
        for hook in one.get("lifecycleHookDetails") or ():
            if hook.get("targetType") == "PAUSE" and hook.get("status") == "AWAITING_ACTION":
                return hook.get("hookId")
    return None
