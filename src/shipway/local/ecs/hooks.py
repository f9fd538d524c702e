"""Lifecycle hooks that pause a deployment until somebody answers, or time runs out. Pure.

Follows DeploymentLifecycleHook and ContinueServiceDeployment (ECS API reference). Knows PAUSE
hooks; refuses to know Lambda functions, which this control plane does not run.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from shipway.local.ecs.deployment import Hook, HookAction, HookStatus

if TYPE_CHECKING:
    from shipway.local.ecs.deployment import ServiceDeployment, Stage

PAUSE = "PAUSE"
DEFAULT_TIMEOUT_MIN = 1440
"""ECS waits a day for an answer."""


def hooks_of(current: ServiceDeployment, stage: Stage, step: int, now: float) -> tuple[Hook, ...]:
    """Return the hooks that wait at `stage`, in the order of the configuration; may be empty."""
    found = []
    for number, given in enumerate(current.configuration.get("lifecycleHooks", ())):
        if stage.value not in given.get("lifecycleStages", ()):
            continue
        timeout = given.get("timeoutConfiguration", {})
        minutes = float(timeout.get("timeoutInMinutes", DEFAULT_TIMEOUT_MIN))
        name = f"{current.arn}|{stage.value}|{step}|{number}"
        found.append(
            Hook(
                id=hashlib.sha256(name.encode()).hexdigest()[:32],
                kind=str(given.get("targetType", "AWS_LAMBDA")),
                status=HookStatus.AWAITING_ACTION,
                expires_at=now + minutes * 60,
                timeout_action=HookAction(timeout.get("action", "ROLLBACK")),
            )
        )
    return tuple(found)


def lapsed(hooks: tuple[Hook, ...], now: float) -> tuple[Hook, ...]:
    """Return `hooks`, those nobody answered in time as TIMED_OUT."""
    return tuple(
        replace(hook, status=HookStatus.TIMED_OUT) if hook.open and now >= hook.expires_at else hook
        for hook in hooks
    )


def answered(hooks: tuple[Hook, ...], hook_id: str) -> tuple[Hook, ...]:
    """Return `hooks` with the one of that id as SUCCEEDED."""
    return tuple(
        replace(hook, status=HookStatus.SUCCEEDED) if hook.id == hook_id else hook for hook in hooks
    )
