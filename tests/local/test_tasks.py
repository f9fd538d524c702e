"""The control plane inside a running instance: real tasks, with ministack's secrets and logs."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from shipway.local.processes import run, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_ecs.client import ECSClient

    from shipway.local.instance import Instance
    from tests.local.conftest import Local

BUSYBOX = Path("/bin/busybox")
GROUP = "/ecs/sender"


def session(where: Instance) -> boto3.Session:
    """Return a session with the credentials that name the instance's account."""
    return boto3.Session(
        aws_access_key_id=where.account,
        aws_secret_access_key="local",  # noqa: S106 -- nobody checks it
        region_name=where.region,
    )


def ecs(where: Instance) -> ECSClient:
    """Return a client of the instance's control plane."""
    return session(where).client("ecs", endpoint_url=where.ecs)


@pytest.fixture
def image(local: Local, tmp_path: Path) -> Iterator[str]:
    """An image in the registry of an instance that is up, named as ECR names it."""
    where = local.up()
    session(where).client("ecr", endpoint_url=where.aws).create_repository(repositoryName="tiny")
    archive = tmp_path / "image.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(BUSYBOX, "busybox")
    tag = f"{where.registry}/tiny:1"
    run(["docker", "import", str(archive), tag], timeout_s=60)
    assert run(["docker", "push", tag], timeout_s=60).status == 0
    yield f"{where.account}.dkr.ecr.{where.region}.amazonaws.com/tiny:1"
    local.call("down")
    run(["docker", "rmi", "-f", tag], timeout_s=60)


def create_service(where: Instance, image: str, secret_arn: str) -> None:
    """Start a service whose one task says its secret and lives on."""
    client = ecs(where)
    client.create_cluster(clusterName="preprod")
    log = {"awslogs-group": GROUP, "awslogs-region": where.region, "awslogs-stream-prefix": "app"}
    client.register_task_definition(
        family="sender",
        containerDefinitions=[
            {
                "name": "app",
                "image": image,
                "memory": 64,
                "command": [
                    "/busybox",
                    "sh",
                    "-c",
                    'echo "secret: $PASSWORD"; exec /busybox sleep 600',
                ],
                "secrets": [{"name": "PASSWORD", "valueFrom": secret_arn}],
                "logConfiguration": {"logDriver": "awslogs", "options": log},
                "stopTimeout": 2,
            }
        ],
    )
    client.create_service(
        cluster="preprod", serviceName="sender", taskDefinition="sender", desiredCount=1
    )


def messages(where: Instance) -> list[str]:
    """Return what the tasks said, from CloudWatch Logs."""
    client = session(where).client("logs", endpoint_url=where.aws)
    if not client.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]:
        return []
    return [event["message"] for event in client.filter_log_events(logGroupName=GROUP)["events"]]


def test_a_task_gets_its_secret_and_comes_back_after_a_down(local: Local, image: str) -> None:
    """Secrets arrive, output is in CloudWatch Logs, `down` ends the task and `up` restores it."""
    where = local.record()
    secrets = session(where).client("secretsmanager", endpoint_url=where.aws)
    arn = secrets.create_secret(Name="sender", SecretString="open sesame")["ARN"]
    create_service(where, image, arn)
    assert wait_until(lambda: "secret: open sesame" in messages(where), timeout_s=30, pause_s=0.2)
    assert len(local.containers()) == 1
    local.call("down")
    assert local.containers() == []
    local.up()
    assert wait_until(lambda: len(local.containers()) == 1, timeout_s=30, pause_s=0.2)
