"""The few calls that are needed of boto3 clients for which no type stubs are installed."""

from __future__ import annotations

from typing import Protocol, TypedDict


class Suspended(TypedDict, total=False):
    """Source: Application Auto Scaling API, SuspendedState."""

    DynamicScalingInSuspended: bool
    DynamicScalingOutSuspended: bool


class Target(TypedDict, total=False):
    """Source: Application Auto Scaling API, ScalableTarget."""

    MinCapacity: int
    MaxCapacity: int
    SuspendedState: Suspended


class Targets(TypedDict):
    """Source: Application Auto Scaling API, DescribeScalableTargets."""

    ScalableTargets: list[Target]


class Policy(TypedDict):
    """Source: Application Auto Scaling API, ScalingPolicy."""

    PolicyName: str


class Policies(TypedDict):
    """Source: Application Auto Scaling API, DescribeScalingPolicies."""

    ScalingPolicies: list[Policy]


class AutoScaling(Protocol):
    """The calls that are needed of boto3's `application-autoscaling` client."""

    def describe_scalable_targets(self, **request: object) -> Targets:
        """Return the target of one resource, if it is one."""

    def describe_scaling_policies(self, **request: object) -> Policies:
        """Return the policies of one resource."""

    def register_scalable_target(self, **request: object) -> object:
        """Change the bounds of a target."""


class SecretsMetadata(Protocol):
    """The call that is needed of boto3's `secretsmanager` client: it never reads a value."""

    def describe_secret(self, **request: str) -> object:
        """Tell of a secret, without its value."""


class Parameter(TypedDict):
    """Source: SSM API, ParameterMetadata."""

    Name: str


class ParameterList(TypedDict):
    """Source: SSM API, DescribeParameters."""

    Parameters: list[Parameter]


class ParametersMetadata(Protocol):
    """The call that is needed of boto3's `ssm` client: it never reads a value."""

    def describe_parameters(self, **request: object) -> ParameterList:
        """Tell of parameters, without their values."""


class Role(TypedDict, total=False):
    """Source: IAM API, Role; boto3 has decoded the document."""

    AssumeRolePolicyDocument: object


class RoleReply(TypedDict):
    """Source: IAM API, GetRole."""

    Role: Role


class Roles(Protocol):
    """The call that is needed of boto3's `iam` client."""

    def get_role(self, **request: str) -> RoleReply:
        """Tell of a role and whom it trusts."""
