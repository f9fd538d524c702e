"""A rollback by hand: what is under way is turned back, else the good release is deployed again."""

from __future__ import annotations

from shipway.apply.delivery import travel
from shipway.apply.reversal import see_through, turn_back
from shipway.apply.verification import running_wrong
from shipway.apply.world import World
from shipway.errors import (
    DeploymentFailed,
    LeaseIsHeld,
    NothingIsUnderWay,
    NothingToRollBackTo,
    OutsideDidNotAnswer,
    RollbackFailed,
)
from shipway.events.types import Warned
from shipway.image.tags import immutable_tag
from shipway.ledger import Attempt, History
from shipway.model.observed import DeploymentArn
from shipway.model.outcome import DeploymentOutcome, Outcome, Purpose
from shipway.model.release import Release, Source
from shipway.model.service import Environment, Service
from shipway.pipeline import Journey
from shipway.promotion.rollback import rollback_target


def roll_back(service: Service, environment: Environment, to: str | None, world: World) -> Release:
    """Bring an environment back to a release that was good there, and return that release.

    Nothing is asked that does not concern the way back: no gate, no check, no other environment.

    Raises:
        NothingToRollBackTo: nothing was good there before, or its image is gone.
        RollbackFailed: the way back failed too, or something else runs now.
        LeaseIsHeld: a rollback is under way already.
    """
    history = world.history()
    flying = history.last_attempt(environment.name)
    if flying is not None and flying.ended is None and flying.deployment is not None:
        back = _turned_back(environment, flying, flying.deployment, world, history)
        if back is not None and (to is None or history.find(to) == back):
            return back
    target = rollback_target(world.history(), environment.name, to)
    _warn_of_migrations(environment, target, world)
    _refuse_without_image(service, environment, target, world)
    return travel(
        Journey(
            service=service,
            source=_source(target),
            stops=(environment,),
            run=world.run,
            purpose=Purpose.ROLLBACK,
            insist=True,
        ),
        world,
    )


def _turned_back(
    environment: Environment,
    flying: Attempt,
    arn: DeploymentArn,
    world: World,
    history: History,
) -> Release | None:
    """Turn back what is under way; None when it was over before, so that more is to be done."""
    name = environment.name
    live, release = history.live(name), history.named(flying.release)
    if flying.purpose is Purpose.ROLLBACK:
        raise LeaseIsHeld(
            f"a rollback to {flying.release} is under way", where=name, hint=f"shipway watch {name}"
        )
    target = history.named(live.release) if live else None
    if target is None or release is None:
        raise NothingToRollBackTo(
            f"{flying.release} is the first release here: there is nothing to return to", where=name
        )
    try:
        turn_back(environment, release, arn, world)
    except NothingIsUnderWay:
        see_through(environment, release, arn, world)  # so that the ledger knows its end
        return None
    _warn_of_migrations(environment, target, world)
    outcome = see_through(environment, release, arn, world)
    match outcome:
        case DeploymentOutcome.ROLLED_BACK:
            wrong = running_wrong(environment, target, world)
            if wrong:
                raise RollbackFailed(f"ECS went back, but {wrong}", where=name)
            return target
        case DeploymentOutcome.SUCCEEDED:  # it was faster than we were
            return None
        case DeploymentOutcome.FAILED | DeploymentOutcome.SUPERSEDED:
            message = f"{release.name} was stopped ({outcome.value}), not rolled back"
            raise DeploymentFailed(message, where=name, hint=f"shipway rollback {name}")
        case DeploymentOutcome.ROLLBACK_FAILED:
            hint = "a person is needed: `shipway status` shows what runs"
            raise RollbackFailed(f"the way back from {release.name} failed", where=name, hint=hint)


def _refuse_without_image(
    service: Service, environment: Environment, target: Release, world: World
) -> None:
    """Refuse a release whose image is gone: ECS could start none of its tasks.

    A registry that does not answer us is no reason: ECS asks it with another role.
    """
    try:
        found = world.registry.digest(service.image.repository, immutable_tag(target.commit))
    except OutsideDidNotAnswer as problem:
        world.publish(Warned("rollback", f"could not ask for the image: {problem.message}"))
        return
    if found != target.digest:
        raise NothingToRollBackTo(
            f"the image of {target.name} is not in the registry any more: {target.digest[:19]}",
            where=environment.name,
            hint="`shipway releases` shows what else was good there; take it with `--to R`",
        )


def _warn_of_migrations(environment: Environment, target: Release, world: World) -> None:
    """Say that the data was migrated since: old code meets new data, which nobody takes back."""
    history = world.history()
    arrived = [a for a in history.attempts_in(environment.name) if a.release == target.name]
    since = arrived[-1].at if arrived else 0.0
    crossed = [
        m.release
        for m in history.migrations
        if m.environment == environment.name
        and m.outcome is Outcome.PASSED
        and m.at > since
        and m.release != target.name
    ]
    if crossed:
        names = ", ".join(dict.fromkeys(crossed))
        message = (
            f"this crosses the migration of {names}: {target.name} will meet data that was "
            "migrated after it; the migration is not taken back"
        )
        world.publish(Warned(f"rollback of {environment.name}", message))


def _source(release: Release) -> Source:
    return Source(release.commit, release.branch, release.author, release.subject, "")
