"""Why the newest release is not live everywhere: the first place it did not get into, and why."""

from __future__ import annotations

from shipway.ledger import Attempt, History
from shipway.model.lazy import dataclass
from shipway.model.outcome import DeploymentOutcome, Outcome
from shipway.model.release import Release
from shipway.model.service import Environment, Service
from shipway.promotion.gate import No, may_enter
from shipway.promotion.hold import held


@dataclass(frozen=True, slots=True)
class WhyNot:
    """A release that is not live, or not well, in an environment; `reasons` is never empty."""

    environment: str
    release: str
    reasons: tuple[str, ...]


def why_not(service: Service, history: History) -> WhyNot | None:
    """Say why the newest release is not live in every environment.

    None when it is, or when there is no release yet. Only the first environment that it is not
    live in is named: those after it wait for that one.
    """
    if not history.releases:
        return None
    newest = history.releases[-1]
    for environment in service.environments:
        reasons = _reasons(service, environment, newest, history)
        if reasons:
            return WhyNot(environment.name, newest.name, reasons)
    return None


def _reasons(
    service: Service, environment: Environment, newest: Release, history: History
) -> tuple[str, ...]:
    attempt = history.last_attempt(environment.name, newest.name)
    live = history.live(environment.name)
    if live is not None and live.release == newest.name:
        unwell = live.verified in {Outcome.FAILED, Outcome.INCONCLUSIVE}
        return (fate(live),) if unwell else ()
    if attempt is not None and not attempt.good:
        return (fate(attempt), *_hold(environment, newest, history))
    hold = _hold(environment, newest, history)
    if hold:
        return (held(history, environment.name, newest.name), *hold)
    answer = may_enter(service, environment, newest, history)
    if isinstance(answer, No):
        return answer.reasons
    if attempt is not None:
        return (f"replaced since by {live.release if live else 'nothing'}",)
    command = f"shipway promote {environment.name} --release {newest.name}"
    return (f"nobody has asked for it: `{command}`",)


def _hold(environment: Environment, release: Release, history: History) -> tuple[str, ...]:
    if not held(history, environment.name, release.name):
        return ()
    again = f"shipway promote {environment.name} --release {release.name}"
    return (f"it is held until somebody insists: `{again}`",)


def fate(attempt: Attempt) -> str:
    """Say how a try went, with the reason where it did not go well."""
    why = attempt.reason if attempt.verified is None else attempt.verdict
    unwell = not attempt.good and bool(why)
    return f"{in_short(attempt)}: {why}" if unwell else in_short(attempt)


def in_short(attempt: Attempt) -> str:
    """Say how a try went, in a few words."""
    purpose = attempt.purpose.value
    if attempt.ended is None:
        return f"{purpose} under way"
    if attempt.ended is not DeploymentOutcome.SUCCEEDED:
        return f"{purpose} {attempt.ended.value}"
    match attempt.verified:
        case None:
            return f"{purpose} succeeded, not verified"
        case Outcome.PASSED:
            return f"{purpose} succeeded, verified"
        case Outcome.INCONCLUSIVE:
            return f"{purpose} succeeded, verification inconclusive"
        case _:
            return f"{purpose} succeeded, verification failed"
