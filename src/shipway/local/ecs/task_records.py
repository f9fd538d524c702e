"""New task records, and what a runtime needs to know of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shipway.local.ecs.model import Container, Service, Task, TaskStatus
from shipway.local.ecs.overrides import overridden
from shipway.local.ecs.ports import TaskSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.local.ecs.document import JsonObject
    from shipway.local.ecs.names import Arns, Ids
    from shipway.local.ecs.state import State


@dataclass(frozen=True, slots=True)
class TaskRecords:
    """Makes task records; its caller holds the engine's lock."""

    state: State
    ids: Ids
    arns: Arns
    now: Callable[[], float]

    def new_task(
        self,
        definition_arn: str,
        cluster_arn: str,
        group: str,
        document: JsonObject,
        overrides: JsonObject | None = None,
    ) -> Task:
        """Return a new task record in PROVISIONING; nothing runs yet."""
        definition = self.state.definitions[definition_arn]
        task_id = self.ids.hex()
        cluster = cluster_arn.rsplit("/", 1)[-1]
        containers = tuple(
            Container(
                name=c["name"],
                arn=self.arns.ecs(f"container/{cluster}/{task_id}/{self.ids.uuid()}"),
                image=c["image"],
                essential=c.get("essential", True),
            )
            for c in definition.containers
        )
        return Task(
            arn=self.arns.ecs(f"task/{cluster}/{task_id}"),
            cluster_arn=cluster_arn,
            definition_arn=definition_arn,
            group=group,
            created_at=self.now(),
            status=TaskStatus.PROVISIONING,
            desired=TaskStatus.RUNNING,
            containers=containers,
            document=document,
            overrides=overrides or {},
        )

    def spec(self, task: Task) -> TaskSpec:
        """Return what a runtime must know to run the task."""
        definition = self.state.definitions[task.definition_arn]
        service = task.group.removeprefix("service:") if task.service_arn else None
        document = overridden(definition.document, task.overrides)
        return TaskSpec(task.arn, definition.family, document, service)

    def propagated(self, service: Service, definition_arn: str) -> tuple[JsonObject, ...]:
        """Return the tags that a service's new task inherits."""
        match service.document.get("propagateTags"):
            case "SERVICE":
                return service.tags
            case "TASK_DEFINITION":
                return self.state.definitions[definition_arn].tags
            case _:
                return ()
