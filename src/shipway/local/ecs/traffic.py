"""Where a deployment's traffic goes: weights of two target groups on a listener's rule.

Follows AdvancedConfiguration (ECS API reference): ECS itself writes the rules. Refuses to know
when (shifting) and how requests really move (balancing).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shipway.local.ecs.deployment import ServiceDeployment
    from shipway.local.ecs.document import JsonObject
    from shipway.local.ecs.state import State

DEFAULT_RULE = "/default"
"""How the ARN of a listener's default rule ends here."""
_ALL = 100.0
_MOST_WEIGHT = 999


def resolve(balanced: JsonObject, used: frozenset[str], *, shifts: bool) -> JsonObject:
    """Return which of a load balancer's two target groups a new revision gets.

    `used` are the groups of the revision in production. One that shifts traffic gets the other
    group; a rolling one joins the group that has the traffic. Shape: ServiceRevisionLoadBalancer.
    """
    first = str(balanced.get("targetGroupArn"))
    advanced = balanced.get("advancedConfiguration") or {}
    other = advanced.get("alternateTargetGroupArn")
    in_production = next((g for g in (first, other) if g in used), None)
    if other is None or in_production is None:
        group = first
    elif shifts:
        group = other if in_production == first else first
    else:
        group = in_production
    rule = advanced.get("productionListenerRule")
    return {"targetGroupArn": group, **({"productionListenerRule": rule} if rule else {})}


def direct(state: State, current: ServiceDeployment) -> None:
    """Write the weights of the deployment's position to its production and test rules."""
    position = current.position
    if position is None:
        return
    revision = state.revisions[current.target_revision]
    for balanced, green in zip(revision.load_balancers, revision.target_groups, strict=True):
        advanced = balanced.get("advancedConfiguration")
        if not advanced:
            continue
        pair = (str(balanced["targetGroupArn"]), str(advanced["alternateTargetGroupArn"]))
        _write(state, str(advanced["productionListenerRule"]), pair, green, position.production)
        if advanced.get("testListenerRule"):
            _write(state, str(advanced["testListenerRule"]), pair, green, position.test)


def knows_rule(state: State, arn: str) -> bool:
    """Return whether `arn` names a rule, a listener's default rule, or a listener."""
    return arn in state.rules or _listener_of(state, arn) is not None


def weights(pair: tuple[str, str], green: str, percent: float) -> list[JsonObject]:
    """Return the pair's `TargetGroups` with `percent` of the requests for `green`.

    ELBv2's weights are whole numbers up to 999, so tenths of a percent need larger ones.
    """
    share, rest = round(percent), round(_ALL - percent)
    if share != percent:
        share, rest = round(percent * 10), min(_MOST_WEIGHT, round((_ALL - percent) * 10))
    return [
        {"TargetGroupArn": group, "Weight": share if group == green else rest} for group in pair
    ]


def _write(state: State, rule_arn: str, pair: tuple[str, str], green: str, percent: float) -> None:
    rule = state.rules.get(rule_arn)
    if rule is not None:
        actions = _forwarding(rule.document["Actions"], weights(pair, green, percent))
        state.rules[rule_arn] = replace(rule, document={**rule.document, "Actions": actions})
        return
    listener_arn = _listener_of(state, rule_arn)
    if listener_arn is not None:
        listener = state.listeners[listener_arn]
        actions = _forwarding(listener.document["DefaultActions"], weights(pair, green, percent))
        document = {**listener.document, "DefaultActions": actions}
        state.listeners[listener_arn] = replace(listener, document=document)


def _listener_of(state: State, arn: str) -> str | None:
    listener = arn.removesuffix(DEFAULT_RULE)
    if arn.endswith(DEFAULT_RULE):
        listener = listener.replace(":listener-rule/", ":listener/")
    return listener if listener in state.listeners else None


def _forwarding(actions: list[JsonObject], groups: list[JsonObject]) -> list[JsonObject]:
    """Return the actions with one that forwards to `groups` in place of the forwarding one."""
    kept = [a for a in actions if a["Type"] != "forward"]
    old = next((a for a in actions if a["Type"] == "forward"), {})
    sticky = old.get("ForwardConfig", {}).get("TargetGroupStickinessConfig")
    config = {"TargetGroups": groups}
    if sticky:
        config["TargetGroupStickinessConfig"] = sticky
    order = {"Order": old["Order"]} if "Order" in old else {}
    return [*kept, {"Type": "forward", **order, "ForwardConfig": config}]
