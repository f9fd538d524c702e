"""The few calls that are needed of boto3's `codedeploy` client, for which no stubs are installed.

Source: the CodeDeploy API (botocore 1.44.5).
"""

from __future__ import annotations

from typing import Protocol, TypedDict


class AppSpecContent(TypedDict):
    """An AppSpec as text, with its SHA-256 (hex)."""

    content: str
    sha256: str


class RevisionLocation(TypedDict):
    """Where the revision is: in the request itself."""

    revisionType: str
    appSpecContent: AppSpecContent


class AutoRollback(TypedDict):
    """When CodeDeploy goes back by itself."""

    enabled: bool
    events: list[str]


class _Needed(TypedDict):
    applicationName: str
    deploymentGroupName: str
    revision: RevisionLocation
    autoRollbackConfiguration: AutoRollback


class CreateDeployment(_Needed, total=False):
    """CreateDeploymentInput, as far as it is used."""

    deploymentConfigName: str


class Created(TypedDict):
    """CreateDeploymentOutput."""

    deploymentId: str


class RollbackInfo(TypedDict, total=False):
    """What became of a rollback."""

    rollbackDeploymentId: str
    rollbackMessage: str


class ErrorInformation(TypedDict, total=False):
    """Why a deployment failed."""

    code: str
    message: str


class DeploymentInfo(TypedDict, total=False):
    """DeploymentInfo, as far as it is used."""

    status: str
    rollbackInfo: RollbackInfo
    errorInformation: ErrorInformation


class Described(TypedDict):
    """GetDeploymentOutput."""

    deploymentInfo: DeploymentInfo


class CodeDeployClient(Protocol):
    """The calls that are needed."""

    def create_deployment(self, **request: object) -> Created:
        """Begin a deployment."""

    def get_deployment(self, *, deploymentId: str) -> Described:  # noqa: N803 - the API's own name
        """Describe a deployment."""

    def stop_deployment(self, *, deploymentId: str, autoRollbackEnabled: bool) -> object:  # noqa: N803 - the API's own names
        """Stop a deployment."""

    def continue_deployment(self, *, deploymentId: str, deploymentWaitType: str) -> object:  # noqa: N803 - the API's own names
        """End the wait of a deployment."""
