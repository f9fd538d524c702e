"""Steps from what was observed in one environment to a wanted release."""

from __future__ import annotations

from dataclasses import replace

from shipway.environments.taskdef import task_definition
from shipway.errors import LeaseIsHeld
from shipway.ledger import Attempt, History
from shipway.model.observed import DeploymentArn, DeploymentStatus, ObservedService
from shipway.model.outcome import Outcome, Purpose
from shipway.model.release import Release
from shipway.model.service import Environment, Service
from shipway.model.spec import decode
from shipway.model.task_definition import TaskDefinition
from shipway.plan.plan import Plan, fingerprint
from shipway.plan.steps import AdoptDeployment, Deploy, Migrate

_OVER = frozenset(
    {
        DeploymentStatus.SUCCESSFUL,
        DeploymentStatus.STOPPED,
        DeploymentStatus.ROLLBACK_SUCCESSFUL,
        DeploymentStatus.ROLLBACK_FAILED,
    }
)


def plan_deployment(
    service: Service,
    environment: Environment,
    release: Release,
    *,
    purpose: Purpose,
    seen: ObservedService | None,
    history: History,
) -> Plan:
    """Plan one deployment; what an earlier run already asked ECS for is taken over instead.

    Raises:
        LeaseIsHeld: when a deployment is in flight that this ledger knows nothing of.
    """
    asked = history.last_attempt(environment.name, release.name)
    definition = task_definition(release, environment, service.aws)
    if purpose is Purpose.ROLLBACK:
        environment, definition = _as_it_was(environment, release, definition, history)
    made_from = state_of(seen)
    if asked and asked.ended is None and asked.deployment is None and seen:
        ours = started_after(asked, seen, release)
        if ours:
            return Plan((AdoptDeployment(environment, release, ours),), made_from)
    _refuse_strangers(environment, seen, history)
    newest = seen.deployments[0].arn if seen and seen.deployments else None
    step = Deploy(
        environment=environment,
        release=release,
        definition=definition,
        purpose=purpose,
        create=seen is None,
        after=newest,
    )
    return Plan((*_migration(environment, release, definition, purpose, history), step), made_from)


def _as_it_was(
    environment: Environment, release: Release, today: TaskDefinition, history: History
) -> tuple[Environment, TaskDefinition]:
    """Return what the release had when it was last good here: variables, sizes, roles, all of it.

    What today's file says was never tried with it. It is taken only where the ledger does not
    know better, as for entries of an older version.
    """
    tries = reversed(history.attempts_in(environment.name))
    good = (a for a in tries if a.good and a.release == release.name)
    known = next((spec for a in good if (spec := decode(a.spec)) is not None), None)
    if known is None:
        return environment, today
    container = replace(environment.container, grace_s=known.grace_s)
    return replace(environment, container=container), known.definition


def _migration(
    environment: Environment,
    release: Release,
    definition: TaskDefinition,
    purpose: Purpose,
    history: History,
) -> tuple[Migrate, ...]:
    """Return the migration that this release still needs here; a way back needs none."""
    rules = environment.migration
    if rules is None or purpose is Purpose.ROLLBACK:
        return ()
    known = history.migrations_of(environment.name, release.name)
    if any(m.outcome is Outcome.PASSED for m in known):
        return ()
    return (Migrate(environment, release, definition, rules),)


def state_of(seen: ObservedService | None) -> str:
    """Return the fingerprint of what a deployment plan depends on."""
    if seen is None:
        return fingerprint(None)
    newest = seen.deployments[0] if seen.deployments else None
    return fingerprint(seen.arn, seen.task_definition, newest.arn if newest else None)


def started_after(asked: Attempt, seen: ObservedService, release: Release) -> DeploymentArn | None:
    """Find the deployment that our lost request started: newer than what was there before it.

    Order and image decide, never a comparison of clocks.
    """
    for deployment in seen.deployments:
        if deployment.arn == asked.after:
            return None
        if release.image in deployment.images:
            return deployment.arn
    return None


def _refuse_strangers(
    environment: Environment, seen: ObservedService | None, history: History
) -> None:
    known = {a.deployment for a in history.attempts_in(environment.name)}
    for deployment in seen.deployments if seen else ():
        if deployment.status not in _OVER and deployment.arn not in known:
            raise LeaseIsHeld(
                f"a deployment is in flight that Shipway did not start: {deployment.arn}",
                where=environment.name,
                hint="let it end or stop it with `aws ecs stop-service-deployment`, then repeat",
            )
