"""What people ask about a service that runs: its tasks, ECS's own words, and its output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from shipway.adapters.aws.exec_sessions import exec_place, open_session
from shipway.adapters.aws.session import Session, answers, code_of
from shipway.errors import WrongUsage
from shipway.model.operations import (
    ContainerState,
    ExecPlace,
    ExecSession,
    LogEvent,
    LogPlace,
    ServiceEvent,
    TaskState,
)
from shipway.model.release import Digest
from shipway.model.service import Environment

if TYPE_CHECKING:  # stubs only; the packages are not installed with Shipway
    from datetime import datetime

    from mypy_boto3_ecs.literals import DesiredStatusType
    from mypy_boto3_ecs.type_defs import ContainerTypeDef, ServiceTypeDef, TaskTypeDef
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import FilterLogEventsRequestTypeDef

_MOST_DESCRIBED = 100  # tasks in one DescribeTasks; ListTasks gives pages of as many
_MOST_EVENTS = 10_000  # in one reply of FilterLogEvents
_NO_SERVICE = frozenset({"ClusterNotFoundException", "ServiceNotFoundException"})


class EcsOperations:
    """`ports.Operations` over the ECS and CloudWatch Logs APIs."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._regions: dict[str, Session] = {}

    def tasks(self, environment: Environment) -> tuple[TaskState, ...]:
        """Return all tasks, running and stopped; pages of a hundred, however many."""
        found: dict[str, TaskState] = {}
        with answers(f"a look at the tasks of {environment.name}"):
            try:
                wanted: tuple[DesiredStatusType, ...] = ("RUNNING", "STOPPED")
                for desired in wanted:
                    # a task that stops between the two looks is in both: the later look counts
                    found |= {
                        task["taskArn"]: state_of(task) for task in self._of(environment, desired)
                    }
            except ClientError as error:
                if code_of(error) in _NO_SERVICE:
                    raise _missing(environment) from error
                raise
        return tuple(found.values())

    def _of(self, environment: Environment, desired: DesiredStatusType) -> Iterator[TaskTypeDef]:
        pages = self._session.ecs.get_paginator("list_tasks").paginate(
            cluster=environment.cluster,
            serviceName=environment.ecs_service,
            desiredStatus=desired,
            PaginationConfig={"PageSize": _MOST_DESCRIBED},
        )
        for page in pages:
            if page["taskArns"]:
                yield from self._session.ecs.describe_tasks(
                    cluster=environment.cluster, tasks=page["taskArns"]
                )["tasks"]

    def events(self, environment: Environment) -> tuple[ServiceEvent, ...]:
        """Return what ECS said about the service, newest first."""
        said = self._service(environment).get("events") or []
        return tuple(
            ServiceEvent(e.get("id", ""), _seconds(e.get("createdAt")) or 0.0, e.get("message", ""))
            for e in said
        )

    def definition(self, environment: Environment) -> str:
        """Return the ARN of the task definition that the service wants to run."""
        return self._service(environment).get("taskDefinition", "")

    def _service(self, environment: Environment) -> ServiceTypeDef:
        with answers(f"a look at {environment.name}"):
            try:
                found = self._session.ecs.describe_services(
                    cluster=environment.cluster, services=[environment.ecs_service]
                )["services"]
            except ClientError as error:
                if code_of(error) in _NO_SERVICE:
                    raise _missing(environment) from error
                raise
        if not found or found[0].get("status") == "INACTIVE":
            raise _missing(environment)
        return found[0]

    def log_places(self, definition: str) -> tuple[LogPlace, ...]:
        """Return where each container of a task definition logs to."""
        with answers(f"a look at {definition.rpartition('/')[2]}"):
            found = self._session.ecs.describe_task_definition(taskDefinition=definition)
        places = []
        for container in found["taskDefinition"].get("containerDefinitions") or []:
            log = container.get("logConfiguration")
            options = (log.get("options") or {}) if log else {}
            driver = str(log["logDriver"]) if log else ""
            ours = options if driver == "awslogs" else {}
            places.append(
                LogPlace(
                    container=container.get("name", ""),
                    driver=driver,
                    group=ours.get("awslogs-group", ""),
                    region=ours.get("awslogs-region", ""),
                    prefix=ours.get("awslogs-stream-prefix", ""),
                )
            )
        return tuple(places)

    def log_events(
        self, place: LogPlace, stream: str, *, since_ms: int, text: str
    ) -> tuple[LogEvent, ...]:
        """Return every event since then, page by page; see `ports.Operations`.

        A full page without a token is followed by one from its last moment on: there is no other
        way to get at what it left out.
        """
        request: FilterLogEventsRequestTypeDef = {
            "logGroupName": place.group,
            "startTime": since_ms,
            "limit": _MOST_EVENTS,
        }
        if stream:
            request["logStreamNamePrefix"] = stream
        if text:
            request["filterPattern"] = pattern(text)
        found: dict[str, LogEvent] = {}
        with answers(f"a look at the log group {place.group}"):
            while True:
                page = self._filtered(place, request)
                fresh = [e for e in page[0] if e.id not in found]
                found |= {e.id: e for e in fresh}
                if page[1]:
                    request["nextToken"] = page[1]
                elif len(page[0]) == _MOST_EVENTS and fresh:
                    request["startTime"] = page[0][-1].at_ms
                    request.pop("nextToken", None)
                else:
                    break
        kept = (e for e in found.values() if e.stream.startswith(stream) and text in e.text)
        return tuple(sorted(kept, key=lambda e: e.at_ms))

    def _logs(self, place: LogPlace) -> CloudWatchLogsClient:
        """Return the client for the region that the log driver writes to."""
        session = self._session
        if session.endpoints is None and place.region not in {"", session.region}:
            session = self._regions.setdefault(place.region, Session(place.region, None))
        return session.logs

    def _filtered(
        self, place: LogPlace, request: FilterLogEventsRequestTypeDef
    ) -> tuple[list[LogEvent], str]:
        try:
            page = self._logs(place).filter_log_events(**request)
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":  # nothing was written yet
                return [], ""
            raise
        events = [
            LogEvent(
                id=e.get("eventId", ""),
                at_ms=e.get("timestamp", 0),
                stream=e.get("logStreamName", ""),
                text=e.get("message", "").rstrip("\r\n"),
            )
            for e in page.get("events") or []
        ]
        return events, page.get("nextToken", "")

    def exec_place(self, environment: Environment, task: TaskState, container: str) -> ExecPlace:
        """Return what ECS Exec needs to know of a task's container."""
        enabled = self._service(environment).get("enableExecuteCommand", False)
        return exec_place(self._session, environment, task, container, enabled=enabled)

    def open_session(self, place: ExecPlace, command: str) -> ExecSession:
        """Ask ECS to run a command in a container."""
        return open_session(self._session, place, command)

    def last_lines(self, place: LogPlace, task_id: str, count: int) -> tuple[str, ...]:
        """Return the last lines of a task; a log that cannot be had is no reason to fail."""
        if not place.prefix:
            return ()
        with suppress(ClientError, BotoCoreError):
            found = self._logs(place).get_log_events(
                logGroupName=place.group,
                logStreamName=place.stream(task_id),
                limit=count,
                startFromHead=False,
            )
            return tuple(e.get("message", "").rstrip() for e in found["events"])
        return ()


