"""A service as AWS describes it, whole, for `shipway import`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from shipway.adapters.aws.session import Session, answers, code_of
from shipway.errors import WrongUsage
from shipway.model.live import Json, LiveService

if TYPE_CHECKING:  # stubs only; the packages are not installed with Shipway
    from mypy_boto3_ecs.type_defs import ServiceTypeDef

_PASSING = frozenset({"events", "deployments", "taskSets", "currentServiceRevisions"})
"""What changes from minute to minute."""


class AwsLiveServices:
    """`ports.operations.LiveServices` over the ECS and ELBv2 APIs."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def live(self, cluster: str, name: str) -> LiveService:
        """Return a service; see `ports.operations.LiveServices`."""
        ecs = self._session.ecs
        with answers(f"a look at {cluster}/{name}"):
            service = self._service(cluster, name)
            described = ecs.describe_task_definition(
                taskDefinition=service["taskDefinition"], include=["TAGS"]
            )
            health = self._health(service)
        # what Register takes, by its own shape: all else that Describe shows is read-only
        shape = ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape
        known = set(shape.members) if shape else set()
        whole = _plain({**described["taskDefinition"], "tags": described.get("tags", [])})
        on_aws = self._session.endpoints is None
        return LiveService(
            cluster=cluster.rpartition("/")[2],
            name=service.get("serviceName", name),
            region=self._session.region,
            account=service.get("serviceArn", "").split(":")[4] if on_aws else "",
            service={k: v for k, v in _plain({**service}).items() if k not in _PASSING},
            definition={k: v for k, v in whole.items() if k in known},
            health=health,
        )

    def _service(self, cluster: str, name: str) -> ServiceTypeDef:
        try:
            found = self._session.ecs.describe_services(
                cluster=cluster, services=[name], include=["TAGS"]
            )["services"]
        except ClientError as error:
            if code_of(error) != "ClusterNotFoundException":
                raise
            found = []
        if not found or found[0].get("status") == "INACTIVE":
            raise WrongUsage(
                f"there is no ECS service {name!r} in cluster {cluster!r}",
                where=self._session.region,
                hint="`aws ecs list-services` names them; --region says where to look",
            )
        return found[0]

    def _health(self, service: ServiceTypeDef) -> str:
        """Return the path of the health check; empty for one that is no HTTP request."""
        balancers = service.get("loadBalancers") or []
        group = next((b["targetGroupArn"] for b in balancers if b.get("targetGroupArn")), "")
        if not group:
            return ""
        found = self._session.elbv2.describe_target_groups(TargetGroupArns=[group])["TargetGroups"]
        path = found[0].get("HealthCheckPath", "") if found else ""
        return path if path.startswith("/") else ""


def _plain(document: object) -> dict[str, Json]:
    """Return the same as JSON; moments become text."""
    found = json.loads(json.dumps(document, default=str))
    return found if isinstance(found, dict) else {}
