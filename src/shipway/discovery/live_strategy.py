"""A live deployment configuration as the key `strategy` says it, and what it cannot say."""

from __future__ import annotations

from shipway.model.live import Json, items, number, part, text

_THRESHOLDS = {
    "COUNT": "count",
    "BOUNDED_PERCENT": "percent",
    "UNBOUNDED_PERCENT": "unbounded_percent",
}
_MOST_PERCENT = 200


def strategy_of(service: dict[str, Json]) -> tuple[dict[str, Json], tuple[str, ...]]:
    """Return the keys of `strategy` that differ from its defaults, and remarks.

    An empty result is a plain rolling deployment.
    """
    controller = text(part(service, "deploymentController"), "type") or "ECS"
    if controller != "ECS":
        remark = (
            f"The service is deployed by the controller {controller}: with CodeDeploy, say "
            "`kind: code_deploy` with its application and group."
        )
        return {}, (remark,)
    found = part(service, "deploymentConfiguration")
    kind = text(found, "strategy") or "ROLLING"
    said: dict[str, Json] = {} if kind == "ROLLING" else {"kind": kind.lower()}
    remarks: list[str] = []
    said |= _rolling(found, remarks) if kind == "ROLLING" else _shifting(found, service, remarks)
    alarms = part(found, "alarms")
    if alarms.get("enable") and alarms.get("alarmNames"):
        said["alarms"] = alarms["alarmNames"]
        if not alarms.get("rollback"):
            remarks.append("Its alarms did not roll back until now; with Shipway they do.")
    if said:
        named: dict[str, Json] = {"kind": kind.lower()}
        return named | said, tuple(remarks)
    return {}, tuple(remarks)


def _rolling(found: dict[str, Json], remarks: list[str]) -> dict[str, Json]:
    said: dict[str, Json] = {}
    minimum, maximum = number(found, "minimumHealthyPercent"), number(found, "maximumPercent")
    if minimum not in (None, 100):
        said["min_healthy"] = minimum
    if maximum is not None and maximum > _MOST_PERCENT:
        remarks.append(f"maximumPercent is {maximum}; more than {_MOST_PERCENT} cannot be said.")
    elif maximum not in (None, 200):
        said["max"] = maximum
    breaker = part(found, "deploymentCircuitBreaker")
    if not (breaker.get("enable") and breaker.get("rollback")):
        remarks.append(
            "The circuit breaker was off, or did not roll back; Shipway turns both on with its "
            "first deployment."
        )
    threshold = part(breaker, "thresholdConfiguration")
    if name := _THRESHOLDS.get(text(threshold, "type")):
        said["breaker"] = {
            name: threshold.get("value"),
            "reset_on_healthy": breaker.get("resetOnHealthyTask", True),
        }
    early = part(found, "earlySuccessCriteria")
    if early.get("enable"):
        said["early_success"] = {
            "healthy_percent": early.get("healthyPercent", 100),
            "cleanup": (text(early, "sourceServiceRevisionCleanup") or "DEFERRED").lower(),
        }
    return said


def _shifting(
    found: dict[str, Json], service: dict[str, Json], remarks: list[str]
) -> dict[str, Json]:
    said: dict[str, Json] = {"bake": number(found, "bakeTimeInMinutes") or 0}
    for key, name, percent, bake in (
        ("canary", "canaryConfiguration", "canaryPercent", "canaryBakeTimeInMinutes"),
        ("linear", "linearConfiguration", "stepPercent", "stepBakeTimeInMinutes"),
    ):
        steps = part(found, name)
        if steps:
            said[key] = {"percent": steps.get(percent), "bake": steps.get(bake)}
    hooks = items(found, "lifecycleHooks")
    lambdas: list[Json] = [
        {"function": h.get("hookTargetArn"), "role": h.get("roleArn"), "stages": _stages(h)}
        for h in hooks
        if text(h, "targetType") != "PAUSE"
    ]
    if lambdas:
        said["hooks"] = lambdas
    for hook in (h for h in hooks if text(h, "targetType") == "PAUSE"):
        timing = part(hook, "timeoutConfiguration")
        said["pause"] = _stages(hook)
        said["pause_timeout"] = timing.get("timeoutInMinutes", 1440)
        said["pause_then"] = (text(timing, "action") or "ROLLBACK").lower()
    traffic = part(next(iter(items(service, "loadBalancers")), {}), "advancedConfiguration")
    if traffic:
        remarks.append("What shifts its traffic (target groups, listener rules) stays as it is.")
    return said


def _stages(hook: dict[str, Json]) -> list[Json]:
    found = hook.get("lifecycleStages")
    return [str(s).lower() for s in found] if isinstance(found, list) else []
