"""What a task definition names: secrets, parameters, roles, alarms; and quotas. Never a value.

The clients have no stubs here, so each call that is needed is written down as a Protocol.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from shipway.adapters.aws.asking import asked
from shipway.adapters.aws.secrets import parse
from shipway.model.preflight import AlarmState, Keeping, Role, Seen, Unknown

if TYPE_CHECKING:
    from shipway.adapters.aws.session import Session

_ABSENT_SECRET: Final = frozenset({"ResourceNotFoundException"})
_ABSENT_ROLE: Final = frozenset({"NoSuchEntity", "NoSuchEntityException"})
_NAMES_AT_ONCE: Final = 50
_ALARMS_AT_ONCE: Final = 100
_ASSUME: Final = frozenset({"sts:assumerole", "sts:*", "*"})


def is_secret(value_from: str) -> bool:
    """Tell a secret of Secrets Manager from a parameter, as ECS does: by its ARN."""
    return value_from.startswith("arn:") and ":secretsmanager:" in value_from


def secret(session: Session, value_from: str) -> Seen[Keeping]:
    """Look whether a secret and its version are there; the JSON key is inside, and stays unseen.

    Source: Secrets Manager API, DescribeSecret.
    """
    wanted = parse(value_from)

    def look() -> Keeping:
        client = cast("Any", session.client("secretsmanager", _region(value_from)))
        found = client.describe_secret(SecretId=wanted.secret_id)
        versions: Mapping[str, list[str]] = found.get("VersionIdsToStages") or {}
        stages = {stage for several in versions.values() for stage in several}
        if found.get("DeletedDate"):
            return Keeping.DELETED
        if not versions:
            return Keeping.EMPTY
        stage = wanted.stage or ("" if wanted.version else "AWSCURRENT")
        if (wanted.version and wanted.version not in versions) or (stage and stage not in stages):
            return Keeping.NO_SUCH_VERSION
        return Keeping.THERE

    return asked(look, absent=_ABSENT_SECRET)


def parameters(session: Session, references: tuple[str, ...]) -> list[tuple[str, Seen[Keeping]]]:
    """Look whether parameters are there, many with one call.

    Source: SSM API, DescribeParameters: GetParameters would read the values.
    """
    seen: list[tuple[str, Seen[Keeping]]] = []
    for region in dict.fromkeys(_region(reference) for reference in references):
        mine = [reference for reference in references if _region(reference) == region]
        there = asked(lambda r=region, m=mine: _names(session, r, m))  # type: ignore[misc]  # mypy does not infer the type of a lambda with defaults
        for reference in mine:
            if isinstance(there, Unknown) or there is None:
                seen.append((reference, there))
            else:
                found = bool(there & set(_spellings(reference)))
                seen.append((reference, Keeping.THERE if found else None))
    return seen


def _names(session: Session, region: str, references: list[str]) -> frozenset[str]:
    client = cast("Any", session.client("ssm", region))
    names = list(dict.fromkeys(name for each in references for name in _spellings(each)))
    found: set[str] = set()
    for begin in range(0, len(names), _NAMES_AT_ONCE):
        some = names[begin : begin + _NAMES_AT_ONCE]
        only = [{"Key": "Name", "Option": "Equals", "Values": some}]
        pages = client.get_paginator("describe_parameters").paginate(ParameterFilters=only)
        found |= {each["Name"] for page in pages for each in page["Parameters"]}
    return frozenset(found)


def _spellings(reference: str) -> tuple[str, ...]:
    """Return the names a reference may mean: an ARN does not tell `/name` from `name`."""
    _, is_arn, rest = reference.partition(":parameter/")
    bare = (rest if is_arn else reference).partition(":")[0]
    return (bare, f"/{bare}") if is_arn else (bare,)


def role(session: Session, arn: str) -> Seen[Role]:
    """Look who may assume a role.

    Source: IAM API, GetRole; IAM User Guide, "AWS JSON policy elements: Principal", where a
    service may be one text or a list of them.
    """

    def look() -> Role:
        client = cast("Any", session.client("iam"))
        found = client.get_role(RoleName=arn.rpartition("/")[2])["Role"]
        return Role(found["Arn"], trusted(found.get("AssumeRolePolicyDocument") or {}))

    return asked(look, absent=_ABSENT_ROLE)


def trusted(policy: object) -> frozenset[str]:
    """Return the services that a trust policy lets assume the role; a Deny wins."""
    statements = _listed(_mapping(policy).get("Statement"))
    allowed = {who for each in statements for who in _services(each, "Allow")}
    return frozenset(allowed - {who for each in statements for who in _services(each, "Deny")})


def _services(statement: object, effect: str) -> Iterator[str]:
    part = _mapping(statement)
    actions = {str(action).lower() for action in _listed(part.get("Action"))}
    if part.get("Effect") == effect and actions & _ASSUME:
        principal = part.get("Principal")
        yield from (str(who) for who in _listed(_mapping(principal).get("Service")))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def alarms(session: Session, names: tuple[str, ...]) -> tuple[tuple[str, Seen[AlarmState]], ...]:
    """Return the state of alarms, metric and composite ones, in the order of the names.

    Source: CloudWatch API, DescribeAlarms, which without `AlarmTypes` leaves composite ones out.
    """

    def look() -> dict[str, AlarmState]:
        client = cast("Any", session.client("cloudwatch"))
        found: dict[str, AlarmState] = {}
        for begin in range(0, len(names), _ALARMS_AT_ONCE):
            said = client.describe_alarms(
                AlarmNames=list(names[begin : begin + _ALARMS_AT_ONCE]),
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
                MaxRecords=_ALARMS_AT_ONCE,
            )
            each = (*said.get("MetricAlarms", ()), *said.get("CompositeAlarms", ()))
            found |= {alarm["AlarmName"]: AlarmState(alarm["StateValue"]) for alarm in each}
        return found

    states = asked(look) if names else {}
    if isinstance(states, Unknown) or states is None:
        return tuple((name, states) for name in names)
    return tuple((name, states.get(name)) for name in names)


def quotas(session: Session) -> Seen[tuple[tuple[str, float], ...]]:
    """Return the quotas of ECS and Fargate by name.

    Source: Service Quotas API, ListServiceQuotas.
    """

    def look() -> tuple[tuple[str, float], ...]:
        client = cast("Any", session.client("service-quotas"))
        pages = (
            page
            for service in ("ecs", "fargate")
            for page in client.get_paginator("list_service_quotas").paginate(ServiceCode=service)
        )
        return tuple(
            (each["QuotaName"], each["Value"]) for page in pages for each in page["Quotas"]
        )

    return asked(look)


def _region(reference: str) -> str:
    """Return the region that an ARN names; "" where it is no ARN."""
    return reference.split(":")[3] if reference.startswith("arn:") else ""
