"""All records of one control plane, in tables that know whether they changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from shipway.local.ecs.balancing import Listener, LoadBalancer, Rule, Target, TargetGroup
from shipway.local.ecs.deployment import ServiceDeployment
from shipway.local.ecs.model import (
    Alarm,
    Cluster,
    Revision,
    Service,
    Task,
    TaskDefinition,
)

R = TypeVar("R")


class Records(dict[str, R]):
    """Frozen records by key; `changes` grows with each real change, so saving can be skipped."""

    changes = 0

    def __setitem__(self, key: str, record: R) -> None:
        """Keep `record`; an equal one is no change."""
        if self.get(key) != record:
            self.changes += 1
            super().__setitem__(key, record)

    def __delitem__(self, key: str) -> None:
        """Drop the record."""
        self.changes += 1
        super().__delitem__(key)


@dataclass(slots=True)
class State:
    """The tables. Only the holder of the engine's lock may touch them.

    Keys: clusters and alarms by name; families (latest revision number) by family; client tokens
    by token; everything else by ARN, targets by `Target.key`.
    """

    clusters: Records[Cluster] = field(default_factory=Records)
    definitions: Records[TaskDefinition] = field(default_factory=Records)
    families: Records[int] = field(default_factory=Records)
    services: Records[Service] = field(default_factory=Records)
    revisions: Records[Revision] = field(default_factory=Records)
    service_deployments: Records[ServiceDeployment] = field(default_factory=Records)
    tasks: Records[Task] = field(default_factory=Records)
    client_tokens: Records[tuple[str, ...]] = field(default_factory=Records)
    alarms: Records[Alarm] = field(default_factory=Records)
    load_balancers: Records[LoadBalancer] = field(default_factory=Records)
    target_groups: Records[TargetGroup] = field(default_factory=Records)
    listeners: Records[Listener] = field(default_factory=Records)
    rules: Records[Rule] = field(default_factory=Records)
    targets: Records[Target] = field(default_factory=Records)

    @property
    def changes(self) -> int:
        """A number that grows with each change of any table."""
        return sum(
            table.changes
            for table in (
                self.clusters,
                self.definitions,
                self.families,
                self.services,
                self.revisions,
                self.service_deployments,
                self.tasks,
                self.client_tokens,
                self.alarms,
                self.load_balancers,
                self.target_groups,
                self.listeners,
                self.rules,
                self.targets,
            )
        )

    def tasks_of(self, service_arn: str) -> list[Task]:
        """Return the service's tasks, oldest first, stopped ones included."""
        return [task for task in self.tasks.values() if task.service_arn == service_arn]
