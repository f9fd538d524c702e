"""What every handler gets, and the look-ups they share."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from shipway.local.ecs.document import JsonObject
from shipway.local.ecs.wire.errors import AwsError, client_error, invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipway.local.ecs.deployment import ServiceDeployment
    from shipway.local.ecs.engine import Engine
    from shipway.local.ecs.faults import Faults
    from shipway.local.ecs.model import Cluster, Service, TaskDefinition
    from shipway.local.ecs.names import Arns, Ids
    from shipway.local.ecs.state import State
    from shipway.local.ecs.wire.shapes import Shapes

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """The engine and the shapes, as a handler sees them; the engine's lock is held."""

    engine: Engine
    ecs: Shapes
    cloudwatch: Shapes
    faults: Faults

    @property
    def state(self) -> State:
        """The records."""
        return self.engine.state

    @property
    def ids(self) -> Ids:
        """The source of ids."""
        return self.engine.ids

    @property
    def arns(self) -> Arns:
        """The maker of ARNs."""
        return self.engine.arns

    @property
    def now(self) -> float:
        """The clock's time."""
        return self.engine.now

    def visible(self, record: ServiceDeployment | None) -> bool:
        """Return whether clients can see a service deployment already."""
        return record is not None and self.now >= record.visible_from

    def cluster(self, name_or_arn: str | None) -> Cluster:
        """Return an active cluster; raise ClusterNotFoundException."""
        name = (name_or_arn or "default").rsplit("/", 1)[-1]
        cluster = self.state.clusters.get(name)
        if cluster is None or cluster.status != "ACTIVE":
            raise AwsError("ClusterNotFoundException", "Cluster not found.")
        return cluster

    def find_service(self, cluster: Cluster, name_or_arn: str) -> Service | None:
        """Return the service of that name in `cluster`, deleted ones included."""
        name = name_or_arn.rsplit("/", 1)[-1]
        return self.state.services.get(self.arns.ecs(f"service/{cluster.name}/{name}"))

    def service(self, cluster: Cluster, name_or_arn: str) -> Service:
        """Return an active service; raise ServiceNotFound or ServiceNotActive."""
        service = self.find_service(cluster, name_or_arn)
        if service is None:
            raise AwsError("ServiceNotFoundException", "Service not found.")
        if service.status != "ACTIVE":
            raise AwsError("ServiceNotActiveException", "Service was not ACTIVE.")
        return service

    def find_definition(self, name: str) -> TaskDefinition | None:
        """Return the task definition by ARN, `family:revision`, or family (latest ACTIVE)."""
        tail = name.rsplit("task-definition/", 1)[-1]
        family, _, number = tail.partition(":")
        if number:
            return self.state.definitions.get(self.arns.ecs(f"task-definition/{tail}"))
        active = [
            d
            for d in self.state.definitions.values()
            if d.family == family and d.status == "ACTIVE"
        ]
        return max(active, key=lambda d: d.revision, default=None)

    def usable_definition(self, name: str) -> TaskDefinition:
        """Return an ACTIVE task definition; raise ClientException."""
        found = self.find_definition(name)
        if found is None:
            raise client_error("Unable to describe task definition.")
        if found.status != "ACTIVE":
            raise client_error("TaskDefinition is inactive")
        return found


Handler: TypeAlias = Callable[[Desk, JsonObject], JsonObject]


def page(items: Sequence[T], request: JsonObject, most: int = 100) -> tuple[list[T], JsonObject]:
    """Return one page and the `nextToken` part of the reply (empty on the last page)."""
    start = _offset(request.get("nextToken"))
    size = min(int(request.get("maxResults") or most), most)
    if size < 1:
        raise invalid("maxResults must be at least 1.")
    more = start + size < len(items)
    token = base64.urlsafe_b64encode(f"from:{start + size}".encode()).decode()
    return list(items[start : start + size]), {"nextToken": token} if more else {}


def _offset(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("from:"))
    except (ValueError, binascii.Error):
        raise invalid("Invalid token in request") from None


def missing(arn: str) -> JsonObject:
    """Return a `failures` entry."""
    return {"arn": arn, "reason": "MISSING"}
