"""A strategy as the ECS API takes it: exactly what CreateService and UpdateService are sent.

Nothing is asked here: what the service has already comes in as an argument. A list or section
that the service has and the strategy has not is switched off in words, because the API reads
absence as "unchanged".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from shipway.model.strategy import Strategy, StrategyRules, Traffic

if TYPE_CHECKING:  # stubs only; the packages are not installed with Shipway
    from mypy_boto3_ecs.literals import DeploymentLifecycleHookStageType, DeploymentStrategyType
    from mypy_boto3_ecs.type_defs import (
        DeploymentCircuitBreakerTypeDef,
        DeploymentConfigurationOutputTypeDef,
        DeploymentConfigurationTypeDef,
        DeploymentLifecycleHookTypeDef,
        LoadBalancerTypeDef,
    )


def deployment_configuration(
    rules: StrategyRules, live: DeploymentConfigurationOutputTypeDef | None = None
) -> DeploymentConfigurationTypeDef:
    """Return `deploymentConfiguration` for a strategy of the ECS controller.

    Args:
        rules: the strategy; never that of CodeDeploy, which takes none of this.
        live: what the service has now; None when it is created.
    """
    had: DeploymentConfigurationOutputTypeDef = live or {}
    wanted: DeploymentConfigurationTypeDef = {
        "strategy": cast("DeploymentStrategyType", rules.kind.name),
        "deploymentCircuitBreaker": _breaker(rules),
        "minimumHealthyPercent": rules.min_healthy,
        "maximumPercent": rules.max,
    }
    if rules.kind.shifts_traffic:
        wanted["bakeTimeInMinutes"] = rules.bake_min
    if rules.steps and rules.kind is Strategy.CANARY:
        wanted["canaryConfiguration"] = {
            "canaryPercent": rules.steps.percent,
            "canaryBakeTimeInMinutes": rules.steps.bake_min,
        }
    if rules.steps and rules.kind is Strategy.LINEAR:
        wanted["linearConfiguration"] = {
            "stepPercent": rules.steps.percent,
            "stepBakeTimeInMinutes": rules.steps.bake_min,
        }
    if rules.alarms:
        wanted["alarms"] = {"alarmNames": list(rules.alarms), "enable": True, "rollback": True}
    elif had.get("alarms", {}).get("enable"):
        wanted["alarms"] = {"alarmNames": [], "enable": False, "rollback": False}
    hooks = _hooks(rules)
    if hooks or had.get("lifecycleHooks"):
        wanted["lifecycleHooks"] = hooks
    if rules.early_success:
        wanted["earlySuccessCriteria"] = {
            "enable": True,
            "healthyPercent": rules.early_success.healthy_percent,
            "sourceServiceRevisionCleanup": "DEFERRED"
            if rules.early_success.deferred
            else "BLOCKING",
        }
    elif had.get("earlySuccessCriteria", {}).get("enable"):
        wanted["earlySuccessCriteria"] = {"enable": False}
    return wanted


def load_balancers(
    traffic: Traffic | None, live: list[LoadBalancerTypeDef]
) -> list[LoadBalancerTypeDef] | None:
    """Return `loadBalancers` with what shifts traffic; None when nothing has to be sent.

    Only the first one is the service's way in. What the infrastructure has said is left alone
    where the strategy says nothing.
    """
    if traffic is None or not live:
        return None
    wanted = cast("LoadBalancerTypeDef", {**live[0]})
    wanted["advancedConfiguration"] = {
        "alternateTargetGroupArn": traffic.alternate_target_group,
        "productionListenerRule": traffic.production_rule,
        "roleArn": traffic.role,
    }
    if traffic.test_rule:
        wanted["advancedConfiguration"]["testListenerRule"] = traffic.test_rule
    changed = [wanted, *live[1:]]
    return None if changed == live else changed


def _breaker(rules: StrategyRules) -> DeploymentCircuitBreakerTypeDef:
    breaker: DeploymentCircuitBreakerTypeDef = {"enable": True, "rollback": True}
    if rules.breaker:
        breaker["resetOnHealthyTask"] = rules.breaker.reset_on_healthy
        breaker["thresholdConfiguration"] = {
            "type": rules.breaker.threshold.value,
            "value": rules.breaker.value,
        }
    return breaker


def _hooks(rules: StrategyRules) -> list[DeploymentLifecycleHookTypeDef]:
    hooks: list[DeploymentLifecycleHookTypeDef] = [
        {
            "targetType": "AWS_LAMBDA",
            "hookTargetArn": hook.function,
            "roleArn": hook.role,
            "lifecycleStages": _stages(hook.stages),
        }
        for hook in rules.hooks
    ]
    if rules.pause:
        hooks.append(
            {
                "targetType": "PAUSE",
                "lifecycleStages": _stages(rules.pause.stages),
                "timeoutConfiguration": {
                    "timeoutInMinutes": rules.pause.timeout_min,
                    "action": "CONTINUE" if rules.pause.go_on else "ROLLBACK",
                },
            }
        )
    return hooks


def _stages(stages: tuple[str, ...]) -> list[DeploymentLifecycleHookStageType]:
    return [cast("DeploymentLifecycleHookStageType", stage) for stage in stages]
