"""Which earlier release to return to: one that was found good there, never a guess."""

from __future__ import annotations

from shipway.errors import NothingToRollBackTo
from shipway.ledger import Attempt, History
from shipway.model.outcome import Purpose
from shipway.model.release import Release


def previous_good(history: History, environment: str) -> Release | None:
    """Return the last release that was verified there before the one that is live.

    A rollback never leads back to what was rolled back from: after B was rolled back to A, the
    release before A is next. None when there is no such release.
    """
    live = history.live(environment)
    if live is None:
        return None
    attempts = history.attempts_in(environment)
    before = attempts[: _arrival(attempts, live.release)]
    good = (a for a in reversed(before) if a.good and a.release != live.release)
    found = next(good, None)
    return history.named(found.release) if found else None


def rollback_target(history: History, environment: str, to: str | None) -> Release:
    """Return the release that a rollback by hand leads to.

    Raises:
        NothingToRollBackTo: when no earlier one was verified there, or `to` never was.
        ReleaseIsUnknown: when `to` names none.
    """
    if to is not None:
        wanted = history.find(to)
        if not history.verified_in(environment, wanted.name):
            raise NothingToRollBackTo(
                f"{wanted.name} was never verified in {environment}",
                where=environment,
                hint=f"the way forward is `shipway promote {environment} --release {wanted.name}`",
            )
        return wanted
    found = previous_good(history, environment)
    if found is None:
        raise NothingToRollBackTo(
            "no earlier release was verified here",
            where=environment,
            hint=f"`shipway log` shows what was tried in {environment}",
        )
    return found


def _arrival(attempts: tuple[Attempt, ...], release: str) -> int:
    """Return where a release last came there by a delivery; the end when it never did."""
    arrivals = [
        n for n, a in enumerate(attempts) if a.release == release and a.purpose is Purpose.DELIVERY
    ]
    return arrivals[-1] if arrivals else len(attempts)
