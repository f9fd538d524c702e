"""The number of tasks of a service, by ECS and by Application Auto Scaling."""

from __future__ import annotations

from botocore.exceptions import ClientError

from shipway.adapters.aws.session import Session, answers, code_of
from shipway.errors import WrongUsage
from shipway.model.scaling import Capacity, ScalableTarget
from shipway.model.service import Environment

_DIMENSION = "ecs:service:DesiredCount"


class EcsScaling:
    """`ports.Scaling`; on the embedded default nothing scales a service but a person."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def capacity(self, environment: Environment) -> Capacity:
        """Return how many tasks there are, and who decides on it."""
        with answers(f"a look at {environment.name}"):
            try:
                found = self._session.ecs.describe_services(
                    cluster=environment.cluster, services=[environment.ecs_service]
                )["services"]
            except ClientError as error:
                if code_of(error) != "ClusterNotFoundException":
                    raise
                found = []
        if not found or found[0].get("status") == "INACTIVE":
            raise WrongUsage(
                f"there is no ECS service {environment.ecs_service!r} in {environment.cluster!r}",
                where=environment.name,
            )
        service = found[0]
        rollouts = service.get("deployments") or []
        return Capacity(
            desired=service.get("desiredCount", 0),
            running=service.get("runningCount", 0),
            pending=service.get("pendingCount", 0),
            deploying=any(d.get("rolloutState") == "IN_PROGRESS" for d in rollouts),
            daemon=service.get("schedulingStrategy") == "DAEMON",
            target=self._target(environment),
        )

    def set_bounds(self, environment: Environment, minimum: int, maximum: int) -> None:
        """Move the bounds of autoscaling; all else of the target stays."""
        with answers(f"new bounds for {environment.name}"):
            self._session.autoscaling.register_scalable_target(
                ServiceNamespace="ecs",
                ResourceId=_resource(environment),
                ScalableDimension=_DIMENSION,
                MinCapacity=minimum,
                MaxCapacity=maximum,
            )

    def set_count(self, environment: Environment, count: int) -> None:
        """Ask for a number of tasks: the one UpdateService that has no part in a deployment."""
        with answers(f"a new number of tasks for {environment.name}"):
            self._session.ecs.update_service(
                cluster=environment.cluster, service=environment.ecs_service, desiredCount=count
            )

    def _target(self, environment: Environment) -> ScalableTarget | None:
        if self._session.endpoints is not None:
            return None
        resource = _resource(environment)
        with answers(f"a look for what scales {environment.name}"):
            client = self._session.autoscaling
            targets = client.describe_scalable_targets(
                ServiceNamespace="ecs", ResourceIds=[resource], ScalableDimension=_DIMENSION
            )["ScalableTargets"]
            if not targets:
                return None
            policies = client.describe_scaling_policies(
                ServiceNamespace="ecs", ResourceId=resource, ScalableDimension=_DIMENSION
            )["ScalingPolicies"]
        state = targets[0].get("SuspendedState", {})
        both = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended")
        return ScalableTarget(
            minimum=targets[0].get("MinCapacity", 0),
            maximum=targets[0].get("MaxCapacity", 0),
            policies=tuple(sorted(policy["PolicyName"] for policy in policies)),
            suspended=all(state.get(name) for name in both),
        )


def _resource(environment: Environment) -> str:
    return f"service/{environment.cluster.rpartition('/')[2]}/{environment.ecs_service}"
