"""How services, their deployments and revisions look on the wire. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.local.ecs.alarms import alarm_names
from shipway.local.ecs.breaker import breaker_of
from shipway.local.ecs.deployment import (
    Deployment,
    Hook,
    RolloutState,
    ServiceDeployment,
    Status,
)
from shipway.local.ecs.document import pick, present
from shipway.local.ecs.model import Revision, Service, Task, TaskStatus
from shipway.local.ecs.shifting import wanted_tasks

if TYPE_CHECKING:
    from shipway.local.ecs.document import JsonObject
    from shipway.local.ecs.state import State

_SHARED = (
    "capacityProviderStrategy",
    "launchType",
    "platformVersion",
    "networkConfiguration",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
)


def shown_service(state: State, service: Service, *, tags: bool) -> JsonObject:
    """Return the `Service` structure."""
    tasks = state.tasks_of(service.arn)
    document = {k: v for k, v in service.document.items() if k != "tags"}
    lists: JsonObject = {
        "loadBalancers": [],
        "serviceRegistries": [],
        "placementConstraints": [],
        "placementStrategy": [],
    }
    current = state.service_deployments.get(service.current or "")
    shown = {
        **lists,
        **document,
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": service.cluster_arn,
        "status": service.status,
        "desiredCount": service.desired,
        "runningCount": _running(tasks),
        "pendingCount": _pending(tasks),
        "deploymentConfiguration": service.configuration,
        "deploymentController": {"type": "ECS"},
        "schedulingStrategy": "REPLICA",
        "deployments": [
            _deployment(state, service, deployment, tasks, primary=number == 0)
            for number, deployment in enumerate(service.deployments)
        ],
        "events": [
            {"id": e.id, "createdAt": e.created_at, "message": e.message} for e in service.events
        ],
        "createdAt": service.created_at,
        "currentServiceRevisions": [
            _revision_counts(state, service, d.revision_arn, None) for d in service.deployments
        ],
        "currentServiceDeployment": current.arn if current else None,
        "tags": list(service.tags) if tags else None,
    }
    return present(shown)


def _deployment(
    state: State, service: Service, deployment: Deployment, tasks: list[Task], *, primary: bool
) -> JsonObject:
    own = [t for t in tasks if t.started_by == deployment.id]
    revision = state.revisions[deployment.revision_arn]
    failed = deployment.state is RolloutState.FAILED
    return {
        **pick(revision.config, _SHARED),
        "id": deployment.id,
        "status": "PRIMARY" if primary else "ACTIVE",
        "taskDefinition": revision.task_definition,
        "desiredCount": service.desired if primary and not failed else 0,
        "pendingCount": _pending(own),
        "runningCount": _running(own),
        "failedTasks": deployment.failed_tasks,
        "createdAt": deployment.created_at,
        "updatedAt": deployment.updated_at,
        "rolloutState": deployment.state.value,
        "rolloutStateReason": deployment.reason,
    }


def shown_service_deployment(state: State, record: ServiceDeployment) -> JsonObject:
    """Return the `ServiceDeployment` structure."""
    service = state.services[record.service_arn]
    rollback, position = record.rollback, record.position
    return present(
        {
            "serviceDeploymentArn": record.arn,
            "serviceArn": record.service_arn,
            "clusterArn": record.cluster_arn,
            "createdAt": record.created_at,
            "startedAt": record.started_at,
            "finishedAt": record.finished_at,
            "stoppedAt": record.stopped_at,
            "updatedAt": record.updated_at,
            "sourceServiceRevisions": [
                _revision_counts(state, service, arn, record) for arn in record.source_revisions
            ],
            "targetServiceRevision": _revision_counts(
                state, service, record.target_revision, record
            ),
            "status": record.status.value,
            "statusReason": record.reason,
            "deploymentConfiguration": record.configuration,
            "lifecycleStage": position.shown.value if position else None,
            "lifecycleHookDetails": [_hook(h) for h in position.hooks] if position else None,
            "deploymentCircuitBreaker": _breaker(service, record),
            "alarms": _alarms(record),
            "rollback": present(
                {
                    "reason": rollback.reason,
                    "startedAt": rollback.started_at,
                    "serviceRevisionArn": rollback.revision_arn,
                }
            )
            if rollback
            else None,
        }
    )


def brief_service_deployment(record: ServiceDeployment) -> JsonObject:
    """Return the `ServiceDeploymentBrief` structure."""
    return present(
        {
            "serviceDeploymentArn": record.arn,
            "serviceArn": record.service_arn,
            "clusterArn": record.cluster_arn,
            "startedAt": record.started_at,
            "createdAt": record.created_at,
            "finishedAt": record.finished_at,
            "targetServiceRevisionArn": record.target_revision,
            "status": record.status.value,
            "statusReason": record.reason,
        }
    )


def shown_revision(state: State, revision: Revision) -> JsonObject:
    """Return the `ServiceRevision` structure; images carry the digests that its tasks run."""
    definition = state.definitions[revision.task_definition]
    digests = {
        container.name: container.digest
        for task in state.tasks.values()
        if task.revision_arn == revision.arn
        for container in task.containers
        if container.digest
    }
    return {
        **revision.config,
        "serviceRevisionArn": revision.arn,
        "serviceArn": revision.service_arn,
        "clusterArn": revision.cluster_arn,
        "createdAt": revision.created_at,
        "resolvedConfiguration": {"loadBalancers": list(revision.resolved)},
        "containerImages": [
            present(
                {
                    "containerName": c["name"],
                    "image": c["image"],
                    "imageDigest": digests.get(c["name"]),
                }
            )
            for c in definition.containers
        ],
    }


def _hook(hook: Hook) -> JsonObject:
    return {
        "hookId": hook.id,
        "targetType": hook.kind,
        "status": hook.status.value,
        "expiresAt": hook.expires_at,
        "timeoutAction": hook.timeout_action.value,
    }


def _breaker(service: Service, record: ServiceDeployment) -> JsonObject:
    return {
        "status": _monitoring(
            record, enabled=breaker_of(service).enabled, triggered=record.triggered
        ),
        "failureCount": record.failures,
        "threshold": record.threshold,
    }


def _alarms(record: ServiceDeployment) -> JsonObject:
    names = alarm_names(record)
    triggered = record.triggered_alarms
    return {
        "status": _monitoring(record, enabled=bool(names), triggered=bool(triggered)),
        "alarmNames": list(names),
        "triggeredAlarmNames": list(triggered),
    }


def _monitoring(record: ServiceDeployment, *, enabled: bool, triggered: bool) -> str:
    """Return a ServiceDeploymentRollbackMonitorsStatus."""
    if not enabled:
        return "DISABLED"
    if triggered:
        return "TRIGGERED"
    watching = record.status in {Status.PENDING, Status.IN_PROGRESS}
    return "MONITORING" if watching else "MONITORING_COMPLETE"


def _revision_counts(
    state: State, service: Service, revision_arn: str, record: ServiceDeployment | None
) -> JsonObject:
    """Return the `ServiceRevisionSummary` of a record, with weights where it shifts traffic.

    Without a record: the ServiceCurrentRevisionSummary, which has none.
    """
    tasks = [t for t in state.tasks_of(service.arn) if t.revision_arn == revision_arn]
    wanted = {service.primary.id: service.desired} if service.deployments else {}
    current = state.service_deployments.get(service.current or "")
    if current is not None and current.position is not None and not current.status.final:
        wanted = dict(wanted_tasks(service, current))
    return {
        "arn": revision_arn,
        "requestedTaskCount": sum(
            wanted.get(d.id, 0) for d in service.deployments if d.revision_arn == revision_arn
        ),
        "runningTaskCount": _running(tasks),
        "pendingTaskCount": _pending(tasks),
        **(_weights(record, revision_arn) if record else {}),
    }


def _weights(record: ServiceDeployment, revision_arn: str) -> JsonObject:
    position = record.position
    if position is None:
        return {}
    production, test = position.production, position.test
    if revision_arn == position.stable:
        production, test = 100.0 - production, 100.0 - test
    elif revision_arn != record.target_revision:
        production = test = 0.0
    return {"requestedProductionTrafficWeight": production, "requestedTestTrafficWeight": test}


def _running(tasks: list[Task]) -> int:
    return sum(t.live and t.status is TaskStatus.RUNNING for t in tasks)


def _pending(tasks: list[Task]) -> int:
    return sum(t.live and t.status is not TaskStatus.RUNNING for t in tasks)
