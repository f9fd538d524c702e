"""Clients for AWS, or for the embedded default in its place, and what their errors mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError  # what a proxy's page becomes: no BotoCoreError

from shipway.adapters.aws.credentials import EXPIRED, aws_session
from shipway.errors import AccessIsDenied, AwsDidNotAnswer

if TYPE_CHECKING:  # stubs only; the packages are not installed with Shipway
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_logs import CloudWatchLogsClient

    from shipway.adapters.aws.untyped_clients import (
        AutoScaling,
        ParametersMetadata,
        Roles,
        SecretsMetadata,
    )
    from shipway.adapters.aws.untyped_code_deploy import CodeDeployClient

_PLANE = frozenset({"ecs", "elbv2", "cloudwatch"})
"""What the local control plane answers; alarms too, since deployments heed them."""

_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "InvalidClientTokenId",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)


@dataclass(frozen=True)
class Endpoints:
    """Where the embedded default answers; `registry` is `host:port`."""

    aws: str
    ecs: str
    registry: str


class Session:
    """Lazily made clients, one per service, with deadlines and retries.

    Args:
        region: the AWS region.
        embedded: finds the embedded default, when a client is first needed; None for AWS itself,
            whose credentials then come from the environment as for any AWS tool.
    """

    def __init__(self, region: str, embedded: Callable[[], Endpoints] | None) -> None:
        self.region, self._find = region, embedded
        self._guard, self._others = RLock(), dict[tuple[str, str], object]()
        self._config = Config(
            region_name=region,
            connect_timeout=5,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 2 if embedded else 8},
            parameter_validation=True,
            user_agent_extra="shipway",
            proxies={} if embedded else None,  # a proxy cannot reach our loopback
        )

    @cached_property
    def endpoints(self) -> Endpoints | None:
        """Where the embedded default answers; None for AWS itself."""
        return self._find() if self._find else None

    @cached_property
    def _boto(self) -> boto3.Session:
        if self.endpoints is None:
            return aws_session(self.region)
        return boto3.Session(
            aws_access_key_id="000000000000",
            aws_secret_access_key="embedded",  # noqa: S106 - the embedded default checks none
            region_name=self.region,
        )

    def _url(self, service: str) -> str | None:
        if self.endpoints is None:
            return None
        return self.endpoints.ecs if service in _PLANE else self.endpoints.aws

    def client(self, service: str, region: str = "") -> object:
        """Return a client for what is asked for now and then, here or in another region."""
        with self._guard:
            key = (service, region or self.region)
            if key not in self._others:
                self._others[key] = self._boto.client(
                    service,  # type: ignore[call-overload]  # the stubs want each name written out
                    endpoint_url=self._url(service),
                    config=self._config.merge(Config(region_name=key[1])),
                )
            return self._others[key]

    @cached_property
    def ecr(self) -> ECRClient:
        """The registry's API."""
        return self._boto.client("ecr", endpoint_url=self._url("ecr"), config=self._config)

    @cached_property
    def ecs(self) -> ECSClient:
        """The orchestrator's API."""
        return self._boto.client("ecs", endpoint_url=self._url("ecs"), config=self._config)

    @cached_property
    def elbv2(self) -> ElasticLoadBalancingv2Client:
        """The load balancers' API."""
        return self._boto.client("elbv2", endpoint_url=self._url("elbv2"), config=self._config)

    @cached_property
    def codedeploy(self) -> CodeDeployClient:
        """CodeDeploy; the embedded default has none."""
        client: CodeDeployClient = self._boto.client(
            "codedeploy", endpoint_url=self._url("codedeploy"), config=self._config
        )
        return client

    @cached_property
    def autoscaling(self) -> AutoScaling:
        """Application Auto Scaling; the embedded default has none."""
        client: AutoScaling = self._boto.client("application-autoscaling", config=self._config)
        return client

    @cached_property
    def secrets(self) -> SecretsMetadata:
        """Secrets Manager, for what is not secret about secrets."""
        client: SecretsMetadata = self._boto.client(
            "secretsmanager", endpoint_url=self._url("secretsmanager"), config=self._config
        )
        return client

    @cached_property
    def parameters(self) -> ParametersMetadata:
        """SSM's parameters, without their values."""
        client: ParametersMetadata = self._boto.client(
            "ssm", endpoint_url=self._url("ssm"), config=self._config
        )
        return client

    @cached_property
    def roles(self) -> Roles:
        """IAM."""
        client: Roles = self._boto.client("iam", endpoint_url=self._url("iam"), config=self._config)
        return client

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        """CloudWatch Logs."""
        return self._boto.client("logs", endpoint_url=self._url("logs"), config=self._config)


def is_denied(error: ClientError) -> bool:
    """Tell whether AWS said that this identity may not."""
    return code_of(error) in _DENIED


def code_of(error: ClientError) -> str:
    """Return the AWS error code; texts are never compared."""
    return error.response.get("Error", {}).get("Code", "")


@contextmanager
def answers(doing: str) -> Iterator[None]:
    """Translate what boto3 raises while `doing` something into errors a user can act upon.

    Raises:
        AccessIsDenied: AWS said that this identity may not.
        AwsDidNotAnswer: anything else that is no usable answer; so is a token that expired and
            that nobody has renewed yet, since somebody may.
    """
    try:
        yield
    except ClientError as error:
        code, said = code_of(error), error.response.get("Error", {}).get("Message", "")
        if code in _DENIED:
            raise AccessIsDenied(
                f"AWS refused {doing}: {code}: {said}",
                hint="check which role this runs as, and what it may do",
            ) from error
        if code in EXPIRED:
            raise AwsDidNotAnswer(
                f"the token expired with which AWS was asked for {doing}",
                hint="log in to AWS again; Shipway takes what it then finds",
            ) from error
        raise AwsDidNotAnswer(f"AWS answered {doing} with {code}: {said}") from error
    except (BotoCoreError, ResponseParserError) as error:
        raise AwsDidNotAnswer(
            f"no answer from AWS to {doing}: {error}",
            hint="on one machine: `shipway local status`; on AWS: network and credentials",
        ) from error
