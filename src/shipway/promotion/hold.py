"""Is a release held in an environment? It is after it was rolled back there, until one insists.

An answer from the ledger alone. It holds what goes by itself, `shipway deliver`; whoever names
the release with `shipway promote` or `deploy` insists.
"""

from __future__ import annotations

from shipway.ledger import Attempt, History
from shipway.model.outcome import DeploymentOutcome, Outcome, Purpose

_BACK = frozenset({DeploymentOutcome.ROLLED_BACK, DeploymentOutcome.ROLLBACK_FAILED})


def held(history: History, environment: str, release: str) -> str:
    """Return why a release is held in an environment, as a clause; empty when it is not."""
    tries = history.attempts_in(environment)
    places = [n for n, a in enumerate(tries) if a.release == release]
    if not places or tries[places[-1]].purpose is Purpose.ROLLBACK:
        return ""
    last = tries[places[-1]]
    if last.ended in _BACK:
        return f"it was rolled back{': ' + last.reason if last.reason else ''}"
    after = next(iter(tries[places[-1] + 1 :]), None)
    if after is None or not _replaced(last, after):
        return ""
    if last.verified is Outcome.FAILED:
        return (
            f"it was rolled back to {after.release}, since its verification failed: {last.verdict}"
        )
    return f"{after.by} rolled it back to {after.release}"


def _replaced(last: Attempt, after: Attempt) -> bool:
    """Tell whether the try after it took it away: a rollback that got there."""
    back = after.purpose is Purpose.ROLLBACK and after.ended is DeploymentOutcome.SUCCEEDED
    return back and last.ended is DeploymentOutcome.SUCCEEDED
