"""A thorough look at an environment, for `shipway doctor`: it reads, and reads no secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from shipway.adapters.aws.image_size import image_size
from shipway.adapters.aws.needs import needed
from shipway.adapters.aws.operations import EcsOperations
from shipway.adapters.aws.session import Session, answers, code_of
from shipway.errors import AccessIsDenied, AwsDidNotAnswer
from shipway.model.examined import (
    ContainerRules,
    Examined,
    ImageSize,
    Needed,
    Rollout,
    Rules,
    TargetGroup,
)
from shipway.model.operations import ServiceEvent
from shipway.model.service import Environment

if TYPE_CHECKING:  # stubs only; the packages are not installed with Shipway
    from mypy_boto3_ecs.type_defs import (
        DeploymentConfigurationOutputTypeDef,
        LoadBalancerTypeDef,
        ServiceTypeDef,
        TaskDefinitionTypeDef,
    )
    from mypy_boto3_elbv2.type_defs import ActionOutputTypeDef, TargetGroupTypeDef

_GONE = "INACTIVE"


class AwsExamination:
    """`ports.Examination` over ECS, load balancing, ECR, IAM, Secrets Manager and SSM."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._blind: list[str] = []

    def examine(self, environment: Environment) -> Examined | None:
        """Return what is to be seen; see `ports.Examination`."""
        self._blind = []
        service = self._service(environment)
        if service is None:
            return None
        with answers(f"a look at {service['taskDefinition']}"):
            definition = self._session.ecs.describe_task_definition(
                taskDefinition=service["taskDefinition"]
            )["taskDefinition"]
        groups: tuple[TargetGroup, ...] = ()
        image: ImageSize | None = None
        needs: tuple[Needed, ...] = ()
        balancers = service.get("loadBalancers") or []
        arns = _groups_in(balancers)
        with self._looking("the load balancer"):
            groups = tuple(self._group(arn) for arn in arns)
        with self._looking("the image"):
            image = image_size(self._session, _main_image(definition, environment))
        with self._looking("roles and secrets"):
            needs = needed(self._session, definition, self._blind)
        return Examined(
            desired=service.get("desiredCount", 0),
            running=service.get("runningCount", 0),
            fargate=service.get("launchType") != "EC2",
            exec_enabled=service.get("enableExecuteCommand", False),
            rules=rules_of(service),
            rollouts=_rollouts(service),
            events=_events(service),
            tasks=EcsOperations(self._session).tasks(environment),
            balanced=bool(balancers),
            groups=groups,
            containers=_containers(definition),
            needed=needs,
            task_role=definition.get("taskRoleArn", ""),
            image=image,
            blind=tuple(self._blind),
        )

    def _service(self, environment: Environment) -> ServiceTypeDef | None:
        with answers(f"a look at {environment.name}"):
            try:
                found = self._session.ecs.describe_services(
                    cluster=environment.cluster, services=[environment.ecs_service]
                )["services"]
            except ClientError as error:
                if code_of(error) == "ClusterNotFoundException":
                    return None
                raise
        return found[0] if found and found[0].get("status") != _GONE else None

    @contextmanager
    def _looking(self, at: str) -> Iterator[None]:
        """Go on without what AWS does not show, and say so."""
        try:
            with answers(f"a look at {at}"):
                yield
        except (AccessIsDenied, AwsDidNotAnswer) as refusal:
            self._blind.append(f"{at}: {refusal.message}")

    def _group(self, arn: str) -> TargetGroup:
        elb = self._session.elbv2
        group = elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"][0]
        health = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        states = [described.get("TargetHealth") or {} for described in health]
        attributes = elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
        values = {a.get("Key"): a.get("Value", "") for a in attributes}
        return TargetGroup(
            name=group.get("TargetGroupName", ""),
            healthy=sum(state.get("State") == "healthy" for state in states),
            unhealthy=tuple(
                state.get("Reason", "unhealthy")
                for state in states
                if state.get("State") == "unhealthy"
            ),
            weights=self._weights(arn, group),
            interval_s=group.get("HealthCheckIntervalSeconds", 30),
            threshold=group.get("HealthyThresholdCount", 5),
            delay_s=int(values.get("deregistration_delay.timeout_seconds") or 300),
        )

    def _weights(self, arn: str, group: TargetGroupTypeDef) -> tuple[int, ...]:
        """Return the weights with which rules and default actions send traffic to a group."""
        elb, found = self._session.elbv2, list[int]()
        for balancer in group.get("LoadBalancerArns") or []:
            for page in elb.get_paginator("describe_listeners").paginate(LoadBalancerArn=balancer):
                for listener in page["Listeners"]:
                    rules = elb.describe_rules(ListenerArn=listener.get("ListenerArn", ""))
                    for rule in rules["Rules"]:
                        found += _weights_in(rule.get("Actions") or [], arn)
        return tuple(found)


