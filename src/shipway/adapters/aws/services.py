"""ECS services, found by the environment that they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from shipway.adapters.aws.session import Session, code_of
from shipway.model.service import Environment

if TYPE_CHECKING:  # stubs only; the packages are not installed with Shipway
    from mypy_boto3_ecs.type_defs import ServiceTypeDef


def find_service(session: Session, environment: Environment) -> ServiceTypeDef | None:
    """Return the service as DescribeServices gives it; None when there is none, or it is gone."""
    try:
        found = session.ecs.describe_services(
            cluster=environment.cluster, services=[environment.ecs_service]
        )["services"]
    except ClientError as error:
        if code_of(error) == "ClusterNotFoundException":
            return None
        raise
    return found[0] if found and found[0].get("status") != "INACTIVE" else None
