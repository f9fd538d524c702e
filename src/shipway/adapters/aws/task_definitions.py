"""Our TaskDefinition to the shape of the ECS API and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.model.task_definition import TaskDefinition, fields

if TYPE_CHECKING:  # stubs only; the packages are not installed with Shipway
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import (
        ContainerDefinitionOutputTypeDef,
        ContainerDefinitionUnionTypeDef,
        RegisterTaskDefinitionRequestTypeDef,
        TaskDefinitionTypeDef,
    )

STOP_TIMEOUT_S = 30
_SAME_WITHIN = 5
"""How many of the newest revisions are compared before a new one is registered."""


def ensure_registered(
    ecs: ECSClient, definition: TaskDefinition, tags: tuple[tuple[str, str], ...], region: str
) -> str:
    """Return the ARN of a revision with this content, registering one only if there is none."""
    arns = ecs.list_task_definitions(
        familyPrefix=definition.family, status="ACTIVE", sort="DESC", maxResults=_SAME_WITHIN
    )["taskDefinitionArns"]
    for arn in arns:
        found = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        same = fields(from_api(found)) == fields(definition)
        if same and found.get("family") == definition.family:
            return arn
    request = to_api(definition, region)
    request["tags"] = [{"key": key, "value": value} for key, value in tags]
    return ecs.register_task_definition(**request)["taskDefinition"]["taskDefinitionArn"]


def to_api(definition: TaskDefinition, region: str) -> RegisterTaskDefinitionRequestTypeDef:
    """Write a definition as `RegisterTaskDefinition` takes it; absent roles are left out."""
    container: ContainerDefinitionUnionTypeDef = {
        "name": definition.container,
        "image": definition.image,
        "essential": True,
        "portMappings": [{"containerPort": definition.port, "protocol": "tcp"}],
        "environment": [{"name": name, "value": value} for name, value in definition.env],
        "secrets": [{"name": name, "valueFrom": ref} for name, ref in definition.secrets],
        "stopTimeout": STOP_TIMEOUT_S,
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": definition.log_group,
                "awslogs-region": region,
                "awslogs-stream-prefix": definition.container,
            },
        },
    }
    request: RegisterTaskDefinitionRequestTypeDef = {
        "family": definition.family,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": str(definition.cpu),
        "memory": str(definition.memory),
        "containerDefinitions": [container],
    }
    if definition.execution_role:
        request["executionRoleArn"] = definition.execution_role
    if definition.task_role:
        request["taskRoleArn"] = definition.task_role
    return request


def from_api(found: TaskDefinitionTypeDef) -> TaskDefinition:
    """Read the part of a described definition that Shipway decides."""
    containers = found.get("containerDefinitions") or []
    main = containers[0] if containers else _NO_CONTAINER
    ports = main.get("portMappings") or []
    log = main.get("logConfiguration")
    options = log.get("options", {}) if log else {}
    return TaskDefinition(
        family=found.get("family", ""),
        container=main.get("name", ""),
        image=main.get("image", ""),
        port=ports[0].get("containerPort", 0) if ports else 0,
        cpu=int(found.get("cpu") or 0),
        memory=int(found.get("memory") or 0),
        env=tuple(
            sorted((e.get("name", ""), e.get("value", "")) for e in main.get("environment") or [])
        ),
        secrets=tuple(sorted((s["name"], s["valueFrom"]) for s in main.get("secrets") or [])),
        log_group=options.get("awslogs-group", ""),
        execution_role=found.get("executionRoleArn"),
        task_role=found.get("taskRoleArn"),
    )


_NO_CONTAINER: ContainerDefinitionOutputTypeDef = {}
