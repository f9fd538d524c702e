"""Services: created, updated, deleted; and which update starts a deployment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shipway.local.ecs.api.deploying import deploy
from shipway.local.ecs.api.deployment_rules import check_deployment
from shipway.local.ecs.api.desk import Desk, Handler, missing, page
from shipway.local.ecs.api.service_views import shown_service
from shipway.local.ecs.document import pick
from shipway.local.ecs.model import Service
from shipway.local.ecs.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.local.ecs.document import JsonObject

TRIGGERS = (
    "taskDefinition",
    "networkConfiguration",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
)
"""UpdateService fields whose change starts a deployment (UpdateService, API reference)."""


def create_service(desk: Desk, request: JsonObject) -> JsonObject:
    """Create a service and its first deployment; an active one of that name is an error."""
    cluster = desk.cluster(request.get("cluster"))
    existing = desk.find_service(cluster, request["serviceName"])
    if existing is not None and existing.status != "INACTIVE":
        raise invalid("Creation of service was not idempotent.")
    _check(desk, request)
    if not request.get("taskDefinition"):
        raise invalid("TaskDefinition can not be blank.")
    definition = desk.usable_definition(request["taskDefinition"])
    _check_containers(request.get("loadBalancers", ()), definition.containers)
    service = Service(
        arn=desk.arns.ecs(f"service/{cluster.name}/{request['serviceName']}"),
        name=request["serviceName"],
        cluster_arn=cluster.arn,
        status="ACTIVE",
        desired=int(request.get("desiredCount", 1)),
        created_at=desk.now,
        document={
            **pick(request, desk.ecs.members("Service")),
            "taskDefinition": definition.arn,
        },
        tags=tuple(request.get("tags", ())),
        deployments=(),
        current=None,
    )
    check_deployment(desk.state, service)
    service = deploy(desk, service)
    return {"service": _shown(desk, service, tags=True)}


def update_service(desk: Desk, request: JsonObject) -> JsonObject:
    """Change what was sent; a change of a trigger, or force, starts a deployment."""
    cluster = desk.cluster(request.get("cluster"))
    service = desk.service(cluster, request["service"])
    _check(desk, request)
    changes = pick(request, desk.ecs.members("Service") - {"desiredCount", "tags"})
    if "taskDefinition" in changes:
        changes["taskDefinition"] = desk.usable_definition(changes["taskDefinition"]).arn
    document = {**service.document, **changes}
    _check_containers(
        document.get("loadBalancers", ()),
        desk.state.definitions[document["taskDefinition"]].containers,
    )
    triggered = any(document.get(name) != service.document.get(name) for name in TRIGGERS)
    updated = replace(
        service,
        document=document,
        desired=int(request.get("desiredCount", service.desired)),
        steady=False,
    )
    check_deployment(desk.state, updated)
    if triggered or request.get("forceNewDeployment"):
        updated = deploy(desk, updated)
    else:
        desk.state.services[service.arn] = updated
    desk.engine.wake.set()
    return {"service": _shown(desk, updated)}


def delete_service(desk: Desk, request: JsonObject) -> JsonObject:
    """Delete a service: DRAINING until its tasks are gone, then INACTIVE."""
    cluster = desk.cluster(request.get("cluster"))
    service = desk.service(cluster, request["service"])
    if service.desired > 0 and not request.get("force"):
        raise invalid("The service cannot be stopped while it is scaled above 0.")
    gone = replace(service, status="DRAINING", desired=0)
    desk.state.services[service.arn] = gone
    desk.engine.wake.set()
    return {"service": _shown(desk, gone)}


def describe_services(desk: Desk, request: JsonObject) -> JsonObject:
    """Describe at most ten services; unknown ones go to `failures` as MISSING."""
    cluster = desk.cluster(request.get("cluster"))
    names = request["services"]
    if len(names) > 10:  # noqa: PLR2004 - the limit in the API reference
        raise invalid("Services cannot have more than 10 elements.")
    found, failures = [], []
    for name in names:
        service = desk.find_service(cluster, name)
        if service is None:
            short = name.rsplit("/", 1)[-1]
            failures.append(missing(desk.arns.ecs(f"service/{cluster.name}/{short}")))
        else:
            found.append(_shown(desk, service, tags="TAGS" in request.get("include", ())))
    return {"services": found, "failures": failures}


def list_services(desk: Desk, request: JsonObject) -> JsonObject:
    """List a cluster's services that are not deleted; ten to a page unless told otherwise."""
    cluster = desk.cluster(request.get("cluster"))
    arns = [
        s.arn
        for s in desk.state.services.values()
        if s.cluster_arn == cluster.arn and s.status != "INACTIVE"
    ]
    chosen, token = page(arns, {"maxResults": 10, **request})
    return {"serviceArns": chosen, **token}


def _check(desk: Desk, request: JsonObject) -> None:
    controller = request.get("deploymentController", {}).get("type", "ECS")
    if controller != "ECS":
        text = f"The local control plane has no {controller} deployment controller."
        raise AwsError("UnsupportedFeatureException", text)
    if request.get("schedulingStrategy", "REPLICA") != "REPLICA":
        raise AwsError("UnsupportedFeatureException", "Only REPLICA services are supported.")
    if int(request.get("desiredCount") or 0) < 0:
        raise invalid("desiredCount must not be negative.")
    for balanced in request.get("loadBalancers") or ():
        if balanced.get("targetGroupArn") not in desk.state.target_groups:
            raise invalid(f"The target group {balanced.get('targetGroupArn')} does not exist.")


def _check_containers(load_balancers: object, containers: list[JsonObject]) -> None:
    for balanced in load_balancers if isinstance(load_balancers, list) else ():
        name, port = balanced.get("containerName"), balanced.get("containerPort")
        ports = [
            p.get("containerPort")
            for c in containers
            if c["name"] == name
            for p in c.get("portMappings", ())
        ]
        if port not in ports:
            raise invalid(f"The container {name} did not have a container port {port} defined.")


def _shown(desk: Desk, service: Service, *, tags: bool = False) -> JsonObject:
    shown = shown_service(desk.state, service, tags=tags)
    current = desk.state.service_deployments.get(service.current or "")
    if not desk.visible(current):
        shown.pop("currentServiceDeployment", None)
    return shown


HANDLERS: Mapping[str, Handler] = {
    "CreateService": create_service,
    "UpdateService": update_service,
    "DeleteService": delete_service,
    "DescribeServices": describe_services,
    "ListServices": list_services,
}
