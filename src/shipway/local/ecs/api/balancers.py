"""ELBv2: load balancers and target groups."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from shipway.local.ecs.api.desk import Desk, Handler
from shipway.local.ecs.api.targets import forwards_to, target_group, used_by
from shipway.local.ecs.balancing import LoadBalancer, TargetGroup
from shipway.local.ecs.document import pick
from shipway.local.ecs.wire.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.local.ecs.document import JsonObject
    from shipway.local.ecs.state import Records

R = TypeVar("R", LoadBalancer, TargetGroup)

_CHECK_FIELDS = (
    "HealthCheckProtocol",
    "HealthCheckPort",
    "HealthCheckEnabled",
    "HealthCheckPath",
    "HealthCheckIntervalSeconds",
    "HealthCheckTimeoutSeconds",
    "HealthyThresholdCount",
    "UnhealthyThresholdCount",
    "Matcher",
)


def create_load_balancer(desk: Desk, request: JsonObject) -> JsonObject:
    """Create an application load balancer; its DNS name is this machine."""
    if request.get("Type", "application") != "application":
        raise AwsError("InvalidConfigurationRequest", "Only application load balancers exist here.")
    name = request["Name"]
    if any(b.name == name for b in desk.state.load_balancers.values()):
        raise AwsError(
            "DuplicateLoadBalancerName", f"A load balancer with the name '{name}' exists."
        )
    arn = desk.arns.elb(f"loadbalancer/app/{name}/{desk.ids.hex(16)}")
    document = {
        "LoadBalancerArn": arn,
        "LoadBalancerName": name,
        "DNSName": "127.0.0.1",
        "CreatedTime": desk.now,
        "Scheme": request.get("Scheme", "internet-facing"),
        "State": {"Code": "active"},
        "Type": "application",
        "VpcId": "vpc-local",
        "IpAddressType": request.get("IpAddressType", "ipv4"),
        "SecurityGroups": list(request.get("SecurityGroups", ())),
        "AvailabilityZones": [
            {"ZoneName": "local", "SubnetId": subnet} for subnet in request.get("Subnets", ())
        ],
    }
    balancer = LoadBalancer(arn, name, document, tuple(request.get("Tags", ())))
    desk.state.load_balancers[arn] = balancer
    return {"LoadBalancers": [document]}


def describe_load_balancers(desk: Desk, request: JsonObject) -> JsonObject:
    """Describe load balancers by ARN or name; unknown ones are an error."""
    found = _select(desk.state.load_balancers, request, "LoadBalancerArns", "LoadBalancerNotFound")
    return {"LoadBalancers": [b.document for b in found]}


def delete_load_balancer(desk: Desk, request: JsonObject) -> JsonObject:
    """Delete a load balancer with its listeners and rules; an unknown one is no error."""
    arn = request["LoadBalancerArn"]
    listeners = [x for x in desk.state.listeners.values() if x.load_balancer_arn == arn]
    for listener in listeners:
        for rule in [r for r in desk.state.rules.values() if r.listener_arn == listener.arn]:
            del desk.state.rules[rule.arn]
        del desk.state.listeners[listener.arn]
    if arn in desk.state.load_balancers:
        del desk.state.load_balancers[arn]
    return {}


def create_target_group(desk: Desk, request: JsonObject) -> JsonObject:
    """Create a target group with ELBv2's defaults for what was not said."""
    name = request["Name"]
    if any(g.name == name for g in desk.state.target_groups.values()):
        raise AwsError("DuplicateTargetGroupName", f"A target group with the name '{name}' exists.")
    arn = desk.arns.elb(f"targetgroup/{name}/{desk.ids.hex(16)}")
    document: JsonObject = {
        "TargetGroupArn": arn,
        "TargetGroupName": name,
        "Protocol": "HTTP",
        "ProtocolVersion": "HTTP1",
        "Port": 80,
        "VpcId": "vpc-local",
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckEnabled": True,
        "HealthCheckPath": "/",
        "HealthCheckIntervalSeconds": 30,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 2,
        "Matcher": {"HttpCode": "200"},
        "TargetType": "ip",
        "IpAddressType": "ipv4",
        **{k: v for k, v in request.items() if k not in {"Name", "Tags"}},
    }
    attributes = {"deregistration_delay.timeout_seconds": "300", "stickiness.enabled": "false"}
    group = TargetGroup(arn, name, document, attributes, tuple(request.get("Tags", ())))
    desk.state.target_groups[arn] = group
    return {"TargetGroups": [_group(desk, group)]}


