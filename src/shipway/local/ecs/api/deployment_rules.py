"""What a service's deployment configuration must fulfil, in the words of ECS's API reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.local.ecs.deployment import Stage, Strategy
from shipway.local.ecs.traffic import knows_rule
from shipway.local.ecs.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from shipway.local.ecs.document import JsonObject
    from shipway.local.ecs.model import Service
    from shipway.local.ecs.state import State

_DAY_MIN = 1440
_NEVER_PAUSED = {Stage.TEST_TRAFFIC_SHIFT.value, Stage.PRODUCTION_TRAFFIC_SHIFT.value}


def check_deployment(state: State, service: Service) -> None:
    """Raise InvalidParameterException when the service cannot be deployed as it asks for."""
    configuration = service.configuration
    strategy = Strategy(configuration["strategy"])
    balancers: list[JsonObject] = service.document.get("loadBalancers", [])
    _check_minutes(configuration, "bakeTimeInMinutes")
    _check_hooks(configuration, strategy)
    _check_early_success(configuration, strategy)
    for balanced in balancers:
        _check_advanced(state, balanced)
    if strategy is Strategy.ROLLING:
        return
    if "bakeTimeInMinutes" not in configuration and strategy is Strategy.BLUE_GREEN:
        raise invalid("bakeTimeInMinutes is required for the BLUE_GREEN deployment strategy.")
    if not balancers and strategy is not Strategy.BLUE_GREEN:
        raise invalid(f"A load balancer is required for the {strategy} deployment strategy.")
    if any(not balanced.get("advancedConfiguration") for balanced in balancers):
        raise invalid(f"advancedConfiguration is required for the {strategy} deployment strategy.")
    canary = configuration.get("canaryConfiguration", {})
    linear = configuration.get("linearConfiguration", {})
    if (canary and strategy is not Strategy.CANARY) or (linear and strategy is not Strategy.LINEAR):
        raise invalid(f"The traffic shift configuration does not belong to strategy {strategy}.")
    _check_percent(canary, "canaryPercent", fewest=0.1)
    _check_minutes(canary, "canaryBakeTimeInMinutes")
    _check_percent(linear, "stepPercent", fewest=3.0)
    _check_minutes(linear, "stepBakeTimeInMinutes")


def _check_percent(given: JsonObject, name: str, *, fewest: float) -> None:
    value = float(given.get(name, 100.0))
    if not fewest <= value <= 100.0 or round(value, 1) != value:  # noqa: PLR2004 - percent
        raise invalid(f"{name} must be a multiple of 0.1 from {fewest} to 100.0.")


def _check_minutes(given: JsonObject, name: str) -> None:
    if not 0 <= int(given.get(name, 0)) <= _DAY_MIN:
        raise invalid(f"{name} must be between 0 and {_DAY_MIN}.")


def _check_hooks(configuration: JsonObject, strategy: Strategy) -> None:
    for hook in configuration.get("lifecycleHooks", ()):
        if hook.get("targetType", "AWS_LAMBDA") != "PAUSE":
            text = "The local control plane runs no Lambda functions: only PAUSE hooks."
            raise AwsError("UnsupportedFeatureException", text)
        if strategy is Strategy.ROLLING:
            raise invalid("PAUSE lifecycle hooks are not supported for ROLLING deployments.")
        stages = set(hook.get("lifecycleStages", ()))
        if not stages or stages & _NEVER_PAUSED:
            raise invalid(f"PAUSE lifecycle hooks are not supported at {sorted(stages)}.")


def _check_early_success(configuration: JsonObject, strategy: Strategy) -> None:
    given = configuration.get("earlySuccessCriteria", {})
    if not given.get("enable"):
        return
    if strategy is not Strategy.ROLLING:
        raise invalid("earlySuccessCriteria are only supported for ROLLING deployments.")
    if "healthyPercent" not in given or "sourceServiceRevisionCleanup" not in given:
        raise invalid("healthyPercent and sourceServiceRevisionCleanup must be specified.")
    if int(given["healthyPercent"]) < int(configuration["minimumHealthyPercent"]):
        raise invalid("healthyPercent must not be less than minimumHealthyPercent.")


def _check_advanced(state: State, balanced: JsonObject) -> None:
    advanced = balanced.get("advancedConfiguration")
    if not advanced:
        return
    other = advanced.get("alternateTargetGroupArn")
    if other not in state.target_groups or other == balanced.get("targetGroupArn"):
        raise invalid(f"The alternate target group {other} does not exist.")
    if not advanced.get("productionListenerRule"):
        raise invalid("productionListenerRule is required.")
    for name in ("productionListenerRule", "testListenerRule"):
        rule = advanced.get(name)
        if rule and not knows_rule(state, rule):
            raise invalid(f"The {name} {rule} does not exist.")
