"""Looks at what a deployment needs, all at once, before anything is changed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from shipway.adapters.aws import dependencies
from shipway.adapters.aws.asking import asked
from shipway.adapters.aws.platforms import platforms
from shipway.model.preflight import (
    AlarmState,
    Balancer,
    Facts,
    Group,
    Needs,
    Place,
    Seen,
    Weights,
)

if TYPE_CHECKING:  # stubs only; the packages are not installed with Shipway
    from mypy_boto3_ecs.literals import ServiceDeploymentStatusType
    from mypy_boto3_ecs.type_defs import ServiceDeploymentBriefTypeDef, ServiceTypeDef
    from mypy_boto3_elbv2.type_defs import ActionOutputTypeDef

    from shipway.adapters.aws.session import Session
    from shipway.model.service import Environment

Fact = TypeVar("Fact")

_AT_ONCE: Final = 8
_IN_FLIGHT: Final[list[ServiceDeploymentStatusType]] = [
    "PENDING",
    "IN_PROGRESS",
    "STOP_REQUESTED",
    "ROLLBACK_REQUESTED",
    "ROLLBACK_IN_PROGRESS",
]
_NO_GROUP: Final = frozenset({"TargetGroupNotFound", "TargetGroupNotFoundException"})
_NO_RULE: Final = frozenset({"RuleNotFound", "RuleNotFoundException", "ListenerNotFound"})
_NO_CLUSTER: Final = frozenset({"ClusterNotFoundException"})
_NO_SERVICE: Final = _NO_CLUSTER | {"ServiceNotFoundException"}


class AwsInspector:
    """`ports.Inspector` over the AWS APIs; on the embedded default as far as they exist there."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def alarms(self, names: tuple[str, ...]) -> tuple[tuple[str, Seen[AlarmState]], ...]:
        """Return the state of each alarm, in the order of the names."""
        return dependencies.alarms(self._session, names)

    def facts(self, environment: Environment, needs: Needs) -> Facts:
        """Look at everything that a deployment needs, in parallel."""
        session = self._session
        if needs.only_image:
            return Facts(platforms=platforms(session, needs.repository, needs.digest))
        _ = session.ecs, session.elbv2  # made here: boto3 makes no two clients at the same time
        secrets = tuple(s for s in needs.secrets if dependencies.is_secret(s))
        others = tuple(s for s in needs.secrets if s not in secrets)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            image = pool.submit(platforms, session, needs.repository, needs.digest)
            cluster = pool.submit(self._cluster, environment)
            place = pool.submit(self._place, environment)
            roles = [(arn, pool.submit(dependencies.role, session, arn)) for arn in needs.roles]
            kept = [(each, pool.submit(dependencies.secret, session, each)) for each in secrets]
            names = pool.submit(dependencies.parameters, session, others)
            quotas = None if session.endpoints else pool.submit(dependencies.quotas, session)
            service = place.result()
            found = service if isinstance(service, Place) else None
            balancers = found.balancers if found else ()
            alarms = tuple(dict.fromkeys((*needs.alarms, *(found.alarms if found else ()))))
            states = pool.submit(dependencies.alarms, session, alarms)
            behind = tuple(g for b in balancers for g in (b.group, b.other))
            groups = _each(pool, self._group, (*behind, *needs.groups))
            rules = tuple(r for b in balancers for r in b.rules)
            weights = _each(pool, self._weights, (*rules, *needs.rules))
            return Facts(
                platforms=image.result(),
                cluster=cluster.result(),
                service=service,
                groups=tuple((arn, future.result()) for arn, future in groups),
                weights=tuple((arn, future.result()) for arn, future in weights),
                roles=tuple((arn, future.result()) for arn, future in roles),
                secrets=(*((s, future.result()) for s, future in kept), *names.result()),
                alarms=states.result(),
                quotas=quotas.result() if quotas else (),
            )

    def _cluster(self, environment: Environment) -> Seen[str]:
        def look() -> str | None:
            found = self._session.ecs.describe_clusters(clusters=[environment.cluster])["clusters"]
            return found[0].get("status") if found else None

        return asked(look, absent=_NO_CLUSTER)

    def _place(self, environment: Environment) -> Seen[Place]:
        ecs = self._session.ecs

        def look() -> Place | None:
            found = ecs.describe_services(
                cluster=environment.cluster, services=[environment.ecs_service]
            )["services"]
            if not found:
                return None
            flying: list[ServiceDeploymentBriefTypeDef] = []
            if found[0].get("status") == "ACTIVE":
                flying = ecs.list_service_deployments(
                    cluster=environment.cluster,
                    service=environment.ecs_service,
                    status=_IN_FLIGHT,
                )["serviceDeployments"]
            newest = sorted(flying, key=lambda d: d["createdAt"], reverse=True)
            return _place(found[0], tuple(d["serviceDeploymentArn"] for d in newest))

        return asked(look, absent=_NO_SERVICE)

    def _group(self, arn: str) -> Seen[Group]:
        elb = self._session.elbv2

        def look() -> Group | None:
            found = elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
            if not found:
                return None
            healthy = asked(lambda: _healthy(self._session, arn))
            return Group(
                arn=arn,
                target=found[0].get("TargetType", "instance"),
                forwarded=bool(found[0].get("LoadBalancerArns")),
                healthy=0 if healthy is None else healthy,
            )

        return asked(look, absent=_NO_GROUP)

    def _weights(self, arn: str) -> Seen[Weights]:
        elb = self._session.elbv2

        def look() -> Weights | None:
            actions: list[ActionOutputTypeDef] = []
            if ":listener-rule/" in arn:
                rules = elb.describe_rules(RuleArns=[arn])["Rules"]
                actions = rules[0].get("Actions", []) if rules else []
            else:  # a network load balancer has no rules
                listeners = elb.describe_listeners(ListenerArns=[arn])["Listeners"]
                actions = listeners[0].get("DefaultActions", []) if listeners else []
            return Weights(arn, _shares(actions))

        return asked(look, absent=_NO_RULE)


