"""ELBv2: load balancers, target groups and their targets' health, tags."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from shipway.local.ecs.api.desk import Desk, Handler
from shipway.local.ecs.balancing import LoadBalancer, Target, TargetGroup, TargetHealth, TargetState
from shipway.local.ecs.document import merge_tags, pick, present
from shipway.local.ecs.wire.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    group = _target_group(desk, request)
    document = {**group.document, **pick(request, _CHECK_FIELDS)}
    desk.state.target_groups[group.arn] = replace(group, document=document)
    return {"TargetGroups": [_group(desk, desk.state.target_groups[group.arn])]}


def delete_target_group(desk: Desk, request: JsonObject) -> JsonObject:
    """Delete a group that no listener or rule uses."""
    arn = request["TargetGroupArn"]
    if arn not in desk.state.target_groups:
        return {}
    if _used_by(desk, arn):
        raise AwsError("ResourceInUse", f"Target group '{arn}' is currently in use.")
    for key in [k for k, t in desk.state.targets.items() if t.group_arn == arn]:
        del desk.state.targets[key]
    del desk.state.target_groups[arn]
    return {}


def modify_target_group_attributes(desk: Desk, request: JsonObject) -> JsonObject:
    """Set attributes, e.g. `deregistration_delay.timeout_seconds`."""
    group = _target_group(desk, request)
    given = {a["Key"]: a.get("Value", "") for a in request["Attributes"]}
    attributes = {**group.attributes, **given}
    desk.state.target_groups[group.arn] = replace(group, attributes=attributes)
    return {"Attributes": _attributes(attributes)}


def describe_target_group_attributes(desk: Desk, request: JsonObject) -> JsonObject:
    """Describe a group's attributes."""
    return {"Attributes": _attributes(_target_group(desk, request).attributes)}


def register_targets(desk: Desk, request: JsonObject) -> JsonObject:
    """Register addresses; a draining one is taken back."""
    group = _target_group(desk, request)
    for given in request["Targets"]:
        port = int(given.get("Port", group.document["Port"]))
        target = Target(group.arn, given["Id"], port, desk.now)
        known = desk.state.targets.get(target.key)
        if known is None or known.draining_since is not None:
            desk.state.targets[target.key] = target
    return {}


def deregister_targets(desk: Desk, request: JsonObject) -> JsonObject:
    """Begin to drain targets."""
    group = _target_group(desk, request)
    for given in request["Targets"]:
        port = int(given.get("Port", group.document["Port"]))
        key = Target(group.arn, given["Id"], port, 0.0).key
        target = desk.state.targets.get(key)
        if target is None:
            raise AwsError("InvalidTarget", f"The target {given['Id']}:{port} is not registered.")
        if target.draining_since is None:
            desk.state.targets[key] = replace(target, draining_since=desk.now)
    return {}


def describe_target_health(desk: Desk, request: JsonObject) -> JsonObject:
    """Describe the health of a group's targets."""
    group = _target_group(desk, request)
    used = _used_by(desk, group.arn)
    return {
        "TargetHealthDescriptions": [
            {
                "Target": {"Id": target.host, "Port": target.port},
                "HealthCheckPort": str(target.port),
                "TargetHealth": _health(desk, target, used=used),
            }
            for target in desk.state.targets.values()
            if target.group_arn == group.arn
        ]
    }


def _health(desk: Desk, target: Target, *, used: bool) -> JsonObject:
    seen = desk.engine.health.get(target.key)
    if target.draining_since is not None:
        seen = TargetHealth(
            TargetState.DRAINING,
            "Target.DeregistrationInProgress",
            "Target deregistration is in progress",
        )
    elif not used:
        seen = TargetHealth(
            TargetState.UNUSED,
            "Target.NotInUse",
            "Target group is not configured to receive traffic from the load balancer",
        )
    elif seen is None:
        seen = TargetHealth(
            TargetState.INITIAL,
            "Elb.RegistrationInProgress",
            "Target registration is in progress",
        )
    return present(
        {"State": seen.state.value, "Reason": seen.reason, "Description": seen.description}
    )


def add_tags(desk: Desk, request: JsonObject) -> JsonObject:
    """Add tags to resources, replacing those of the same keys."""
    for arn in request["ResourceArns"]:
        _retag(desk, arn, lambda tags: merge_tags(tags, request["Tags"], "Key"))
    return {}


def remove_tags(desk: Desk, request: JsonObject) -> JsonObject:
    """Remove tags by key."""
    keys = set(request["TagKeys"])
    for arn in request["ResourceArns"]:
        _retag(desk, arn, lambda tags: tuple(t for t in tags if t["Key"] not in keys))
    return {}


def describe_tags(desk: Desk, request: JsonObject) -> JsonObject:
    """Describe the tags of resources."""
    return {
        "TagDescriptions": [
            {"ResourceArn": arn, "Tags": list(_retag(desk, arn, lambda tags: tags))}
            for arn in request["ResourceArns"]
        ]
    }


def _retag(
    desk: Desk,
    arn: str,
    change: Callable[[tuple[JsonObject, ...]], tuple[JsonObject, ...]],
) -> tuple[JsonObject, ...]:
    state = desk.state
    if arn in state.load_balancers:
        balancer = state.load_balancers[arn]
        state.load_balancers[arn] = replace(balancer, tags=change(balancer.tags))
        return state.load_balancers[arn].tags
    if arn in state.target_groups:
        group = state.target_groups[arn]
        state.target_groups[arn] = replace(group, tags=change(group.tags))
        return state.target_groups[arn].tags
    if arn in state.listeners:
        listener = state.listeners[arn]
        state.listeners[arn] = replace(listener, tags=change(listener.tags))
        return state.listeners[arn].tags
    if arn in state.rules:
        rule = state.rules[arn]
        state.rules[arn] = replace(rule, tags=change(rule.tags))
        return state.rules[arn].tags
    raise AwsError("LoadBalancerNotFound", f"Nothing has the ARN '{arn}'")


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


def _target_group(desk: Desk, request: JsonObject) -> TargetGroup:
    group = desk.state.target_groups.get(request["TargetGroupArn"])
    if group is None:
        raise AwsError(
            "TargetGroupNotFound", f"Target group '{request['TargetGroupArn']}' not found"
        )
    return group


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


def _used_by(desk: Desk, arn: str) -> bool:
    documents = [x.document for x in desk.state.listeners.values()]
    documents += [r.document for r in desk.state.rules.values()]
    return any(forwards_to(d, arn) for d in documents)


def forwards_to(document: JsonObject, group_arn: str) -> bool:
    """Return whether a listener's or rule's actions name the group, with any weight."""
    actions = document.get("DefaultActions") or document.get("Actions") or ()
    return any(
        action.get("TargetGroupArn") == group_arn
        or any(
            g.get("TargetGroupArn") == group_arn
            for g in action.get("ForwardConfig", {}).get("TargetGroups", ())
        )
        for action in actions
    )


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
    "RegisterTargets": register_targets,
    "DeregisterTargets": deregister_targets,
    "DescribeTargetHealth": describe_target_health,
    "AddTags": add_tags,
    "RemoveTags": remove_tags,
    "DescribeTags": describe_tags,
}
