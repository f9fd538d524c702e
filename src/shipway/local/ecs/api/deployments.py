"""Service deployments and service revisions: the history of a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.local.ecs.api.desk import Desk, Handler, missing, page
from shipway.local.ecs.api.service_views import (
    brief_service_deployment,
    shown_revision,
    shown_service_deployment,
)

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
            shown_service_deployment(desk.state, records[arn]) for arn in arns if arn in records
        ],
        "failures": [missing(arn) for arn in arns if arn not in records],
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


def _cluster_in(service: str) -> str | None:
    """Return the cluster that a service's long ARN names."""
    parts = service.split("/")
    return parts[1] if service.startswith("arn:") and len(parts) > 2 else None  # noqa: PLR2004 - arn:…:service/cluster/name


HANDLERS: Mapping[str, Handler] = {
    "ListServiceDeployments": list_service_deployments,
    "DescribeServiceDeployments": describe_service_deployments,
    "DescribeServiceRevisions": describe_service_revisions,
}
