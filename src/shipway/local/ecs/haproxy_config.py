"""HAProxy's configuration, rendered from the layout. Pure.

Servers are slots that the runtime socket fills, so that a task's coming and going needs no reload;
only listeners, rules, weights and groups are part of the text.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shipway.local.ecs.balancing import Layout, Listener, Rule, TargetGroup
    from shipway.local.ecs.document import JsonObject

FEWEST_SLOTS = 16
PROBE_S = 0.5
"""How often a target that is not healthy yet is asked: a pass counts at once."""


def backend_name(group_arn: str) -> str:
    """Return a group's backend name: short, unique, and safe in every HAProxy context."""
    return "tg_" + hashlib.sha256(group_arn.encode()).hexdigest()[:16]


def slot_count(targets: int) -> int:
    """Return how many slots a backend gets: doubling, so that growth seldom needs a reload."""
    slots = FEWEST_SLOTS
    while slots < targets:
        slots *= 2
    return slots


def render(layout: Layout, interval_cap_s: float | None) -> str:
    """Return the frontends and backends for `layout`."""
    parts = [
        _frontend(x, [r for r in layout.rules if r.listener_arn == x.arn]) for x in layout.listeners
    ]
    for group in layout.groups:
        targets = sum(t.group_arn == group.arn for t in layout.targets)
        parts.append(_backend(group, slot_count(targets), interval_cap_s))
    return "\n".join(parts)


def preamble(socket: str, node: str, state_file: str, idle_socket: str) -> str:
    """Return the global and default sections.

    Retries: a request may be repeated after a failed connection whatever its method, and after an
    empty reply only when its method is safe. A reload lets a kept connection end with its next
    reply: closing an idle one would race with the client's next request. The idle frontend lets
    HAProxy start with no listener at all.
    """
    return f"""global
    node {node}
    stats socket {socket} mode 600 level admin expose-fd listeners
    server-state-file {state_file}
    hard-stop-after 30s
    maxconn 2000
    nbthread 2

defaults
    mode http
    timeout connect 2s
    timeout client 120s
    timeout server 120s
    timeout http-request 30s
    timeout queue 5s
    retries 3
    option redispatch 1
    option idle-close-on-response
    retry-on conn-failure empty-response
    load-server-state-from-file global

frontend idle
    bind unix@{idle_socket}
    http-request return status 404

"""


def interval_s(group: TargetGroup, cap_s: float | None) -> float:
    """Return the seconds between two checks of a healthy target."""
    asked = float(group.document["HealthCheckIntervalSeconds"])
    return asked if cap_s is None else min(asked, cap_s)


def unhealthy_after_s(group: TargetGroup, cap_s: float | None) -> float:
    """Return how long a new target may fail its checks before it counts as unhealthy."""
    return interval_s(group, cap_s) * int(group.document["UnhealthyThresholdCount"])


def _frontend(listener: Listener, rules: Sequence[Rule]) -> str:
    name = "l_" + hashlib.sha256(listener.arn.encode()).hexdigest()[:16]
    lines = [
        f"frontend {name}",
        f"    bind 127.0.0.1:{listener.document['Port']}",
        "    http-request disable-l7-retry unless { method GET HEAD OPTIONS }",
        "    option forwardfor",
    ]
    returns: list[str] = []
    routes: list[str] = []
    for number, rule in enumerate(sorted(rules, key=lambda r: r.priority)):
        lines += _conditions(rule.document["Conditions"], f"r{number}")
        _actions(
            rule.document["Actions"], f"r{number}", rule.document["Conditions"], returns, routes
        )
    _actions(listener.document["DefaultActions"], "d", [], returns, routes)
    return "\n".join([*lines, *returns, *routes, ""])


