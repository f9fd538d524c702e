"""ELBv2: listeners and their rules; actions are kept exactly as they came."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shipway.local.ecs.api.desk import Desk, Handler
from shipway.local.ecs.balancing import Listener, Rule
from shipway.local.ecs.document import pick
from shipway.local.ecs.wire.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.local.ecs.document import JsonObject

_CONDITIONS = {"path-pattern", "host-header", "http-header"}
_ACTIONS = {"forward", "fixed-response"}


def create_listener(desk: Desk, request: JsonObject) -> JsonObject:
    """Create a listener: its port is a port of this machine, on the loopback address."""
    balancer = desk.state.load_balancers.get(request["LoadBalancerArn"])
    if balancer is None:
        raise AwsError("LoadBalancerNotFound", "One or more load balancers not found")
    port = int(request.get("Port", 80))
    _check_port(desk, port)
    _check_actions(desk, request["DefaultActions"])
    path = balancer.arn.rsplit("loadbalancer/", 1)[-1]
    arn = desk.arns.elb(f"listener/{path}/{desk.ids.hex(16)}")
    document = {
        "ListenerArn": arn,
        "LoadBalancerArn": balancer.arn,
        "Port": port,
        "Protocol": "HTTP",
        **pick(request, ("DefaultActions",)),
    }
    listener = Listener(arn, balancer.arn, document, tuple(request.get("Tags", ())))
    desk.state.listeners[arn] = listener
    return {"Listeners": [document]}


def describe_listeners(desk: Desk, request: JsonObject) -> JsonObject:
    """Describe listeners by ARN or load balancer."""
    arns, balancer = request.get("ListenerArns"), request.get("LoadBalancerArn")
    for arn in arns or ():
        _listener(desk, arn)
    return {
        "Listeners": [
            x.document
            for x in desk.state.listeners.values()
            if (arns is None or x.arn in arns) and balancer in {None, x.load_balancer_arn}
        ]
    }


def modify_listener(desk: Desk, request: JsonObject) -> JsonObject:
    """Change a listener's port or default actions."""
    listener = _listener(desk, request["ListenerArn"])
    changes = pick(request, ("Port", "DefaultActions"))
    if changes.get("Port", listener.document["Port"]) != listener.document["Port"]:
        _check_port(desk, int(changes["Port"]))
    _check_actions(desk, changes.get("DefaultActions", ()))
    document = {**listener.document, **changes}
    desk.state.listeners[listener.arn] = replace(listener, document=document)
    return {"Listeners": [document]}


def delete_listener(desk: Desk, request: JsonObject) -> JsonObject:
    """Delete a listener and its rules."""
    listener = _listener(desk, request["ListenerArn"])
    for rule in [r for r in desk.state.rules.values() if r.listener_arn == listener.arn]:
        del desk.state.rules[rule.arn]
    del desk.state.listeners[listener.arn]
    return {}


def create_rule(desk: Desk, request: JsonObject) -> JsonObject:
    """Add a rule; lower priorities are asked first."""
    listener = _listener(desk, request["ListenerArn"])
    _check_actions(desk, request["Actions"])
    _check_conditions(request["Conditions"])
    priority = int(request["Priority"])
    taken = [r for r in desk.state.rules.values() if r.listener_arn == listener.arn]
    if any(r.priority == priority for r in taken):
        raise AwsError("PriorityInUse", f"Priority '{priority}' is currently in use")
    path = listener.arn.rsplit("listener/", 1)[-1]
    arn = desk.arns.elb(f"listener-rule/{path}/{desk.ids.hex(16)}")
    document = {
        "RuleArn": arn,
        "Priority": str(priority),
        "IsDefault": False,
        **pick(request, ("Conditions", "Actions", "Transforms")),
    }
    desk.state.rules[arn] = Rule(
        arn, listener.arn, priority, document, tuple(request.get("Tags", ()))
    )
    return {"Rules": [document]}


