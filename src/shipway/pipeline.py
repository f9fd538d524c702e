"""The whole delivery on one page: start reading here.

    push -> checks -> image (digest) -> Release
         -> preprod:    deploy -> watch -> verify
         -> production: gate -> deploy -> watch -> verify        (and back again where it fails)

A delivery remembers nothing but the ledger. Whoever runs it asks `next_phase` what to do, looks
at the outside as far as `plan` needs, applies the plan, and asks again. So a delivery that was
killed at any moment is finished by running it again: the ledger says where it stood, and what was
asked of the outside but not yet written down is recognised and taken over, never repeated.
"""

from __future__ import annotations

from shipway.environments.plan import plan_deployment
from shipway.image.plan import plan_image
from shipway.ledger import Attempt, History
from shipway.model.lazy import dataclass
from shipway.model.observed import DeploymentArn, ObservedService
from shipway.model.outcome import DeploymentOutcome, Outcome, Purpose
from shipway.model.release import Digest, Release, Source
from shipway.model.service import Environment, Service
from shipway.plan.plan import Plan
from shipway.plan.steps import Verify, Watch
from shipway.promotion.gate import No, may_enter
from shipway.promotion.hold import held
from shipway.promotion.rollback import previous_good


@dataclass(frozen=True, slots=True)
class Journey:
    """What somebody asked for: this commit or release, through these stops, in this run.

    `insist` when the release has to be live at the end even though it was there before, as
    `deploy`, `promote` and `rollback` mean it and `deliver` does not. `nightly` is the UTC date of
    a scheduled run, `YYYY-MM-DD`; "" in any other. `despite` are codes of findings before a
    deployment that are not to hold it up.
    """

    service: Service
    source: Source
    stops: tuple[Environment, ...]
    run: str
    purpose: Purpose = Purpose.DELIVERY
    insist: bool = False
    verify: bool = True
    nightly: str = ""
    despite: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Build:
    """There is no release of the commit yet."""


@dataclass(frozen=True, slots=True)
class Bring:
    """The release is to be deployed here."""

    environment: Environment
    release: Release
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class Follow:
    """A deployment of ours is under way here."""

    environment: Environment
    release: Release
    deployment: DeploymentArn


@dataclass(frozen=True, slots=True)
class Examine:
    """The release runs here and has to be verified; what was good here before need not bake."""

    environment: Environment
    release: Release
    bake: bool = True


@dataclass(frozen=True, slots=True)
class Wait:
    """A gate said no, or a person has to judge: it stops here until what it names has changed."""

    environment: Environment
    release: Release
    reasons: tuple[str, ...]
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """It failed here; `attempt` says how, `back_at` what runs there again, if anything changed."""

    environment: Environment
    release: Release
    attempt: Attempt
    back_at: str | None


@dataclass(frozen=True, slots=True)
class Done:
    """The release is where it was to go."""

    release: Release


Work = Build | Bring | Follow | Examine
End = Wait | Stop | Done


def next_phase(journey: Journey, history: History) -> Work | End:
    """Say what comes next for a journey, from what the ledger says has happened."""
    release = history.release_of(journey.source.commit)
    if release is None:
        return Build()
    for environment in journey.stops:
        phase = _at(environment, release, journey, history)
        if phase is not None:
            return phase
    return Done(release)


def plan(
    work: Build | Bring,
    journey: Journey,
    history: History,
    *,
    repository: str = "",
    image: Digest | None = None,
    service: ObservedService | None = None,
) -> Plan:
    """Plan a phase of work from what was observed for it: the image, or the ECS service."""
    match work:
        case Build():
            checked = journey.source.commit in history.checked
            return plan_image(
                journey.service,
                journey.source,
                repository=repository,
                found=image,
                checked=checked,
                nightly=journey.nightly,
            )
        case Bring(environment, release, purpose):
            return plan_deployment(
                journey.service,
                environment,
                release,
                purpose=purpose,
                seen=service,
                history=history,
            )


def plan_known(work: Follow | Examine) -> Plan:
    """Plan a phase that needs no look at the outside."""
    match work:
        case Follow(environment, release, deployment):
            return Plan((Watch(environment, release, deployment),))
        case Examine(environment, release, bake):
            return Plan((Verify(environment, release, bake),))


