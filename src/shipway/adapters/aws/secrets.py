"""What a task definition's `valueFrom` stands for, read from Secrets Manager or SSM.

It knows the forms that ECS accepts; it refuses to know who asks. Values are never logged, and
never part of an error.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from shipway.errors import AccessIsDenied, AwsDidNotAnswer
from shipway.model.lazy import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ARN_FIELDS: Final = 7  # arn:partition:secretsmanager:region:account:secret:name
_ABSENT: Final = frozenset(
    {"ResourceNotFoundException", "ParameterNotFound", "ParameterVersionNotFound"}
)
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "DecryptionFailure"})


class SecretsManager(Protocol):
    """The one call that is needed of boto3's client."""

    def get_secret_value(self, **request: str) -> Mapping[str, object]:
        """Source: Secrets Manager API, GetSecretValue."""


class Ssm(Protocol):
    """The one call that is needed of boto3's client."""

    def get_parameter(
        self,
        *,
        Name: str,  # noqa: N803 -- AWS' own name
        WithDecryption: bool,  # noqa: N803 -- AWS' own name
    ) -> Mapping[str, Mapping[str, object]]:
        """Source: SSM API, GetParameter."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A secret as ECS names it: which, which field of its JSON, and which version."""

    secret_id: str
    key: str = ""
    stage: str = ""
    version: str = ""


class AwsSecrets:
    """Resolves `valueFrom`; safe from several threads, asks anew each time."""

    def __init__(self, secrets_manager: SecretsManager, ssm: Ssm) -> None:
        self._secrets_manager = secrets_manager
        self._ssm = ssm

    def resolve(self, value_from: str) -> str:
        """Return the value.

        Raises:
            LookupError: there is no such secret, parameter, version or JSON key.
            AccessIsDenied: it may not be read.
            AwsDidNotAnswer: no usable answer.
        """
        with _translating(value_from):
            if _is_secret(value_from):
                return self._secret(parse(value_from), value_from)
            return self._parameter(value_from)

    def secret(self, name: str) -> str:
        """Return the value of a secret by its name or ARN; raises as `resolve`."""
        with _translating(name):
            return self._secret(parse(name) if _is_secret(name) else Wanted(name), name)

    def parameter(self, name: str) -> str:
        """Return the value of a parameter by its name or ARN; raises as `resolve`."""
        with _translating(name):
            return self._parameter(name)

    def _secret(self, wanted: Wanted, value_from: str) -> str:
        request = {"SecretId": wanted.secret_id}
        if wanted.stage:
            request["VersionStage"] = wanted.stage
        if wanted.version:
            request["VersionId"] = wanted.version
        text = str(self._secrets_manager.get_secret_value(**request)["SecretString"])
        return _field(text, wanted.key, value_from) if wanted.key else text

    def _parameter(self, value_from: str) -> str:
        # An ARN names the parameter after "parameter", and the slash belongs to the name.
        _, found, rest = value_from.partition(":parameter")
        name = rest if found else value_from
        answer = self._ssm.get_parameter(Name=name, WithDecryption=True)
        return str(answer["Parameter"]["Value"])


def aws_secrets(*, endpoint_url: str, region: str, account: str) -> AwsSecrets:
    """Return the resolver for the embedded default's endpoint."""
    session = boto3.Session(
        aws_access_key_id=account,
        aws_secret_access_key="local",  # noqa: S106 -- ministack checks none
        region_name=region,
    )
    # No proxies: a user's HTTP proxy cannot reach our loopback.
    config = Config(connect_timeout=2, read_timeout=10, proxies={})
    return AwsSecrets(
        session.client("secretsmanager", endpoint_url=endpoint_url, config=config),
        session.client("ssm", endpoint_url=endpoint_url, config=config),
    )


def account_secrets(region: str) -> AwsSecrets:
    """Return the resolver for AWS, with the credentials that any AWS tool would find."""
    session = boto3.Session(region_name=region)
    config = Config(connect_timeout=5, read_timeout=15)
    return AwsSecrets(
        session.client("secretsmanager", config=config), session.client("ssm", config=config)
    )


def parse(value_from: str) -> Wanted:
    """Split a secret's ARN from what ECS lets one append to it.

    Source: ECS Developer Guide, "Pass Secrets Manager secrets through Amazon ECS environment
    variables": `arn:…:secret:name[:json-key:version-stage:version-id]`, any of which may be empty.
    """
    fields = value_from.split(":")
    key, stage, version, *_ = (*fields[_ARN_FIELDS:], "", "", "")
    return Wanted(":".join(fields[:_ARN_FIELDS]), key, stage, version)


@contextmanager
def _translating(wanted: str) -> Iterator[None]:
    try:
        yield
    except ClientError as refusal:
        raise _translated(refusal, wanted) from refusal
    except BotoCoreError as silence:
        raise AwsDidNotAnswer(f"reading {wanted}: {silence}") from silence


def _is_secret(value_from: str) -> bool:
    return value_from.startswith("arn:") and ":secretsmanager:" in value_from


def _field(text: str, key: str, value_from: str) -> str:
    try:
        found = json.loads(text)[key]
    except (ValueError, TypeError, KeyError):
        # `from None`: the cause would carry the secret's text.
        raise LookupError(f"{value_from}: the secret is no JSON object with that key") from None
    return found if isinstance(found, str) else json.dumps(found)


def _translated(refusal: ClientError, value_from: str) -> Exception:
    code = refusal.response["Error"]["Code"]
    if code in _ABSENT:
        return LookupError(f"{value_from}: {code}")
    if code in _DENIED:
        return AccessIsDenied(f"reading {value_from}: {code}", hint="allow the task's role to")
    return AwsDidNotAnswer(f"reading {value_from}: {code}")
