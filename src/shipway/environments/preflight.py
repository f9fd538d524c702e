"""What stands in the way of a deployment before it begins; a pure judgement on facts.

It refuses to know how the facts were found, and never takes "could not be asked" for "not there".
"""

from __future__ import annotations

from collections.abc import Iterator

from shipway.environments.findings import Finding, Weight, refuse, short, unasked
from shipway.environments.traffic import traffic
from shipway.model.document import JsonObject, objects
from shipway.model.preflight import (
    AlarmState,
    Facts,
    Keeping,
    Needs,
    Place,
    Role,
    Unknown,
)
from shipway.model.probes import AlarmProbe
from shipway.model.release import Release
from shipway.model.service import Aws, Environment
from shipway.model.task_definition import TaskDefinition

ECS_TASKS = "ecs-tasks.amazonaws.com"
MOST_IN_FLIGHT = 5
"""How many deployments ECS lets a service have at once (aws/containers-roadmap#2836)."""

TASKS_PER_SERVICE = "Tasks per service"
FARGATE_VCPUS = "Fargate On-Demand vCPU resource count"
"""Names of quotas, as Service Quotas has them."""

_ONE_VCPU = 1024


def needs_of(
    release: Release,
    environment: Environment,
    definition: TaskDefinition,
    *,
    aws: Aws | None,
    ours: frozenset[str],
) -> Needs:
    """Return what deploying a release there needs, as its whole task definition says.

    On the embedded default any platform will do, and a service that is missing is made.
    """
    document = definition.document
    roles = (document.get("executionRoleArn"), document.get("taskRoleArn"))
    secrets = (
        str(secret["valueFrom"])
        for container in objects(document.get("containerDefinitions"))
        for secret in objects(container.get("secrets"))
        if "valueFrom" in secret
    )
    shifted = environment.strategy.traffic
    watched = (p.name for p in environment.probes if isinstance(p, AlarmProbe))
    return Needs(
        container=definition.container,
        port=definition.port,
        repository=release.repository,
        digest=release.digest,
        platform=_platform(document) if aws else "",
        roles=tuple(dict.fromkeys(str(role) for role in roles if role)),
        secrets=tuple(dict.fromkeys(secrets)),
        alarms=tuple(dict.fromkeys((*environment.strategy.alarms, *watched))),
        groups=(shifted.alternate_target_group,) if shifted else (),
        rules=(shifted.production_rule,) if shifted else (),
        tasks=environment.container.tasks,
        cpu=environment.container.cpu,
        ours=ours,
        creates=aws is None,
    )


def _platform(document: JsonObject) -> str:
    """Return the platform that ECS will run it on, as images name it: Linux on x86-64 if unsaid."""
    found = document.get("runtimePlatform")
    wanted = found if isinstance(found, dict) else {}
    system = str(wanted.get("operatingSystemFamily") or "LINUX").partition("_")[0].lower()
    architecture = str(wanted.get("cpuArchitecture") or "X86_64")
    return f"{system}/{'arm64' if architecture == 'ARM64' else 'amd64'}"


def needs_of_return(release: Release) -> Needs:
    """Return the one thing that the way back to a release needs: its image."""
    return Needs(
        container=release.service,
        port=0,
        repository=release.repository,
        digest=release.digest,
        only_image=True,
    )


def findings(needs: Needs, facts: Facts) -> tuple[Finding, ...]:
    """Return everything that stands in the way, refusals first; empty when nothing does."""
    found = list(_image(needs, facts))
    if not needs.only_image:
        found += _cluster(needs, facts)
        found += _service(needs, facts)
        for role, seen in facts.roles:
            found += _role(role, seen)
        for reference, kept in facts.secrets:
            found += _secret(reference, kept)
        for alarm, state in facts.alarms:
            found += _alarm(alarm, state)
        found += _quotas(needs, facts)
    return tuple(sorted(found, key=lambda f: f.weight is Weight.WARN))


def _image(needs: Needs, facts: Facts) -> Iterator[Finding]:
    where, seen = f"image {needs.repository}@{needs.digest[:19]}", facts.platforms
    if isinstance(seen, Unknown):
        yield unasked(where, seen)
    elif seen is None:
        how = "build the commit again (`shipway image`), and keep images longer in the registry"
        yield refuse("image-is-missing", "it is not in the registry", where, how)
    elif needs.platform and seen and needs.platform not in seen:
        how = f"build for {needs.platform}, or name the platform in the task definition"
        what = f"it is for {' and '.join(seen)}, and {needs.platform} is asked for"
        yield refuse("image-is-for-another-platform", what, where, how)


def _cluster(needs: Needs, facts: Facts) -> Iterator[Finding]:
    seen = facts.cluster
    if isinstance(seen, Unknown):
        yield unasked("cluster", seen)
    elif seen is None and not needs.creates:
        how = "make it with your infrastructure, or correct `cluster:`"
        yield refuse("cluster-is-missing", "there is none of that name", "cluster", how)
    elif seen not in {None, "ACTIVE"}:
        how = "ECS starts tasks only in a cluster that is ACTIVE"
        yield refuse("cluster-is-not-active", f"it is {seen}", "cluster", how)


