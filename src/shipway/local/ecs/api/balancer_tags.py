"""ELBv2: tags of load balancers, target groups, listeners and rules."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shipway.local.ecs.api.desk import Desk, Handler
from shipway.local.ecs.document import merge_tags
from shipway.local.ecs.wire.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipway.local.ecs.document import JsonObject


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


HANDLERS: Mapping[str, Handler] = {
    "AddTags": add_tags,
    "RemoveTags": remove_tags,
    "DescribeTags": describe_tags,
}
