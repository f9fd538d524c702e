"""What stands between a person and a shell in a running container: pure rules.

Source: Amazon ECS Developer Guide, "Monitor Amazon ECS containers with ECS Exec", prerequisites.
"""

from __future__ import annotations

from shipway.model.lazy import dataclass
from shipway.model.operations import ExecPlace

PLUGIN = "session-manager-plugin"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What is missing, and what to do about it."""

    what: str
    fix: str


UNPROVEN = (
    "the task role must allow ssmmessages:CreateControlChannel, CreateDataChannel, "
    "OpenControlChannel and OpenDataChannel; this cannot be proven from here"
)


def obstacles(place: ExecPlace, *, plugin: bool) -> tuple[Obstacle, ...]:
    """Return all that is known to be missing, in the order in which to mend it; often empty."""
    found = []
    if not place.service_enabled:
        found.append(
            Obstacle(
                "ECS Exec is off for the service (enableExecuteCommand)",
                "aws ecs update-service --enable-execute-command --force-new-deployment",
            )
        )
    elif not place.task.exec_enabled:
        found.append(
            Obstacle(
                f"task {place.task.id} started before ECS Exec was turned on",
                "deploy again, or name a newer task with --task",
            )
        )
    elif place.container.agent != "RUNNING":
        state = place.container.agent or "absent"
        found.append(Obstacle(f"the agent for ECS Exec in the container is {state}", UNPROVEN))
    if not place.task_role:
        found.append(Obstacle("the task definition has no task role", f"give it one: {UNPROVEN}"))
    if place.read_only:
        found.append(
            Obstacle(
                "the container's root file system is read-only",
                "the agent for ECS Exec must write: set readonlyRootFilesystem to false",
            )
        )
    if place.container.status != "RUNNING":
        found.append(Obstacle(f"the container is {place.container.status}", "name another task"))
    if not plugin:
        found.append(
            Obstacle(f"{PLUGIN} is not on the PATH", "install the Session Manager plugin of AWS")
        )
    return tuple(found)
