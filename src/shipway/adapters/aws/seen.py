"""What ECS answers about a service deployment, as the model has it; it asks nothing itself.

A value that this version does not know (a new stage, a new strategy) reads as absent: a watcher
must not fall over what AWS adds.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from shipway.errors import AwsDidNotAnswer
from shipway.model.observed import (
    Alarms,
    AwaitedHook,
    DeploymentArn,
    DeploymentStatus,
    LifecycleStage,
    Moments,
    ObservedDeployment,
    RevisionCount,
    RolloutKind,
)

if TYPE_CHECKING:  # stubs only; the packages are not installed with Shipway
    from mypy_boto3_ecs.type_defs import (
        ServiceDeploymentTypeDef,
        ServiceRevisionSummaryTypeDef,
    )

Word = TypeVar("Word", bound=Enum)


def deployment_seen(
    found: ServiceDeploymentTypeDef, images: tuple[str, ...] = ()
) -> ObservedDeployment:
    """Return a described service deployment as the model has it.

    Raises:
        AwsDidNotAnswer: its status is none that this version knows.
    """
    status = _word(DeploymentStatus, found.get("status"))
    if status is None:
        raise AwsDidNotAnswer(
            f"ECS calls a deployment {found.get('status')!r}, which this version does not know"
        )
    target = found.get("targetServiceRevision") or {}
    breaker = found.get("deploymentCircuitBreaker") or {}
    sources = found.get("sourceServiceRevisions") or []
    strategy = (found.get("deploymentConfiguration") or {}).get("strategy")
    return ObservedDeployment(
        arn=DeploymentArn(found["serviceDeploymentArn"]),
        status=status,
        reason=found.get("statusReason", ""),
        images=images,
        desired=target.get("requestedTaskCount", 0),
        running=target.get("runningTaskCount", 0),
        failures=breaker.get("failureCount", 0),
        breaker_tripped=breaker.get("status") == "TRIGGERED",
        first=not sources,
        kind=_word(RolloutKind, strategy) or RolloutKind.ROLLING,
        stage=_word(LifecycleStage, found.get("lifecycleStage")),
        target=_revision(target) if target else None,
        sources=tuple(map(_revision, sources)),
        threshold=breaker.get("threshold", 0),
        alarms=_alarms(found),
        hook=_hook(found),
        moments=Moments(
            created=_seconds(found.get("createdAt")),
            started=_seconds(found.get("startedAt")),
            finished=_seconds(found.get("finishedAt")),
        ),
    )


def _revision(found: ServiceRevisionSummaryTypeDef) -> RevisionCount:
    return RevisionCount(
        arn=found.get("arn", ""),
        requested=found.get("requestedTaskCount", 0),
        running=found.get("runningTaskCount", 0),
        pending=found.get("pendingTaskCount", 0),
        weight=found.get("requestedProductionTrafficWeight"),
        test_weight=found.get("requestedTestTrafficWeight"),
    )


def _alarms(found: ServiceDeploymentTypeDef) -> Alarms:
    alarms = found.get("alarms") or {}
    fired = alarms.get("triggeredAlarmNames") or []
    if alarms.get("status") == "TRIGGERED" and not fired:
        fired = alarms.get("alarmNames") or []  # it says that one did, not which
    return Alarms(tuple(alarms.get("alarmNames") or ()), tuple(fired))


def _hook(found: ServiceDeploymentTypeDef) -> AwaitedHook | None:
    """Return the PAUSE hook that waits; Lambda hooks answer by themselves."""
    stage = _word(LifecycleStage, found.get("lifecycleStage"))
    for hook in found.get("lifecycleHookDetails") or ():
        if hook.get("targetType") == "PAUSE" and hook.get("status") == "AWAITING_ACTION":
            return AwaitedHook(
                id=hook.get("hookId", ""),
                stage=stage,
                expires_at=_seconds(hook.get("expiresAt")),
                at_expiry=hook.get("timeoutAction", "ROLLBACK"),
            )
    return None


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _word(words: type[Word], found: str | None) -> Word | None:
    return next((word for word in words if word.value == found), None)