def pattern(text: str) -> str:
    r"""Return the filter pattern that finds exactly a text: quoted, its quotes and `\` escaped.

    Source: CloudWatch Logs User Guide, filter pattern syntax for unstructured log events.
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def state_of(task: TaskTypeDef) -> TaskState:
    """Read one described task."""
    details = {
        d.get("name", ""): d.get("value", "")
        for attachment in task.get("attachments") or []
        for d in attachment.get("details") or []
    }
    return TaskState(
        arn=task["taskArn"],
        status=task.get("lastStatus", ""),
        desired=task.get("desiredStatus", ""),
        definition=task.get("taskDefinitionArn", ""),
        health=task.get("healthStatus", "UNKNOWN"),
        created_at=_seconds(task.get("createdAt")),
        started_at=_seconds(task.get("startedAt")),
        stopped_at=_seconds(task.get("stoppedAt")),
        stop_code=task.get("stopCode", ""),
        reason=task.get("stoppedReason", ""),
        ip=details.get("privateIPv4Address", ""),
        zone=task.get("availabilityZone", ""),
        exec_enabled=task.get("enableExecuteCommand", False),
        containers=tuple(_container(c) for c in task.get("containers") or []),
    )


def _container(found: ContainerTypeDef) -> ContainerState:
    digest = found.get("imageDigest")
    agents = {a.get("name"): a.get("lastStatus", "") for a in found.get("managedAgents") or []}
    bound = next(iter(found.get("networkBindings") or []), None)
    inside = next(iter(found.get("networkInterfaces") or []), None)
    at = f"{bound.get('bindIP', '')}:{bound.get('hostPort', '')}" if bound else ""
    return ContainerState(
        name=found.get("name", ""),
        image=found.get("image", ""),
        status=found.get("lastStatus", ""),
        digest=Digest(digest) if digest else None,
        health=found.get("healthStatus", "UNKNOWN"),
        exit_code=found.get("exitCode"),
        reason=found.get("reason", ""),
        runtime_id=found.get("runtimeId", ""),
        agent=agents.get("ExecuteCommandAgent", ""),
        at=at or (inside.get("privateIpv4Address", "") if inside else ""),
    )


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _missing(environment: Environment) -> WrongUsage:
    return WrongUsage(
        f"there is no ECS service {environment.ecs_service!r} in cluster {environment.cluster!r}",
        where=environment.name,
        hint="deploy first; `cluster:` and `service:` in shipway.yaml say where it is looked for",
    )
