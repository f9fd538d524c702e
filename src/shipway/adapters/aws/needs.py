"""What a task needs to start: its roles, secrets and parameters. By name only, never by value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from shipway.adapters.aws.secrets import parse
from shipway.adapters.aws.session import Session, code_of
from shipway.model.examined import Needed

if TYPE_CHECKING:  # stubs only; the packages are not installed with Shipway
    from mypy_boto3_ecs.type_defs import TaskDefinitionTypeDef

_TRUSTED = "ecs-tasks.amazonaws.com"
_ABSENT = frozenset({"ResourceNotFoundException", "NoSuchEntity", "ParameterNotFound"})


def needed(
    session: Session, definition: TaskDefinitionTypeDef, blind: list[str]
) -> tuple[Needed, ...]:
    """Return each secret, parameter and role, and whether it is there; sorted by kind and name.

    What AWS refuses to tell is `None`, and the refusal is added to `blind`.
    """
    found = []
    for kind, name in sorted(set(_names(definition))):
        try:
            there, wrong = _LOOKS[kind](session, name)
        except ClientError as error:
            if code_of(error) in _ABSENT:
                there, wrong = False, ""
            else:
                blind.append(f"{kind} {name}: {code_of(error)}")
                there, wrong = None, ""
        except BotoCoreError as silence:
            blind.append(f"{kind} {name}: {silence}")
            there, wrong = None, ""
        found.append(Needed(kind, name, there, wrong))
    return tuple(found)


def _names(definition: TaskDefinitionTypeDef) -> Iterator[tuple[str, str]]:
    for role in (definition.get("executionRoleArn"), definition.get("taskRoleArn")):
        if role:
            yield "role", role.rpartition("/")[2]
    for container in definition.get("containerDefinitions") or []:
        for secret in container.get("secrets") or []:
            wanted = secret["valueFrom"]
            if ":secretsmanager:" in wanted:
                yield "secret", parse(wanted).secret_id
            else:
                _, found, rest = wanted.partition(":parameter")
                yield "parameter", rest if found else wanted


def _secret(session: Session, name: str) -> tuple[bool, str]:
    session.secrets.describe_secret(SecretId=name)
    return True, ""


def _parameter(session: Session, name: str) -> tuple[bool, str]:
    wanted = [name, name.removeprefix("/")] if name.count("/") == 1 else [name]
    reply = session.parameters.describe_parameters(
        ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": wanted}]
    )
    return any(each["Name"] in wanted for each in reply["Parameters"]), ""


def _role(session: Session, name: str) -> tuple[bool, str]:
    role = session.roles.get_role(RoleName=name)["Role"]
    # the principal may be a text or a list: both hold the name
    trusted = _TRUSTED in str(role.get("AssumeRolePolicyDocument", ""))
    return True, "" if trusted else f"it does not trust {_TRUSTED}"


_LOOKS = {"secret": _secret, "parameter": _parameter, "role": _role}