def describe_rules(desk: Desk, request: JsonObject) -> JsonObject:
    """Describe rules in order of priority, the default one last."""
    arns, listener_arn = request.get("RuleArns"), request.get("ListenerArn")
    for arn in arns or ():
        if not arn.endswith("/default"):
            _rule(desk, arn)
    if listener_arn is not None:
        _listener(desk, listener_arn)
    shown = []
    for listener in desk.state.listeners.values():
        own = [r for r in desk.state.rules.values() if r.listener_arn == listener.arn]
        rules = [r.document for r in sorted(own, key=lambda r: r.priority)]
        rules.append(_default_rule(listener))
        shown += [
            r
            for r in rules
            if (arns is None or r["RuleArn"] in arns) and listener_arn in {None, listener.arn}
        ]
    return {"Rules": shown}


def modify_rule(desk: Desk, request: JsonObject) -> JsonObject:
    """Change a rule's conditions or actions; weights take effect at once."""
    rule = _rule(desk, request["RuleArn"])
    _check_actions(desk, request.get("Actions", ()))
    _check_conditions(request.get("Conditions", ()))
    document = {**rule.document, **pick(request, ("Conditions", "Actions", "Transforms"))}
    desk.state.rules[rule.arn] = replace(rule, document=document)
    return {"Rules": [document]}


def delete_rule(desk: Desk, request: JsonObject) -> JsonObject:
    """Delete a rule."""
    del desk.state.rules[_rule(desk, request["RuleArn"]).arn]
    return {}


def _listener(desk: Desk, arn: str) -> Listener:
    listener = desk.state.listeners.get(arn)
    if listener is None:
        raise AwsError("ListenerNotFound", f"Listener '{arn}' not found")
    return listener


def _rule(desk: Desk, arn: str) -> Rule:
    rule = desk.state.rules.get(arn)
    if rule is None:
        raise AwsError("RuleNotFound", f"Rule '{arn}' not found")
    return rule


def _default_rule(listener: Listener) -> JsonObject:
    path = listener.arn.replace(":listener/", ":listener-rule/")
    return {
        "RuleArn": f"{path}/default",
        "Priority": "default",
        "Conditions": [],
        "Actions": listener.document["DefaultActions"],
        "IsDefault": True,
    }


def _check_port(desk: Desk, port: int) -> None:
    # Every load balancer shares this machine's ports, so a port is taken once for all of them.
    if any(x.document["Port"] == port for x in desk.state.listeners.values()):
        raise AwsError("DuplicateListener", f"A listener already exists on port {port}")
    problem = desk.engine.claim_port(port)
    if problem:
        raise AwsError("InvalidConfigurationRequest", f"Port {port} of this machine: {problem}")


def _check_actions(desk: Desk, actions: list[JsonObject]) -> None:
    for action in actions:
        if action["Type"] not in _ACTIONS:
            raise AwsError(
                "InvalidLoadBalancerAction", f"'{action['Type']}' actions do not exist here"
            )
        groups = [
            g["TargetGroupArn"] for g in action.get("ForwardConfig", {}).get("TargetGroups", ())
        ]
        if "TargetGroupArn" in action:
            groups.append(action["TargetGroupArn"])
        for arn in groups:
            if arn not in desk.state.target_groups:
                raise AwsError("TargetGroupNotFound", f"Target group '{arn}' not found")


def _check_conditions(conditions: list[JsonObject]) -> None:
    for condition in conditions:
        if condition.get("Field") not in _CONDITIONS:
            raise AwsError(
                "InvalidConfigurationRequest",
                f"'{condition.get('Field')}' conditions do not exist here",
            )


HANDLERS: Mapping[str, Handler] = {
    "CreateListener": create_listener,
    "DescribeListeners": describe_listeners,
    "ModifyListener": modify_listener,
    "DeleteListener": delete_listener,
    "CreateRule": create_rule,
    "DescribeRules": describe_rules,
    "ModifyRule": modify_rule,
    "DeleteRule": delete_rule,
}
