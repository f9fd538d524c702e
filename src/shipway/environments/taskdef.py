"""Release and environment to the task definition that runs it; pure data."""

from __future__ import annotations

from shipway.model.release import Release
from shipway.model.service import Aws, Environment
from shipway.model.task_definition import TaskDefinition


def task_definition(
    release: Release, environment: Environment, aws: Aws | None = None
) -> TaskDefinition:
    """Return what ECS is to run; the same release and environment always give the same.

    The container is told who it is by four variables, so that `/version` and logs can say it.
    """
    identity = {
        "SHIPWAY_COMMIT": release.commit,
        "SHIPWAY_ENVIRONMENT": environment.name,
        "SHIPWAY_IMAGE_DIGEST": release.digest,
        "SHIPWAY_RELEASE": release.name,
    }
    container = environment.container
    return TaskDefinition(
        family=f"{environment.name}-{environment.ecs_service}",
        container=release.service,
        image=release.image,
        port=container.port,
        cpu=container.cpu,
        memory=container.memory,
        env=tuple(sorted((dict(container.env) | identity).items())),
        secrets=container.secrets,
        log_group=f"/shipway/{environment.name}/{release.service}",
        execution_role=aws.execution_role if aws else None,
        task_role=aws.task_role if aws else None,
    )
