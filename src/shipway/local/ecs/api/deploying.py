"""How a deployment begins: a new revision, a new record, and the end of the one in flight."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shipway.local.ecs.breaker import breaker_of
from shipway.local.ecs.deployment import (
    Deployment,
    RolloutState,
    ServiceDeployment,
    Status,
    Strategy,
)
from shipway.local.ecs.document import pick
from shipway.local.ecs.model import Revision, Service
from shipway.local.ecs.traffic import resolve
from shipway.local.ecs.wire.errors import invalid

if TYPE_CHECKING:
    from shipway.local.ecs.api.desk import Desk

MOST_ACTIVE = 5
"""So many deployments may have tasks at once (containers-roadmap#2836); ECS refuses a sixth."""
_TOO_MANY = f"{MOST_ACTIVE} active deployments exist, unable to create new deployment."


def deploy(desk: Desk, service: Service) -> Service:
    """Begin a deployment of what the service asks for; one in flight is replaced."""
    if len(service.deployments) >= MOST_ACTIVE:
        raise invalid(_TOO_MANY)
    revision = _new_revision(desk, service)
    _supersede(desk, service)
    name = f"ecs-svc/{desk.ids.digits()}"
    deployment = Deployment(
        id=name,
        revision_arn=revision.arn,
        created_at=desk.now,
        updated_at=desk.now,
        state=RolloutState.IN_PROGRESS,
        reason=f"ECS deployment {name} in progress.",
    )
    record = ServiceDeployment(
        arn=_arn(desk, service, "service-deployment", desk.ids.hex(22)),
        service_arn=service.arn,
        cluster_arn=service.cluster_arn,
        target_revision=revision.arn,
        source_revisions=tuple(dict.fromkeys(d.revision_arn for d in service.deployments)),
        status=Status.PENDING,
        created_at=desk.now,
        updated_at=desk.now,
        configuration=service.configuration,
        deployment_id=deployment.id,
        threshold=breaker_of(service).threshold,
        visible_from=desk.now + desk.faults.hide_deployments_s,
    )
    desk.state.service_deployments[record.arn] = record
    deployed = replace(
        service,
        deployments=(deployment, *service.deployments),
        current=record.arn,
        steady=False,
        failed_in_a_row=0,
        launch_not_before=0.0,
    )
    desk.state.services[service.arn] = deployed
    desk.engine.wake.set()
    return deployed


def _supersede(desk: Desk, service: Service) -> None:
    current = desk.state.service_deployments.get(service.current or "")
    if current is not None and not current.status.final:
        desk.state.service_deployments[current.arn] = replace(
            current,
            status=Status.STOPPED,
            reason="Replaced by a new service deployment.",
            stopped_at=desk.now,
            finished_at=desk.now,
            updated_at=desk.now,
        )


def _new_revision(desk: Desk, service: Service) -> Revision:
    config = pick(service.document, desk.ecs.members("ServiceRevision"))
    stable = desk.state.revisions.get(service.last_completed or "")
    used = frozenset(stable.target_groups if stable else ())
    shifts = service.configuration["strategy"] != Strategy.ROLLING
    revision = Revision(
        arn=_arn(desk, service, "service-revision", desk.ids.digits()),
        service_arn=service.arn,
        cluster_arn=service.cluster_arn,
        created_at=desk.now,
        config=config,
        resolved=tuple(
            resolve(balanced, used, shifts=shifts) for balanced in config.get("loadBalancers", ())
        ),
    )
    desk.state.revisions[revision.arn] = revision
    return revision


def _arn(desk: Desk, service: Service, kind: str, name: str) -> str:
    path = service.arn.rsplit("service/", 1)[-1]
    return desk.arns.ecs(f"{kind}/{path}/{name}")
