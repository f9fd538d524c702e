"""Whether the load balancer of a service fits what is to be deployed, and sends traffic somewhere.

A part of `shipway.environments.preflight`.
"""

from __future__ import annotations

from collections.abc import Iterator

from shipway.environments.findings import Finding, refuse, short, unasked
from shipway.model.preflight import Facts, Group, Needs, Place, Unknown, Weights


def traffic(needs: Needs, place: Place, facts: Facts) -> Iterator[Finding]:
    """Return what is wrong between load balancer and service."""
    for balancer in place.balancers:
        yield from _fit(needs, balancer.container, balancer.port)
    groups = dict(facts.groups)
    for arn, group in facts.groups:
        yield from _group(place, arn, group)
    for rule, weights in facts.weights:
        yield from _weights(place, rule, weights, groups)


def _fit(needs: Needs, container: str, port: int) -> Iterator[Finding]:
    if (container, port) != (needs.container, needs.port):
        what = f"its load balancer sends to {container}:{port}, not {needs.container}:{needs.port}"
        how = "correct `container.port`, or the load balancer of the ECS service"
        yield refuse("load-balancer-does-not-fit", what, "service", how)


def _group(place: Place, arn: str, seen: Group | Unknown | None) -> Iterator[Finding]:
    where = f"target group {short(arn)}"
    if isinstance(seen, Unknown):
        yield unasked(where, seen)
    elif seen is None:
        how = "make it again, or update the ECS service's load balancers"
        yield refuse("target-group-is-missing", "it does not exist", where, how)
    elif place.network == "awsvpc" and seen.target != "ip":
        how = "with awsvpc the targets are addresses: make a group with target type ip"
        yield refuse("target-group-does-not-fit", f"its targets are {seen.target}", where, how)
    elif not seen.forwarded and [(b.group, b.other) for b in place.balancers] == [(arn, "")]:
        how = "add a listener rule that forwards to it"
        yield refuse("target-group-is-idle", "no listener forwards to it", where, how)


def _weights(
    place: Place,
    rule: str,
    seen: Weights | Unknown | None,
    groups: dict[str, Group | Unknown | None],
) -> Iterator[Finding]:
    """All traffic must go to one group, and that one must be able to take it (aws-cdk#36649)."""
    where = f"listener rule {short(rule)}"
    if isinstance(seen, Unknown):
        yield unasked(where, seen)
        return
    if seen is None:
        how = "make it again, or update the ECS service's load balancers"
        yield refuse("listener-rule-is-missing", "it does not exist", where, how)
        return
    live = [arn for arn, weight in seen.shares if weight > 0]
    how = "set its weights with `aws elbv2 modify-rule`: all to the group that serves"
    if len(live) != 1:
        shown = ", ".join(f"{short(arn)} {weight}" for arn, weight in seen.shares) or "nowhere"
        what = f"its traffic goes to {shown}, not to one target group alone"
        yield refuse("weights-are-split", what, where, how)
        return
    group = groups.get(live[0])
    if isinstance(group, Group) and place.desired:
        if isinstance(group.healthy, Unknown):
            yield unasked(f"targets of {short(live[0])}", group.healthy)
        elif not group.healthy:
            what = f"all its traffic goes to {short(live[0])}, which has no healthy target"
            yield refuse("weights-point-at-nothing", what, where, how)