def _conditions(conditions: Iterable[JsonObject], name: str) -> list[str]:
    """Return the ACL lines; conditions are joined by `and` where they are used."""
    lines = []
    for number, condition in enumerate(conditions):
        acl = f"    acl {name}c{number}"
        match condition["Field"]:
            case "path-pattern":
                values = condition.get("PathPatternConfig", condition).get("Values", ())
                lines += [f"{acl} path -m reg {_glob(v)}" for v in values]
            case "host-header":
                values = condition.get("HostHeaderConfig", condition).get("Values", ())
                lines += [f"{acl} req.hdr(host),field(1,:) -m reg -i {_glob(v)}" for v in values]
            case _:
                config = condition["HttpHeaderConfig"]
                header = re.sub(r"[^A-Za-z0-9_-]", "", config["HttpHeaderName"])
                lines += [
                    f"{acl} req.fhdr({header}) -m reg -i {_glob(v)}" for v in config["Values"]
                ]
    return lines


def _actions(
    actions: Iterable[JsonObject],
    name: str,
    conditions: Sequence[JsonObject],
    returns: list[str],
    routes: list[str],
) -> None:
    """Add what to do when the rule's conditions hold.

    A frontend evaluates all `http-request` lines before any `use_backend`, so a fixed response
    must not fire when an earlier forwarding rule took the request: a variable remembers.
    """
    wanted = " ".join(f"{name}c{n}" for n in range(len(conditions)))
    free = "!{ var(txn.taken) -m bool }"
    for action in actions:
        if action["Type"] == "fixed-response":
            fixed = action["FixedResponseConfig"]
            kind = _quoted(fixed.get("ContentType") or "text/plain")
            body = _quoted(fixed.get("MessageBody", ""))
            returns.append(
                f"    http-request return status {int(fixed['StatusCode'])} "
                f"content-type {kind} string {body} if {wanted} {free}".rstrip()
            )
            continue
        groups = _weighted(action)
        total = sum(weight for _, weight in groups)
        returns.append(f"    http-request set-var(txn.rule) str({name}) if {wanted} {free}")
        returns.append(f"    http-request set-var(txn.taken) bool(true) if {wanted} {free}")
        ours = f"{{ var(txn.rule) -m str {name} }}"
        returns.append(f"    http-request set-var(txn.dice) rand({max(1, total)}) if {ours}")
        below = 0
        for arn, weight in groups:
            below += weight
            if weight:
                routes.append(
                    f"    use_backend {backend_name(arn)} if {ours} "
                    f"{{ var(txn.dice) -m int lt {below} }}"
                )


def _weighted(action: JsonObject) -> list[tuple[str, int]]:
    groups = action.get("ForwardConfig", {}).get("TargetGroups") or ()
    if groups:
        return [(g["TargetGroupArn"], int(g.get("Weight", 1))) for g in groups]
    return [(action["TargetGroupArn"], 1)]


def _backend(group: TargetGroup, slots: int, cap_s: float | None) -> str:
    document = group.document
    every = interval_s(group, cap_s)
    probe = min(PROBE_S, every)
    timeout = min(float(document["HealthCheckTimeoutSeconds"]), every)
    fall = int(document["UnhealthyThresholdCount"])
    codes = document.get("Matcher", {}).get("HttpCode") or "200"
    lines = [
        f"backend {backend_name(group.arn)}",
        "    balance roundrobin",
        "    option httpchk",
        f"    http-check send meth GET uri {_quoted(document.get('HealthCheckPath') or '/')}",
        f"    http-check expect status {_codes(codes)}",
        f"    timeout check {_ms(timeout)}",
        f"    default-server inter {_ms(every)} downinter {_ms(probe)} rise 1 fall {fall}",
        f"    server-template s 1-{slots} 127.0.0.1:1 check disabled",
        "",
    ]
    return "\n".join(lines)


def _codes(text: str) -> str:
    return ",".join(part for part in text.split(",") if re.fullmatch(r"\d{3}(-\d{3})?", part))


def _glob(pattern: str) -> str:
    """Return ELBv2's `*` and `?` as a quoted regular expression of the whole value."""
    text = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return _quoted(f"^{text}$")


def _quoted(text: str) -> str:
    """Return text in HAProxy's strong quotes; a quote or line break in it cannot get out."""
    clean = re.sub(r"[\r\n\0]", " ", text)
    return "'" + clean.replace("'", "'\\''") + "'"


def _ms(seconds: float) -> str:
    return f"{int(seconds * 1000)}ms"
