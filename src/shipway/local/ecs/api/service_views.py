"""How services, their deployments and revisions look on the wire. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.local.ecs.breaker import breaker_of
from shipway.local.ecs.document import pick, present
from shipway.local.ecs.model import (
    Deployment,
    Revision,
    RolloutState,
    Service,
    ServiceDeployment,
    Status,
    Task,
    TaskStatus,
)

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
            _revision_counts(state, service, d.revision_arn) for d in service.deployments
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
    rollback = record.rollback
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
                _revision_counts(state, service, arn) for arn in record.source_revisions
            ],
            "targetServiceRevision": _revision_counts(state, service, record.target_revision),
            "status": record.status.value,
            "statusReason": record.reason,
            "deploymentConfiguration": record.configuration,
            "deploymentCircuitBreaker": _breaker(service, record),
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


def _breaker(service: Service, record: ServiceDeployment) -> JsonObject:
    if not breaker_of(service).enabled:
        status = "DISABLED"
    elif record.triggered:
        status = "TRIGGERED"
    elif record.status in {Status.PENDING, Status.IN_PROGRESS}:
        status = "MONITORING"
    else:
        status = "MONITORING_COMPLETE"
    return {"status": status, "failureCount": record.failures, "threshold": record.threshold}


def _revision_counts(state: State, service: Service, revision_arn: str) -> JsonObject:
    tasks = [t for t in state.tasks_of(service.arn) if t.revision_arn == revision_arn]
    wanted = bool(service.deployments) and service.primary.revision_arn == revision_arn
    return {
        "arn": revision_arn,
        "requestedTaskCount": service.desired if wanted else 0,
        "runningTaskCount": _running(tasks),
        "pendingTaskCount": _pending(tasks),
    }


def _running(tasks: list[Task]) -> int:
    return sum(t.live and t.status is TaskStatus.RUNNING for t in tasks)


def _pending(tasks: list[Task]) -> int:
    return sum(t.live and t.status is not TaskStatus.RUNNING for t in tasks)