def _service(needs: Needs, facts: Facts) -> Iterator[Finding]:
    seen = facts.service
    if isinstance(seen, Unknown):
        yield unasked("service", seen)
    elif seen is None:
        if not needs.creates:
            how = "make it once with your infrastructure; Shipway delivers into it"
            yield refuse("service-is-missing", "there is none of that name", "service", how)
    elif seen.status != "ACTIVE":
        how = "wait until it is gone and make it again, or correct `service:`"
        yield refuse("service-is-not-active", f"it is {seen.status}", "service", how)
    else:
        yield from _flight(needs, seen)
        yield from traffic(needs, seen, facts)


def _flight(needs: Needs, place: Place) -> Iterator[Finding]:
    if len(place.in_flight) >= MOST_IN_FLIGHT:
        what = f"{len(place.in_flight)} deployments are in flight, and ECS takes no more"
        yield refuse("too-many-deployments", what, "service", "let them end")
    elif place.in_flight:
        arn = place.in_flight[0]
        if arn in needs.ours:
            how = "`shipway status` shows it; it ends as superseded when this one begins"
            what = f"a deployment of ours is in flight: {arn}"
            yield Finding(Weight.WARN, "deployment-in-flight", what, "service", how)
        else:
            how = "let it end, or stop it with `aws ecs stop-service-deployment`"
            what = f"a deployment that Shipway did not start is in flight: {arn}"
            yield refuse("deployment-in-flight", what, "service", how)


def _role(arn: str, seen: Role | Unknown | None) -> Iterator[Finding]:
    where = f"role {short(arn)}"
    if isinstance(seen, Unknown):
        yield unasked(where, seen)
    elif seen is None or seen.arn != arn:
        what = f"IAM has {seen.arn}, not {arn}" if seen else "there is no such role"
        how = "correct the role's ARN under `aws:`, or make it with your infrastructure"
        yield refuse("role-is-missing", what, where, how)
    elif ECS_TASKS not in seen.trusts:
        trusted = ", ".join(sorted(seen.trusts)) or "no service"
        how = f"allow {ECS_TASKS} to do sts:AssumeRole in its trust policy"
        yield refuse("role-cannot-be-assumed", f"it trusts {trusted}", where, how)


def _secret(reference: str, seen: Keeping | Unknown | None) -> Iterator[Finding]:
    where = f"secret {reference}"
    how = "make it, or correct `container.secrets`"
    if isinstance(seen, Unknown):
        yield unasked(where, seen)
        return
    match seen:
        case None:
            yield refuse("secret-is-missing", "there is no such secret", where, how)
        case Keeping.EMPTY:
            how = "put a value into it"
            yield refuse("secret-is-empty", "it never had a value", where, how)
        case Keeping.DELETED:
            how = "restore it (`aws secretsmanager restore-secret`)"
            yield refuse("secret-is-deleted", "it is marked for deletion", where, how)
        case Keeping.NO_SUCH_VERSION:
            yield refuse("secret-has-no-such-version", "it has no such version", where, how)
        case Keeping.THERE:
            pass


def _alarm(name: str, seen: AlarmState | Unknown | None) -> Iterator[Finding]:
    where = f"alarm {name}"
    if isinstance(seen, Unknown):
        yield unasked(where, seen)
    elif seen is None:
        how = "make it with your infrastructure, or correct its name"
        yield refuse("alarm-is-missing", "there is no such alarm", where, how)
    elif seen is AlarmState.ALARM:
        what = "it is firing already, so it could tell nothing, and ECS would not heed it"
        how = "find out why it fires; to deliver the cure itself, add `--despite alarm-is-firing`"
        yield refuse("alarm-is-firing", what, where, how)


def _quotas(needs: Needs, facts: Facts) -> Iterator[Finding]:
    if isinstance(facts.quotas, Unknown):
        yield unasked("quotas", facts.quotas)
        return
    place = facts.service
    desired = place.desired if isinstance(place, Place) else needs.tasks
    values = dict(facts.quotas or ())
    most = values.get(TASKS_PER_SERVICE)
    how = "ask for more in the Service Quotas console"
    if most is not None and desired > most:
        what = f"{desired} tasks are wanted, and a service may have {most:g}"
        yield Finding(Weight.WARN, "quota-is-too-low", what, f"quota {TASKS_PER_SERVICE}", how)
    vcpus, fargate = values.get(FARGATE_VCPUS), isinstance(place, Place) and place.fargate
    wanted = 2 * desired * needs.cpu / _ONE_VCPU  # while it rolls, old and new run together
    if vcpus is not None and fargate and wanted > vcpus:
        what = (
            f"{wanted:g} vCPUs are wanted while both versions run, and all together get {vcpus:g}"
        )
        yield Finding(Weight.WARN, "quota-is-too-low", what, f"quota {FARGATE_VCPUS}", how)
