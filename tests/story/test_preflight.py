"""What stands in the way of a deployment: each fact, and what the look before makes of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.environments.findings import COULD_NOT_BE_CHECKED, Finding, Weight
from shipway.environments.preflight import (
    ECS_TASKS,
    FARGATE_VCPUS,
    TASKS_PER_SERVICE,
    findings,
    needs_of,
    needs_of_return,
)
from shipway.environments.taskdef import task_definition
from shipway.model.preflight import (
    AlarmState,
    Balancer,
    Facts,
    Group,
    Keeping,
    Needs,
    Place,
    Role,
    Unknown,
    Weights,
)
from shipway.model.service import Aws
from shipway.testing.builders import a_digest, a_release, an_environment

BLUE, GREEN, RULE = "arn:tg/blue/1", "arn:tg/green/2", "arn:listener-rule/app/x/1"
EXECUTION, TASK = "arn:aws:iam::1:role/execution", "arn:aws:iam::1:role/task"
MONGO = "arn:aws:secretsmanager:eu-central-1:1:secret:mongo-AbCdEf"
DENIED = Unknown("this identity may not call it (AccessDenied)")
NEEDS = Needs(
    container="sender",
    port=3000,
    repository="1.dkr.ecr.eu-central-1.amazonaws.com/sender",
    digest=a_digest(),
    platform="linux/amd64",
    roles=(EXECUTION, TASK),
    secrets=(MONGO,),
    alarms=("errors",),
    ours=frozenset({"arn:ours"}),
)
PLACE = Place(
    "ACTIVE", 2, fargate=True, network="awsvpc", balancers=(Balancer(BLUE, "sender", 3000),)
)
TWO = replace(PLACE, balancers=(Balancer(BLUE, "sender", 3000, GREEN, (RULE,)),))
WELL = Facts(
    platforms=("linux/amd64", "linux/arm64"),
    cluster="ACTIVE",
    service=PLACE,
    groups=((BLUE, Group(BLUE, "ip", forwarded=True, healthy=2)),),
    roles=tuple((arn, Role(arn, frozenset({ECS_TASKS}))) for arn in (EXECUTION, TASK)),
    secrets=((MONGO, Keeping.THERE),),
    alarms=(("errors", AlarmState.OK),),
    quotas=((TASKS_PER_SERVICE, 5000.0), (FARGATE_VCPUS, 100.0)),
)
BOTH = replace(
    WELL,
    service=TWO,
    groups=(
        (BLUE, Group(BLUE, "ip", forwarded=True, healthy=2)),
        (GREEN, Group(GREEN, "ip", forwarded=True, healthy=0)),
    ),
    weights=((RULE, Weights(RULE, ((BLUE, 100), (GREEN, 0)))),),
)


def codes(facts: Facts, needs: Needs = NEEDS) -> list[str]:
    """Return the codes of what refuses."""
    return [f.code for f in findings(needs, facts) if f.weight is Weight.REFUSE]


def warned(facts: Facts, needs: Needs = NEEDS) -> list[Finding]:
    """Return what is only warned of."""
    return [f for f in findings(needs, facts) if f.weight is Weight.WARN]


@pytest.mark.parametrize("facts", [WELL, BOTH])
def test_nothing_is_found_where_all_is_well(facts: Facts) -> None:
    """A service that can be deployed to is let through, without a word."""
    assert findings(NEEDS, facts) == ()


def weights(*shares: tuple[str, int]) -> Facts:
    """Return the blue/green service with its traffic divided like this."""
    return replace(BOTH, weights=((RULE, Weights(RULE, shares)),))


REFUSED = {
    "image-is-missing": replace(WELL, platforms=None),
    "image-is-for-another-platform": replace(WELL, platforms=("linux/arm64",)),
    "cluster-is-missing": replace(WELL, cluster=None),
    "cluster-is-not-active": replace(WELL, cluster="INACTIVE"),
    "service-is-missing": replace(WELL, service=None),
    "service-is-not-active": replace(WELL, service=replace(PLACE, status="DRAINING")),
    "deployment-in-flight": replace(WELL, service=replace(PLACE, in_flight=("arn:strange",))),
    "too-many-deployments": replace(WELL, service=replace(PLACE, in_flight=("arn:ours",) * 5)),
    "target-group-is-missing": replace(WELL, groups=((BLUE, None),)),
    "target-group-does-not-fit": replace(
        WELL, groups=((BLUE, Group(BLUE, "instance", forwarded=True, healthy=2)),)
    ),
    "target-group-is-idle": replace(
        WELL, groups=((BLUE, Group(BLUE, "ip", forwarded=False, healthy=2)),)
    ),
    "listener-rule-is-missing": replace(BOTH, weights=((RULE, None),)),
    "weights-are-split": weights((BLUE, 50), (GREEN, 50)),
    "weights-point-at-nothing": weights((BLUE, 0), (GREEN, 100)),
    "role-is-missing": replace(WELL, roles=((EXECUTION, None),)),
    "role-cannot-be-assumed": replace(
        WELL, roles=((EXECUTION, Role(EXECUTION, frozenset({"ec2.amazonaws.com"}))),)
    ),
    "secret-is-missing": replace(WELL, secrets=((MONGO, None),)),
    "secret-is-empty": replace(WELL, secrets=((MONGO, Keeping.EMPTY),)),
    "secret-is-deleted": replace(WELL, secrets=((MONGO, Keeping.DELETED),)),
    "secret-has-no-such-version": replace(WELL, secrets=((MONGO, Keeping.NO_SUCH_VERSION),)),
    "alarm-is-missing": replace(WELL, alarms=(("errors", None),)),
    "alarm-is-firing": replace(WELL, alarms=(("errors", AlarmState.ALARM),)),
}


@pytest.mark.parametrize(("code", "facts"), REFUSED.items(), ids=REFUSED)
def test_each_obstacle_is_refused_by_name(code: str, facts: Facts) -> None:
    """One thing that is wrong is one refusal, and it says what to do."""
    assert codes(facts) == [code]
    assert all(f.how and f.where for f in findings(NEEDS, facts))


@pytest.mark.parametrize(
    "balancer",
    [Balancer(BLUE, "other", 3000), Balancer(BLUE, "sender", 8080)],
    ids=["container", "port"],
)
def test_the_load_balancer_must_know_container_and_port(balancer: Balancer) -> None:
    """ECS takes an update that its load balancer does not fit to, and then starts nothing."""
    facts = replace(WELL, service=replace(PLACE, balancers=(balancer,)))
    assert codes(facts) == ["load-balancer-does-not-fit"]


def test_a_role_at_another_path_is_another_role() -> None:
    """IAM finds a role by its last name alone; ECS does not."""
    other = "arn:aws:iam::1:role/team/execution"
    facts = replace(WELL, roles=((EXECUTION, Role(other, frozenset({ECS_TASKS}))),))
    assert codes(facts) == ["role-is-missing"]
    assert other in findings(NEEDS, facts)[0].what


UNASKED = {
    "image": replace(WELL, platforms=DENIED),
    "cluster": replace(WELL, cluster=DENIED),
    "service": replace(WELL, service=DENIED, groups=(), weights=()),
    "target group": replace(WELL, groups=((BLUE, DENIED),)),
    "listener rule": replace(BOTH, weights=((RULE, DENIED),)),
    "role": replace(WELL, roles=((EXECUTION, DENIED),)),
    "secret": replace(WELL, secrets=((MONGO, DENIED),)),
    "alarm": replace(WELL, alarms=(("errors", DENIED),)),
    "quotas": replace(WELL, quotas=DENIED),
    "targets": replace(BOTH, groups=((BLUE, Group(BLUE, "ip", forwarded=True, healthy=DENIED)),)),
}


@pytest.mark.parametrize(("what", "facts"), UNASKED.items(), ids=UNASKED)
def test_what_could_not_be_asked_is_never_missing(what: str, facts: Facts) -> None:
    """Access denied is a warning that says so, and refuses nothing."""
    assert codes(facts) == []
    only = warned(facts)[0]
    assert (only.code, only.where.startswith(what)) == (COULD_NOT_BE_CHECKED, True)
    assert "could not be checked" in only.what


def test_a_deployment_of_ours_is_only_warned_of() -> None:
    """One that the ledger knows will be superseded; nobody else is surprised by that."""
    facts = replace(WELL, service=replace(PLACE, in_flight=("arn:ours",)))
    assert [f.code for f in warned(facts)] == ["deployment-in-flight"]
    assert codes(facts) == []


@pytest.mark.parametrize(
    ("quotas", "desired"),
    [(((TASKS_PER_SERVICE, 10.0),), 11), (((FARGATE_VCPUS, 6.0),), 13)],
)
def test_a_quota_that_is_too_low_is_warned_of(
    quotas: tuple[tuple[str, float], ...], desired: int
) -> None:
    """More tasks than a service may have, or both versions together more vCPUs than the account."""
    facts = replace(WELL, quotas=quotas, service=replace(PLACE, desired=desired))
    assert [f.code for f in warned(facts)] == ["quota-is-too-low"]
    smaller = replace(facts, service=replace(PLACE, desired=desired - 1))
    assert findings(NEEDS, smaller) == ()


def test_a_service_without_tasks_needs_no_healthy_target() -> None:
    """Scaled to nothing, it has no target that could be well."""
    facts = replace(weights((BLUE, 0), (GREEN, 100)), service=replace(TWO, desired=0))
    assert findings(NEEDS, facts) == ()


def test_on_the_embedded_default_the_service_is_made() -> None:
    """Where Shipway makes the service, its absence is no obstacle, nor is the platform."""
    needs = replace(NEEDS, creates=True, platform="")
    facts = replace(WELL, service=None, cluster=None, groups=(), platforms=())
    assert findings(needs, facts) == ()


@given(st.sampled_from([*REFUSED.values(), *UNASKED.values()]))
def test_only_the_image_holds_up_a_way_back(facts: Facts) -> None:
    """A rollback is refused for its image alone, whatever else is wrong."""
    needs = needs_of_return(a_release())
    assert codes(facts, needs) == (["image-is-missing"] if facts.platforms is None else [])


def test_refusals_come_first() -> None:
    """Whoever reads only the beginning has read what matters."""
    facts = replace(WELL, platforms=DENIED, alarms=(("errors", AlarmState.ALARM),))
    assert [f.weight for f in findings(NEEDS, facts)] == [Weight.REFUSE, Weight.WARN]


def test_what_a_release_needs_is_read_from_its_definition() -> None:
    """Container, port, both roles and each secret once; on AWS also the platform."""
    environment = an_environment()
    container = replace(environment.container, secrets=(("A", MONGO), ("B", MONGO)))
    environment = replace(environment, container=container)
    aws = Aws("eu-central-1", "1", EXECUTION, EXECUTION)
    release = a_release()
    definition = task_definition(release, environment, aws)
    found = needs_of(release, environment, definition, aws=aws, ours=frozenset())
    assert (found.container, found.port) == ("sender", 3000)
    assert (found.roles, found.secrets) == ((EXECUTION,), (MONGO,))
    assert (found.platform, found.creates) == ("linux/amd64", False)
    assert needs_of(release, environment, definition, aws=None, ours=frozenset()).creates


@pytest.mark.parametrize(
    ("platform", "wanted"),
    [
        ({"cpuArchitecture": "ARM64"}, "linux/arm64"),
        ({"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"}, "linux/amd64"),
        ({"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}, "windows/amd64"),
    ],
)
def test_the_platform_is_that_of_the_definition(platform: dict[str, str], wanted: str) -> None:
    """What `task:` says of the platform is what the image is held against."""
    environment = replace(an_environment(), task=json.dumps({"runtimePlatform": platform}))
    aws = Aws("eu-central-1", "1", EXECUTION, TASK)
    definition = task_definition(a_release(), environment, aws)
    found = needs_of(a_release(), environment, definition, aws=aws, ours=frozenset())
    assert found.platform == wanted
