"""Release and environment to the task definition that runs it; pure data."""

from __future__ import annotations

from shipway.model.document import Json, JsonObject, merged, parsed
from shipway.model.release import Release
from shipway.model.service import EMBEDDED_REGION, Aws, Environment
from shipway.model.task_definition import TaskDefinition, definition_of

STOP_TIMEOUT_S = 30


def task_definition(
    release: Release, environment: Environment, aws: Aws | None = None
) -> TaskDefinition:
    """Return what ECS is to run; the same release and environment always give the same.

    The container is told who it is by four variables, so that `/version` and logs can say it.
    What `task:` in `shipway.yaml` says is laid over the rest, but never over who it is: image
    and identity are Shipway's.
    """
    whole = merged(_made(release, environment, aws), parsed(environment.task))
    own: JsonObject = {
        "name": release.service,
        "image": release.image,
        "environment": _named(_identity(release, environment), "value"),
    }
    decided: JsonObject = {"family": _family(environment), "containerDefinitions": [own]}
    return definition_of(merged(whole, decided), release.service)


def _made(release: Release, environment: Environment, aws: Aws | None) -> JsonObject:
    """Return one container behind a load balancer, on Fargate."""
    container = environment.container
    own: JsonObject = {
        "name": release.service,
        "essential": True,
        "portMappings": [{"containerPort": container.port, "protocol": "tcp"}],
        "environment": _named(dict(container.env), "value"),
        "secrets": _named(dict(container.secrets), "valueFrom"),
        "stopTimeout": STOP_TIMEOUT_S,
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": f"/shipway/{environment.name}/{release.service}",
                "awslogs-region": aws.region if aws else EMBEDDED_REGION,
                "awslogs-stream-prefix": release.service,
            },
        },
    }
    return {
        "family": _family(environment),
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": str(container.cpu),
        "memory": str(container.memory),
        "executionRoleArn": aws.execution_role if aws else None,
        "taskRoleArn": aws.task_role if aws else None,
        "containerDefinitions": [own],
    }


def _family(environment: Environment) -> str:
    return f"{environment.name}-{environment.ecs_service}"


def _identity(release: Release, environment: Environment) -> dict[str, str]:
    return {
        "SHIPWAY_COMMIT": release.commit,
        "SHIPWAY_ENVIRONMENT": environment.name,
        "SHIPWAY_IMAGE_DIGEST": release.digest,
        "SHIPWAY_RELEASE": release.name,
    }


def _named(values: dict[str, str], field: str) -> list[Json]:
    return [{"name": name, field: value} for name, value in values.items()]
