"""Looks whether what runs is the release, and whether it answers as it should."""

from __future__ import annotations

from shipway.apply.probing import Subject, bake, probe_all
from shipway.apply.waiting import wait_for
from shipway.apply.world import World
from shipway.environments.smoke import Judged, judge_digests
from shipway.errors import AccessIsDenied, VerificationFailed, VerificationIsInconclusive
from shipway.events.types import VerificationEnded
from shipway.model.outcome import Outcome
from shipway.model.release import Release
from shipway.model.service import Environment
from shipway.plan.steps import Verify

DIGESTS_WITHIN_S = 10.0


def verify(step: Verify, world: World) -> Outcome:
    """Verify a release in its environment and write the result down; a no is not an exception."""
    judged = judge(step, world)
    name = step.environment.name
    world.publish(VerificationEnded(name, step.release.name, judged.outcome.value, judged.line))
    return judged.outcome


def check_again(step: Verify, world: World) -> None:
    """Verify without writing anything down, as `shipway verify` does for what is long verified.

    Raises:
        VerificationFailed: with the reason.
        VerificationIsInconclusive: nobody could say, and why.
    """
    judged = judge(step, world)
    where = step.environment.name
    if judged.outcome is Outcome.FAILED:
        raise VerificationFailed(judged.line, where=where)
    if judged.outcome is Outcome.INCONCLUSIVE:
        raise VerificationIsInconclusive(judged.line, where=where, hint="run it again")


def judge(step: Verify, world: World) -> Judged:
    """Judge a release where it runs: its digests, its probes, then its time to bake."""
    environment, release = step.environment, step.release
    try:
        judged = running(environment, release, world)
        if judged.outcome is not Outcome.PASSED:
            return judged
        subject = Subject(environment, release, world.orchestrator.address(environment))
        judged = probe_all(subject, world)
        if judged.outcome is Outcome.PASSED and step.bake and environment.bake_s:
            judged = bake(subject, world)
    except AccessIsDenied as problem:  # waiting does not change it, and it is no answer
        return Judged(Outcome.INCONCLUSIVE, problem.message)
    return judged if judged.outcome is not Outcome.PASSED else Judged(Outcome.PASSED, "")


def running_wrong(environment: Environment, release: Release, world: World) -> str:
    """Return why the running tasks are not this release; empty when they are, or nobody knows."""
    judged = running(environment, release, world)
    return judged.line if judged.outcome is Outcome.FAILED else ""


def running(environment: Environment, release: Release, world: World) -> Judged:
    """Judge the running tasks by their digests, giving ECS a moment to agree."""
    last = Judged(Outcome.INCONCLUSIVE, "the running tasks could not be seen")

    def look() -> Judged | None:
        nonlocal last
        last = judge_digests(release, world.orchestrator.running_tasks(environment))
        return last if last.outcome is Outcome.PASSED else None

    wait_for(look, clock=world.clock, every_s=world.poll_s, within_s=DIGESTS_WITHIN_S)
    return last