def _each(
    pool: ThreadPoolExecutor, look: Callable[[str], Fact], arns: tuple[str, ...]
) -> list[tuple[str, Future[Fact]]]:
    return [(arn, pool.submit(look, arn)) for arn in dict.fromkeys(arns) if arn]


def _healthy(session: Session, group: str) -> int:
    found = session.elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return sum(each.get("TargetHealth", {}).get("State") == "healthy" for each in found)


def _shares(actions: list[ActionOutputTypeDef]) -> tuple[tuple[str, int], ...]:
    """Return who gets how much; one target group without a weight gets everything."""
    for action in actions:
        forward = action.get("ForwardConfig") or {}
        groups = forward.get("TargetGroups") or []
        if groups:
            alone = len(groups) == 1
            return tuple((g["TargetGroupArn"], 1 if alone else g.get("Weight", 0)) for g in groups)
        if action.get("TargetGroupArn"):
            return ((action["TargetGroupArn"], 1),)
    return ()


def _place(found: ServiceTypeDef, in_flight: tuple[str, ...]) -> Place:
    configuration = found.get("deploymentConfiguration") or {}
    alarms = configuration.get("alarms")
    network = found.get("networkConfiguration") or {}
    fargate = found.get("launchType") == "FARGATE" or bool(found.get("capacityProviderStrategy"))
    return Place(
        status=found.get("status", ""),
        desired=found.get("desiredCount", 0),
        fargate=fargate,
        network="awsvpc" if network.get("awsvpcConfiguration") else "",
        balancers=tuple(
            Balancer(
                group=each.get("targetGroupArn", ""),
                container=each.get("containerName", ""),
                port=each.get("containerPort", 0),
                other=(each.get("advancedConfiguration") or {}).get("alternateTargetGroupArn", ""),
                rules=tuple(
                    rule
                    for rule in [
                        (each.get("advancedConfiguration") or {}).get("productionListenerRule")
                    ]
                    if rule
                ),
            )
            for each in found.get("loadBalancers") or []
        ),
        in_flight=in_flight,
        alarms=tuple(alarms["alarmNames"]) if alarms and alarms["enable"] else (),
    )
