"""Service deployments and service revisions: the history of a service."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shipway.local.ecs.api.desk import Desk, Handler, missing, page
from shipway.local.ecs.api.service_views import (
    brief_service_deployment,
    shown_revision,
    shown_service_deployment,
)
from shipway.local.ecs.deployment import HookAction, ServiceDeployment, Status, StopType
from shipway.local.ecs.hooks import answered
from shipway.local.ecs.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.local.ecs.document import JsonObject


def list_service_deployments(desk: Desk, request: JsonObject) -> JsonObject:
    """List a service's deployments, newest first, by status and time of creation."""
    cluster = desk.cluster(request.get("cluster") or _cluster_in(request["service"]))
    service = desk.service(cluster, request["service"])
    statuses, created = request.get("status"), request.get("createdAt", {})
    after, before = created.get("after", 0), created.get("before", float("inf"))
    found = [
        brief_service_deployment(d)
        for d in reversed(list(desk.state.service_deployments.values()))
        if d.service_arn == service.arn
        and desk.visible(d)
        and (not statuses or d.status.value in statuses)
        and after <= d.created_at <= before
    ]
    chosen, token = page(found, request)
    return {"serviceDeployments": chosen, **token}


def describe_service_deployments(desk: Desk, request: JsonObject) -> JsonObject:
    """Describe deployments by ARN."""
    records = desk.state.service_deployments
    arns = request["serviceDeploymentArns"]
    return {
        "serviceDeployments": [
            shown_service_deployment(desk.state, records[arn])
            for arn in arns
            if desk.visible(records.get(arn))
        ],
        "failures": [missing(arn) for arn in arns if not desk.visible(records.get(arn))],
    }


def describe_service_revisions(desk: Desk, request: JsonObject) -> JsonObject:
    """Describe revisions by ARN."""
    records = desk.state.revisions
    arns = request["serviceRevisionArns"]
    return {
        "serviceRevisions": [
            shown_revision(desk.state, records[arn]) for arn in arns if arn in records
        ],
        "failures": [missing(arn) for arn in arns if arn not in records],
    }


def stop_service_deployment(desk: Desk, request: JsonObject) -> JsonObject:
    """Ask a deployment under way to roll back (the default), or to stop where it is."""
    record = _record(desk, request["serviceDeploymentArn"])
    if record.status not in {Status.PENDING, Status.IN_PROGRESS}:
        raise AwsError(
            "ConflictException",
            f"The service deployment cannot be stopped: it is {record.status}.",
        )
    back = request.get("stopType", StopType.ROLLBACK) == StopType.ROLLBACK
    _ask(
        desk,
        replace(
            record,
            status=Status.ROLLBACK_REQUESTED if back else Status.STOP_REQUESTED,
            reason=f"{'Rollback' if back else 'Stop'} requested by StopServiceDeployment.",
        ),
    )
    return {"serviceDeploymentArn": record.arn}


def continue_service_deployment(desk: Desk, request: JsonObject) -> JsonObject:
    """Answer the hook that a deployment waits for: go on (the default), or roll back."""
    record = _record(desk, request["serviceDeploymentArn"])
    position, hook_id = record.position, request["hookId"]
    waiting = {h.id for h in position.hooks if h.open} if position else set()
    if position is None or record.status is not Status.IN_PROGRESS or hook_id not in waiting:
        raise invalid(f"The service deployment does not wait for the lifecycle hook {hook_id}.")
    answered_position = replace(position, hooks=answered(position.hooks, hook_id))
    if request.get("action", HookAction.CONTINUE) == HookAction.CONTINUE:
        _ask(desk, replace(record, position=answered_position))
    else:
        reason = "Rollback requested by ContinueServiceDeployment."
        _ask(desk, replace(record, status=Status.ROLLBACK_REQUESTED, reason=reason))
    return {"serviceDeploymentArn": record.arn}


def _record(desk: Desk, arn: str) -> ServiceDeployment:
    record = desk.state.service_deployments.get(arn)
    if record is None:
        raise AwsError("ServiceDeploymentNotFoundException", "Service deployment not found.")
    return record


def _ask(desk: Desk, record: ServiceDeployment) -> None:
    desk.state.service_deployments[record.arn] = replace(record, updated_at=desk.now)
    desk.engine.wake.set()


def _cluster_in(service: str) -> str | None:
    """Return the cluster that a service's long ARN names."""
    parts = service.split("/")
    return parts[1] if service.startswith("arn:") and len(parts) > 2 else None  # noqa: PLR2004 - arn:…:service/cluster/name


HANDLERS: Mapping[str, Handler] = {
    "ListServiceDeployments": list_service_deployments,
    "DescribeServiceDeployments": describe_service_deployments,
    "DescribeServiceRevisions": describe_service_revisions,
    "StopServiceDeployment": stop_service_deployment,
    "ContinueServiceDeployment": continue_service_deployment,
}
