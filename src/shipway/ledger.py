"""What the events add up to: what is live where, since when, by whom, and what was tried.

A pure fold over one service's history, in the order in which it was written. It reads no clock
and no store.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from shipway.errors import ReleaseIsUnknown
from shipway.events.judging import VerificationJudged
from shipway.events.steering import MigrationEnded, MigrationStarted
from shipway.events.types import (
    ApprovalGiven,
    ApprovalRefused,
    ChecksEnded,
    DeploymentEnded,
    DeploymentRequested,
    DeploymentStarted,
    Entry,
    Event,
    ReleaseRecorded,
    VerificationEnded,
)
from shipway.model.lazy import dataclass
from shipway.model.migration import Migration
from shipway.model.observed import DeploymentArn
from shipway.model.outcome import DeploymentOutcome, Outcome, Purpose
from shipway.model.release import Commit, Digest, Release

MIN_PREFIX = 4

_Fact = DeploymentStarted | DeploymentEnded | VerificationEnded | VerificationJudged


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to bring a release into an environment; what is not known yet is None.

    `at` is when it was asked for and `ended_at` when it was over, both in seconds since the
    epoch; `after` is the newest deployment that the service had before.
    `spec` is all that was asked for: `model.spec.decode` reads it, and gives None where it is of no
    use (an entry of an older Shipway). `judged_by` is the person who decided about a verification
    that was inconclusive.
    """

    environment: str
    release: str
    digest: Digest
    purpose: Purpose
    run: str
    by: str
    at: float
    after: DeploymentArn | None
    deployment: DeploymentArn | None = None
    ended: DeploymentOutcome | None = None
    ended_at: float | None = None
    reason: str = ""
    verified: Outcome | None = None
    verdict: str = ""
    spec: str = ""
    judged_by: str = ""

    @property
    def good(self) -> bool:
        """Whether the release ran there and was verified."""
        return self.ended is DeploymentOutcome.SUCCEEDED and self.verified is Outcome.PASSED

    @property
    def pending(self) -> bool:
        """Whether something about it is still to be found out."""
        if self.ended is None:
            return True
        return self.ended is DeploymentOutcome.SUCCEEDED and self.verified is None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one person said about one digest entering one environment; the last word counts."""

    environment: str
    release: str
    digest: Digest
    by: str
    agrees: bool
    comment: str
    at: float


@dataclass(frozen=True, slots=True)
class History:
    """Everything that is known of a service; each tuple in the order in which it happened."""

    releases: tuple[Release, ...] = ()
    recorded_at: tuple[float, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    migrations: tuple[Migration, ...] = ()
    checked: frozenset[Commit] = frozenset()

    def release_of(self, commit: Commit) -> Release | None:
        """Return the one release of a commit; None while there is none."""
        return next((r for r in self.releases if r.commit == commit), None)

    def named(self, name: str) -> Release | None:
        """Return the release of exactly that name."""
        return next((r for r in self.releases if r.name == name), None)

    def find(self, text: str) -> Release:
        """Find a release by name, digest, or the beginning of its commit (4 digits or more).

        Raises:
            ReleaseIsUnknown: when none fits, or several do.
        """
        exact = self.named(text)
        if exact:
            return exact
        wanted = text.lower()
        fitting = [
            r
            for r in self.releases
            if len(wanted) >= MIN_PREFIX
            and (r.commit.startswith(wanted) or wanted in (r.name, r.digest))
        ]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            names = ", ".join(r.name for r in fitting)
            raise ReleaseIsUnknown(f"{text!r} fits several releases: {names}", hint="be longer")
        raise ReleaseIsUnknown(
            f"there is no release {text!r}",
            hint="`shipway releases` lists them; one exists once its image is in the registry",
        )

    def attempts_in(self, environment: str) -> tuple[Attempt, ...]:
        """Return all tries in an environment, oldest first."""
        return tuple(a for a in self.attempts if a.environment == environment)

    def last_attempt(self, environment: str, release: str | None = None) -> Attempt | None:
        """Return the newest try in an environment, of one release where it is named."""
        tries = self.attempts_in(environment)
        fitting = (a for a in reversed(tries) if release is None or a.release == release)
        return next(fitting, None)

    def migrations_of(self, environment: str, release: str) -> tuple[Migration, ...]:
        """Return the runs of a release's migration there, oldest first; one that passed is last."""
        return tuple(
            m for m in self.migrations if (m.environment, m.release) == (environment, release)
        )

    def live(self, environment: str) -> Attempt | None:
        """Return the try that put there what runs now; None before the first success."""
        tries = reversed(self.attempts_in(environment))
        return next((a for a in tries if a.ended is DeploymentOutcome.SUCCEEDED), None)

    def verified_in(self, environment: str, release: str) -> bool:
        """Tell whether this release ever ran there and was found good."""
        return any(a.good and a.release == release for a in self.attempts_in(environment))

    def opinions_on(self, environment: str, digest: Digest) -> tuple[Opinion, ...]:
        """Return each person's last word on this digest there, in the order of speaking."""
        last = {
            o.by.strip().casefold(): o  # one person in two spellings is one person
            for o in self.opinions
            if o.environment == environment and o.digest == digest
        }
        return tuple(sorted(last.values(), key=lambda o: o.at))


