"""ELBv2: the targets of a group, their health, and who uses a group."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shipway.local.ecs.api.desk import Desk, Handler
from shipway.local.ecs.balancing import Target, TargetGroup, TargetHealth, TargetState
from shipway.local.ecs.document import present
from shipway.local.ecs.wire.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.local.ecs.document import JsonObject


def register_targets(desk: Desk, request: JsonObject) -> JsonObject:
    """Register addresses; a draining one is taken back."""
    group = target_group(desk, request)
    for given in request["Targets"]:
        port = int(given.get("Port", group.document["Port"]))
        target = Target(group.arn, given["Id"], port, desk.now)
        known = desk.state.targets.get(target.key)
        if known is None or known.draining_since is not None:
            desk.state.targets[target.key] = target
    return {}


def deregister_targets(desk: Desk, request: JsonObject) -> JsonObject:
    """Begin to drain targets."""
    group = target_group(desk, request)
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
    group = target_group(desk, request)
    used = used_by(desk, group.arn)
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


def target_group(desk: Desk, request: JsonObject) -> TargetGroup:
    """Return the group that the request names; raise TargetGroupNotFound."""
    group = desk.state.target_groups.get(request["TargetGroupArn"])
    if group is None:
        raise AwsError(
            "TargetGroupNotFound", f"Target group '{request['TargetGroupArn']}' not found"
        )
    return group


def used_by(desk: Desk, arn: str) -> bool:
    """Return whether any listener or rule forwards to the group."""
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
    "RegisterTargets": register_targets,
    "DeregisterTargets": deregister_targets,
    "DescribeTargetHealth": describe_target_health,
}