def describe_target_groups(desk: Desk, request: JsonObject) -> JsonObject:
    """Describe target groups by ARN, name or load balancer."""
    found = _select(desk.state.target_groups, request, "TargetGroupArns", "TargetGroupNotFound")
    shown = [_group(desk, g) for g in found]
    wanted = request.get("LoadBalancerArn")
    return {"TargetGroups": [g for g in shown if wanted is None or wanted in g["LoadBalancerArns"]]}


def modify_target_group(desk: Desk, request: JsonObject) -> JsonObject:
    """Change a group's health check."""
    group = target_group(desk, request)
    document = {**group.document, **pick(request, _CHECK_FIELDS)}
    desk.state.target_groups[group.arn] = replace(group, document=document)
    return {"TargetGroups": [_group(desk, desk.state.target_groups[group.arn])]}


def delete_target_group(desk: Desk, request: JsonObject) -> JsonObject:
    """Delete a group that no listener or rule uses."""
    arn = request["TargetGroupArn"]
    if arn not in desk.state.target_groups:
        return {}
    if used_by(desk, arn):
        raise AwsError("ResourceInUse", f"Target group '{arn}' is currently in use.")
    for key in [k for k, t in desk.state.targets.items() if t.group_arn == arn]:
        del desk.state.targets[key]
    del desk.state.target_groups[arn]
    return {}


def modify_target_group_attributes(desk: Desk, request: JsonObject) -> JsonObject:
    """Set attributes, e.g. `deregistration_delay.timeout_seconds`."""
    group = target_group(desk, request)
    given = {a["Key"]: a.get("Value", "") for a in request["Attributes"]}
    attributes = {**group.attributes, **given}
    desk.state.target_groups[group.arn] = replace(group, attributes=attributes)
    return {"Attributes": _attributes(attributes)}


def describe_target_group_attributes(desk: Desk, request: JsonObject) -> JsonObject:
    """Describe a group's attributes."""
    return {"Attributes": _attributes(target_group(desk, request).attributes)}


def _select(records: Records[R], request: JsonObject, arns_field: str, code: str) -> list[R]:
    arns, names = request.get(arns_field), request.get("Names")
    for arn in arns or ():
        if arn not in records:
            raise AwsError(code, f"'{arn}' was not found")
    found = [r for r in records.values() if arns is None or r.arn in arns]
    if names is None:
        return found
    for name in names:
        if all(r.name != name for r in found):
            raise AwsError(code, f"'{name}' was not found")
    return [r for r in found if r.name in names]


def _attributes(attributes: dict[str, str]) -> list[JsonObject]:
    return [{"Key": key, "Value": value} for key, value in attributes.items()]


def _group(desk: Desk, group: TargetGroup) -> JsonObject:
    listeners = desk.state.listeners
    balancers = [
        x.load_balancer_arn for x in listeners.values() if forwards_to(x.document, group.arn)
    ]
    balancers += [
        listeners[r.listener_arn].load_balancer_arn
        for r in desk.state.rules.values()
        if forwards_to(r.document, group.arn)
    ]
    return {**group.document, "LoadBalancerArns": list(dict.fromkeys(balancers))}


HANDLERS: Mapping[str, Handler] = {
    "CreateLoadBalancer": create_load_balancer,
    "DescribeLoadBalancers": describe_load_balancers,
    "DeleteLoadBalancer": delete_load_balancer,
    "CreateTargetGroup": create_target_group,
    "DescribeTargetGroups": describe_target_groups,
    "ModifyTargetGroup": modify_target_group,
    "DeleteTargetGroup": delete_target_group,
    "ModifyTargetGroupAttributes": modify_target_group_attributes,
    "DescribeTargetGroupAttributes": describe_target_group_attributes,
}
