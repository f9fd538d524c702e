"""What a watcher reads of ECS: many deployments and services at once, and tasks that stopped.

It asks as little as it can: ECS counts requests, and everybody in the account shares the count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypeVar

from shipway.adapters.aws.seen import deployment_seen
from shipway.adapters.aws.session import Session, answers
from shipway.adapters.aws.tasks import scaled_in, stopped, tasks_of
from shipway.errors import AwsDidNotAnswer
from shipway.model.observed import (
    DeploymentArn,
    ObservedDeployment,
    ServiceEvent,
    StoppedTask,
)
from shipway.model.service import Environment

if TYPE_CHECKING:  # stubs only; the packages are not installed with Shipway
    from mypy_boto3_ecs.type_defs import ServiceEventTypeDef, ServiceTypeDef, TaskTypeDef

DEPLOYMENTS_AT_ONCE, SERVICES_AT_ONCE = 20, 10
"""How many ARNs DescribeServiceDeployments takes, and how many names DescribeServices."""

_DAWN = datetime.fromtimestamp(0, tz=timezone.utc)  # noqa: UP017 - reads the same on 3.11

Thing = TypeVar("Thing")


class Watching:
    """The reading part of `ports.Orchestrator`, with what needs to be read only once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._starts: dict[DeploymentArn, tuple[str, datetime]] = {}
        self._ids: dict[tuple[str, str], str] = {}
        self._captured: dict[str, StoppedTask] = {}

    def look(self, arns: Collection[DeploymentArn]) -> Mapping[DeploymentArn, ObservedDeployment]:
        """Return deployments as they are now; those that ECS does not show are left out."""
        found: dict[DeploymentArn, ObservedDeployment] = {}
        with answers("a look at the deployment"):
            for some in _batches(tuple(arns), DEPLOYMENTS_AT_ONCE):
                described = self._session.ecs.describe_service_deployments(
                    serviceDeploymentArns=list(some)
                )
                for one in described["serviceDeployments"]:
                    seen = deployment_seen(one)
                    found[seen.arn] = seen
        return found

    def said(self, environments: Collection[Environment]) -> Mapping[str, tuple[ServiceEvent, ...]]:
        """Return what ECS said of services lately, oldest first, by environment's name."""
        events: dict[str, tuple[ServiceEvent, ...]] = {}
        for cluster in sorted({e.cluster for e in environments}):
            here = tuple(e for e in environments if e.cluster == cluster)
            for some in _batches(here, SERVICES_AT_ONCE):
                with answers(f"a look at the services of {cluster}"):
                    described = self._session.ecs.describe_services(
                        cluster=cluster, services=[e.ecs_service for e in some]
                    )["services"]
                by_name = {service.get("serviceName", ""): service for service in described}
                for environment in some:
                    if environment.ecs_service in by_name:
                        service = by_name[environment.ecs_service]
                        self._learn(service)
                        events[environment.name] = _events(service.get("events") or [])
        return events

    def stopped_tasks(
        self, environment: Environment, deployment: DeploymentArn
    ) -> tuple[StoppedTask, ...]:
        """Return the tasks that this deployment started and that have ended, with last lines.

        They are known by `startedBy`, the id that ECS has for the deployment; where that was not
        learned in time, by task definition and AWS's own time stamps. ECS forgets stopped tasks
        after about an hour, and their lines are read once.
        """
        with answers(f"a look at the stopped tasks of {environment.name}"):
            definition, since = self._start_of(deployment)
            known = self._ids.get((deployment, definition))
            tasks = [
                task
                for task in tasks_of(self._session, environment, "STOPPED")
                if _is_ours(task, known, definition, since) and not scaled_in(task)
            ]
            tasks.sort(key=lambda t: t.get("stoppingAt") or t.get("stoppedAt") or _DAWN)
            for task in tasks:
                if task["taskArn"] not in self._captured:
                    captured = stopped(self._session, environment, task)
                    self._captured[task["taskArn"]] = captured
            return tuple(self._captured[task["taskArn"]] for task in tasks)

    def _learn(self, service: ServiceTypeDef) -> None:
        """Keep the id that tasks of the current deployment carry, while the service shows it.

        A deployment that is rolled back is no longer primary, and then not shown at all.
        """
        current = service.get("currentServiceDeployment", "")
        for one in service.get("deployments") or ():
            if current and one.get("status") == "PRIMARY":
                key = (current, one.get("taskDefinition", ""))
                self._ids.setdefault(key, one.get("id", ""))

    def _start_of(self, deployment: DeploymentArn) -> tuple[str, datetime]:
        """Return a deployment's task definition, and when it began by AWS's clock."""
        if deployment not in self._starts:
            ecs = self._session.ecs
            ours = ecs.describe_service_deployments(serviceDeploymentArns=[deployment])
            if not ours["serviceDeployments"]:
                raise AwsDidNotAnswer(f"ECS does not know {deployment}")
            described = ours["serviceDeployments"][0]
            target = (described.get("targetServiceRevision") or {}).get("arn", "")
            revisions = ecs.describe_service_revisions(serviceRevisionArns=[target])
            definition = revisions["serviceRevisions"][0].get("taskDefinition", "")
            since = described.get("createdAt") or described.get("startedAt") or _DAWN
            self._starts[deployment] = definition, since
        return self._starts[deployment]


def _is_ours(task: TaskTypeDef, known: str | None, definition: str, since: datetime) -> bool:
    if known:
        return task.get("startedBy") == known
    return task.get("taskDefinitionArn") == definition and task.get("createdAt", since) >= since


def _events(found: Sequence[ServiceEventTypeDef]) -> tuple[ServiceEvent, ...]:
    events = [
        ServiceEvent(e.get("id", ""), e.get("createdAt", _DAWN).timestamp(), e.get("message", ""))
        for e in reversed(found)
    ]
    return tuple(sorted(events, key=lambda e: e.at))


def _batches(things: tuple[Thing, ...], size: int) -> Iterator[tuple[Thing, ...]]:
    for start in range(0, len(things), size):
        yield things[start : start + size]
