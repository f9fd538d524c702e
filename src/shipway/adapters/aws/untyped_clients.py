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