def _groups_in(balancers: list[LoadBalancerTypeDef]) -> tuple[str, ...]:
    """Return the target groups of a service, that of the other colour included."""
    found = []
    for balancer in balancers:
        other = balancer.get("advancedConfiguration")
        found += [balancer.get("targetGroupArn", "")]
        found += [other.get("alternateTargetGroupArn", "")] if other else []
    return tuple(arn for arn in found if arn)


def _weights_in(actions: list[ActionOutputTypeDef], arn: str) -> Iterator[int]:
    for action in actions:
        forward = action.get("ForwardConfig")
        groups = forward.get("TargetGroups") if forward else None
        if groups:
            yield from (g.get("Weight", 1) for g in groups if g.get("TargetGroupArn") == arn)
        elif action.get("TargetGroupArn") == arn:
            yield 1


def rules_of(service: ServiceTypeDef) -> Rules:
    """Read how deployments of a service go; ECS's own defaults where it says nothing."""
    found = service.get("deploymentConfiguration") or {}
    breaker = found.get("deploymentCircuitBreaker")
    alarms = found.get("alarms")
    linear, canary = found.get("linearConfiguration"), found.get("canaryConfiguration")
    percent = (linear or {}).get("stepPercent") or (canary or {}).get("canaryPercent") or 0.0
    step = (linear or {}).get("stepBakeTimeInMinutes") or (canary or {}).get(
        "canaryBakeTimeInMinutes"
    )
    return Rules(
        strategy=found.get("strategy", "ROLLING"),
        minimum=found.get("minimumHealthyPercent", 100),
        maximum=found.get("maximumPercent", 200),
        breaker=bool(breaker and breaker.get("enable")),
        rollback=bool(breaker and breaker.get("rollback")),
        alarms=tuple(alarms["alarmNames"]) if alarms and alarms.get("enable") else (),
        bake_min=found.get("bakeTimeInMinutes", 0),
        step_percent=float(percent),
        step_bake_min=step or 0,
        early=_deferred(found),
        grace_s=service.get("healthCheckGracePeriodSeconds", 0),
    )


def _deferred(found: DeploymentConfigurationOutputTypeDef) -> bool:
    """Tell whether old tasks are drained after the success, off everybody's path."""
    early = found.get("earlySuccessCriteria")
    deferred = early and early.get("sourceServiceRevisionCleanup") == "DEFERRED"
    return bool(early and early.get("enable") and deferred)


def _rollouts(service: ServiceTypeDef) -> tuple[Rollout, ...]:
    return tuple(
        Rollout(
            status=d.get("status", ""),
            state=d.get("rolloutState", ""),
            reason=d.get("rolloutStateReason", ""),
            definition=d.get("taskDefinition", ""),
            failed=d.get("failedTasks", 0),
        )
        for d in service.get("deployments") or []
    )


def _events(service: ServiceTypeDef) -> tuple[ServiceEvent, ...]:
    return tuple(
        ServiceEvent(e.get("id", ""), e["createdAt"].timestamp(), e.get("message", ""))
        for e in service.get("events") or []
        if "createdAt" in e
    )


def _containers(definition: TaskDefinitionTypeDef) -> tuple[ContainerRules, ...]:
    found = []
    for container in definition.get("containerDefinitions") or []:
        check = container.get("healthCheck")
        found.append(
            ContainerRules(
                name=container.get("name", ""),
                image=container.get("image", ""),
                stop_timeout_s=container.get("stopTimeout"),
                checks_every_s=check.get("interval", 30) if check else None,
                essential=container.get("essential", True),
            )
        )
    return tuple(found)


def _main_image(definition: TaskDefinitionTypeDef, environment: Environment) -> str:
    containers = definition.get("containerDefinitions") or []
    named = [c for c in containers if c.get("name") == environment.ecs_service]
    return next((c.get("image", "") for c in (*named, *containers)), "")
