"""How tasks look on the wire. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.local.ecs.document import present

if TYPE_CHECKING:
    from shipway.local.ecs.document import JsonObject
    from shipway.local.ecs.model import Container, Task
    from shipway.local.ecs.state import State


def shown_task(state: State, task: Task, *, tags: bool = True) -> JsonObject:
    """Return the `Task` structure."""
    definition = state.definitions[task.definition_arn].document
    return present(
        {
            "taskArn": task.arn,
            "clusterArn": task.cluster_arn,
            "taskDefinitionArn": task.definition_arn,
            "group": task.group,
            "lastStatus": task.status.value,
            "desiredStatus": task.desired.value,
            "healthStatus": task.health.value,
            "containers": [_container(task, c) for c in task.containers],
            "attachments": [],
            "attributes": [],
            "availabilityZone": "local",
            "connectivity": "CONNECTED" if task.started_at else None,
            "launchType": task.document.get("launchType", "FARGATE"),
            "platformVersion": task.document.get("platformVersion"),
            "cpu": definition.get("cpu"),
            "memory": definition.get("memory"),
            "overrides": {"containerOverrides": [], **task.overrides},
            "createdAt": task.created_at,
            "startedAt": task.started_at,
            "pullStartedAt": task.pull_started_at,
            "pullStoppedAt": task.pull_stopped_at,
            "stoppingAt": task.stopping_at,
            "stoppedAt": task.stopped_at,
            "executionStoppedAt": task.stopped_at,
            "startedBy": task.started_by,
            "stopCode": task.stop_code,
            "stoppedReason": task.stopped_reason,
            "tags": list(task.tags) if tags else None,
            "version": task.version,
        }
    )


def _container(task: Task, container: Container) -> JsonObject:
    return present(
        {
            "containerArn": container.arn,
            "taskArn": task.arn,
            "name": container.name,
            "image": container.image,
            "imageDigest": container.digest,
            "runtimeId": container.runtime_id,
            "lastStatus": container.status,
            "exitCode": container.exit_code,
            "reason": container.reason,
            "healthStatus": container.health.value,
            "networkBindings": [
                {
                    "bindIP": "127.0.0.1",
                    "containerPort": p.container_port,
                    "hostPort": p.host_port,
                    "protocol": p.protocol,
                }
                for p in container.ports
            ],
            "networkInterfaces": [],
        }
    )