def fold(entries: Iterable[Entry]) -> History:
    """Add up the history of one service; entries must come in the order of their writing."""
    history = History()
    for entry in entries:
        history = _add(history, entry, entry.event)
    return history


def _add(history: History, entry: Entry, event: Event) -> History:  # noqa: PLR0911 - one per event
    match event:
        case ReleaseRecorded():
            return replace(
                history,
                releases=(*history.releases, _release(entry.service, event)),
                recorded_at=(*history.recorded_at, entry.at),
            )
        case DeploymentRequested():
            return replace(history, attempts=_begun(history.attempts, _attempt(entry, event)))
        case DeploymentStarted() | DeploymentEnded() | VerificationEnded() | VerificationJudged():
            return replace(history, attempts=_follow(history.attempts, entry, event))
        case MigrationStarted() | MigrationEnded():
            return replace(history, migrations=_migrated(history.migrations, entry.at, event))
        case ApprovalGiven() | ApprovalRefused():
            return replace(history, opinions=(*history.opinions, _opinion(entry, event)))
        case ChecksEnded(outcome=Outcome.PASSED.value) if event.commit:
            return replace(history, checked=history.checked | {Commit(event.commit)})
        case _:
            return history


def _migrated(
    known: tuple[Migration, ...], at: float, event: MigrationStarted | MigrationEnded
) -> tuple[Migration, ...]:
    if isinstance(event, MigrationStarted):
        begun = Migration(event.environment, event.release, event.token, at)
        return (*(m for m in known if m.token != event.token), begun)
    ended = Outcome(event.outcome)
    return tuple(
        replace(m, outcome=ended, reason=event.reason) if m.token == event.token else m
        for m in known
    )


def _release(service: str, event: ReleaseRecorded) -> Release:
    return Release(
        service=service,
        commit=Commit(event.commit),
        branch=event.branch,
        author=event.author,
        subject=event.subject,
        repository=event.repository,
        digest=Digest(event.digest),
    )


def _attempt(entry: Entry, event: DeploymentRequested) -> Attempt:
    return Attempt(
        environment=event.environment,
        release=event.release,
        digest=Digest(event.digest),
        purpose=Purpose(event.purpose),
        run=entry.run,
        by=event.by,
        at=entry.at,
        after=DeploymentArn(event.after) if event.after else None,
        spec=event.spec,
    )


def _begun(attempts: tuple[Attempt, ...], new: Attempt) -> tuple[Attempt, ...]:
    """Add a try; one that only repeats a request which never arrived takes its place."""
    here = [n for n, a in enumerate(attempts) if a.environment == new.environment]
    last = attempts[here[-1]] if here else None
    lost = last is not None and last.deployment is None and last.ended is None
    if last and lost and (last.release, last.purpose) == (new.release, new.purpose):
        return (*attempts[: here[-1]], *attempts[here[-1] + 1 :], new)
    return (*attempts, new)


def _follow(
    attempts: tuple[Attempt, ...],
    entry: Entry,
    event: _Fact,
) -> tuple[Attempt, ...]:
    """Write what happened onto the newest try of that release there; ignore it without one."""
    for n in range(len(attempts) - 1, -1, -1):
        attempt = attempts[n]
        if (attempt.environment, attempt.release) == (event.environment, event.release):
            return (*attempts[:n], _changed(attempt, entry, event), *attempts[n + 1 :])
    return attempts


def _changed(attempt: Attempt, entry: Entry, event: _Fact) -> Attempt:
    """Add a fact; whoever finds it out, perhaps after another run died, has taken the try over."""
    attempt = replace(attempt, run=entry.run)
    match event:
        case VerificationJudged():
            outcome = Outcome.PASSED if event.accepted else Outcome.FAILED
            word = "accepted" if event.accepted else "refused"
            verdict = f"{word} by {event.by}: {event.reason}"
            return replace(attempt, verified=outcome, verdict=verdict, judged_by=event.by)
        case DeploymentStarted():
            return replace(attempt, deployment=DeploymentArn(event.deployment))
        case DeploymentEnded():
            ended = DeploymentOutcome(event.outcome)
            return replace(attempt, ended=ended, ended_at=entry.at, reason=event.reason)
        case VerificationEnded():
            outcome = Outcome(event.outcome)
            return replace(attempt, verified=outcome, verdict=event.reason, judged_by="")


def _opinion(entry: Entry, event: ApprovalGiven | ApprovalRefused) -> Opinion:
    return Opinion(
        environment=event.environment,
        release=event.release,
        digest=Digest(event.digest),
        by=event.by,
        agrees=isinstance(event, ApprovalGiven),
        comment=event.comment,
        at=entry.at,
    )