def _at(
    environment: Environment, release: Release, journey: Journey, history: History
) -> Work | End | None:
    """Say what comes next in one environment; None when the release may go on from here."""
    way_back = _way_back(environment, release, journey, history)
    if way_back is not None:
        return way_back
    attempt = history.last_attempt(environment.name, release.name)
    live = history.live(environment.name)
    if attempt is None:
        return _enter(environment, release, journey, history)
    held_here = _hold(environment, release, attempt, journey, history)
    if attempt.ended is None or held_here is not None:
        return held_here or _resume(environment, release, attempt)
    here = live is not None and live.release == release.name
    if attempt.ended is DeploymentOutcome.SUCCEEDED and (here or not journey.insist):
        return _arrived(environment, release, attempt, journey, history)
    if attempt.run == journey.run and not attempt.good:
        return Stop(environment, release, attempt, back_at=live.release if live else None)
    return _enter(environment, release, journey, history)


def _hold(
    environment: Environment,
    release: Release,
    attempt: Attempt,
    journey: Journey,
    history: History,
) -> Wait | None:
    """Keep a release out that was rolled back here, until somebody insists; its own run stops."""
    if journey.insist or journey.purpose is Purpose.ROLLBACK or attempt.run == journey.run:
        return None
    why = held(history, environment.name, release.name)
    return Wait(environment, release, (f"{release.name} is held: {why}",)) if why else None


def _resume(environment: Environment, release: Release, attempt: Attempt) -> Bring | Follow:
    """Go on where a run, this one or one that died, was in the middle of a deployment."""
    if attempt.deployment is None:
        return Bring(environment, release, attempt.purpose)
    return Follow(environment, release, attempt.deployment)


def _arrived(
    environment: Environment,
    release: Release,
    attempt: Attempt,
    journey: Journey,
    history: History,
) -> Work | End | None:
    """Say what comes after a deployment that succeeded; a verification is never taken on trust."""
    live = history.live(environment.name)
    if attempt.verified is Outcome.PASSED or (attempt.verified is None and not journey.verify):
        return None
    if live is None or live.release != release.name:
        return _enter(environment, release, journey, history)
    by_person = attempt.verified is Outcome.FAILED and attempt.judged_by
    if attempt.verified is None or (attempt.run != journey.run and not by_person):
        return Examine(environment, release, bake=attempt.purpose is Purpose.DELIVERY)
    if attempt.verified is Outcome.INCONCLUSIVE:
        return _ask(environment, release, attempt)
    return _return_or_stop(environment, release, attempt, history)


def _enter(
    environment: Environment, release: Release, journey: Journey, history: History
) -> Bring | Wait:
    """Ask the gate; a rollback is exempt, since it only leads to what was good there before."""
    if journey.purpose is Purpose.DELIVERY:
        answer = may_enter(journey.service, environment, release, history)
        if isinstance(answer, No):
            return Wait(environment, release, answer.reasons)
    return Bring(environment, release, journey.purpose)


def _ask(environment: Environment, release: Release, attempt: Attempt) -> Wait:
    """Let a person decide what could not be found out; it is no pass, and no reason to go back."""
    question = f"verification of {release.name} was inconclusive: {attempt.verdict}"
    command = f"shipway verify {environment.name}"
    answers = f"`{command} --accept --reason WHY` or `{command} --refuse --reason WHY`"
    return Wait(environment, release, (question, f"a person decides: {answers}"), unsure=True)


def _return_or_stop(
    environment: Environment, release: Release, attempt: Attempt, history: History
) -> Bring | Stop:
    """After a failed verification: back to the last good release, never from a rollback."""
    target = previous_good(history, environment.name)
    if target is None or attempt.purpose is Purpose.ROLLBACK:
        return Stop(environment, release, attempt, back_at=None)
    return Bring(environment, target, Purpose.ROLLBACK)


def _way_back(
    environment: Environment, release: Release, journey: Journey, history: History
) -> Work | End | None:
    """Go on with an automatic rollback that this journey's failed verification began."""
    tries = history.attempts_in(environment.name)
    if len(tries) <= 1 or tries[-1].purpose is not Purpose.ROLLBACK:
        return None
    back, failed = tries[-1], tries[-2]
    target = history.named(back.release)
    ours = back.run == journey.run or back.pending
    if not ours or target is None or failed.release != release.name or target == release:
        return None
    if failed.verified is not Outcome.FAILED:
        return None  # a rollback by hand, from a release that was well
    if back.ended is None:
        return _resume(environment, target, back)
    return _returned(environment, target, failed, back, release)


def _returned(
    environment: Environment, target: Release, failed: Attempt, back: Attempt, release: Release
) -> Work | End:
    """Say what comes after the way back has ended: it is verified too, though it need not bake."""
    if back.ended is DeploymentOutcome.SUCCEEDED and back.verified is None:
        return Examine(environment, target, bake=False)
    if back.verified is Outcome.INCONCLUSIVE:
        return _ask(environment, target, back)
    returned = target.name if back.good else None
    return Stop(environment, release, failed if back.good else back, back_at=returned)
