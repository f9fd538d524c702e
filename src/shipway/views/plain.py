"""Events for people without a terminal: one line each, what matters only, in the order of time."""

from __future__ import annotations

from collections.abc import Callable

from shipway.events.judging import ProbeEnded, VerificationJudged
from shipway.events.steering import DeploymentSteered, MigrationEnded, MigrationStarted
from shipway.events.types import (
    ApprovalGiven,
    ApprovalRefused,
    CheckEnded,
    ChecksEnded,
    CheckStarted,
    DeploymentEnded,
    DeploymentRequested,
    Entry,
    Event,
    GateAnswered,
    ReaderFailed,
    ReleaseRecorded,
    RunEnded,
    RunStarted,
    StepEnded,
    StepStarted,
    VerificationEnded,
    Warned,
)
from shipway.events.watching import DeploymentMoved, DeploymentPaused, EcsSaid, TaskStopped
from shipway.views.words import MARKS, duration, moment, short

LABELS = 10


class PlainLines:
    """A reader of the stream that writes lines, each with the seconds since the run began.

    Args:
        write: takes one line, without its end.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._start: float | None = None

    def __call__(self, entry: Entry) -> None:
        """Write what an event has to say; most outputs stay in their log files.

        A no is left to the error that ends the command: it says the same, and what to do.
        """
        self.begin(entry.at)
        if isinstance(entry.event, RunEnded | GateAnswered) and not _is_yes(entry.event):
            return
        for line in lines_of(entry.event, service=entry.service, run=entry.run):
            self.say(line, entry.at)

    def begin(self, at: float) -> None:
        """Count time from that moment, unless it is counted already."""
        self._start = at if self._start is None else self._start

    def say(self, line: str, at: float) -> None:
        """Write a line of our own, said at that moment."""
        since = at if self._start is None else self._start
        self._write(f"{at - since:7.1f}s  {line}")


def lines_of(event: Event, *, service: str, run: str) -> list[str]:  # noqa: PLR0911 - one case per event
    """Return the lines that an event is worth; empty for what only logs and machines want."""
    match event:
        case RunStarted(command, actor, commit):
            what = f" of {commit[:8]}" if commit else ""
            return [f"{command}: {service}{what}, by {actor}, run {run}"]
        case StepStarted(sentence):
            return [sentence]
        case StepEnded() if event.outcome != "passed":
            return [f"  {MARKS[event.outcome]} after {duration(event.seconds)}"]
        case StepEnded():
            return [f"  ok, {duration(event.seconds)}"]
        case RunEnded() if event.outcome == "passed":
            return [f"done in {duration(event.seconds)}"]
        case RunEnded():
            why = event.reason.partition("\n")[0]
            return [f"ended after {duration(event.seconds)}, exit {event.exit_status}: {why}"]
        case ReaderFailed(reader, problem):
            return [f"warning: {reader} failed and is left out: {problem}"]
        case Warned(about, message):
            return [f"  warning: {about}: {message}" if about else f"  warning: {message}"]
        case _:
            return _check_lines(event)


def _check_lines(event: Event) -> list[str]:
    """Return the lines of how checks go."""
    match event:
        case CheckStarted(check, command):
            return [f"  {check:<12} started: {command}"]
        case CheckEnded():
            return [f"  {_check(event)}", *(f"    {label}" for label in event.labels[:LABELS])]
        case ChecksEnded():
            tests = f", {event.tests} tests" if event.tests else ""
            return [f"  checks {event.outcome} in {duration(event.seconds)}{tests}"]
        case _:
            return _release_lines(event)


def _release_lines(event: Event) -> list[str]:  # noqa: PLR0911 - one case per event
    """Return the lines of what happens to a release: recorded, approved, deployed, verified."""
    match event:
        case ReleaseRecorded(release, _, branch, _, subject, _, digest):
            return [f"  release {release} ({branch}: {subject}) is {short(digest)}"]
        case DeploymentRequested(_, release, digest, purpose, by, _):
            return [f"  {purpose} of {release}, {short(digest)}, asked for by {by}"]
        case DeploymentMoved() | DeploymentPaused() | TaskStopped() | EcsSaid():
            return _watched_lines(event)
        case DeploymentSteered() | MigrationStarted() | MigrationEnded():
            return [_steered(event)]
        case DeploymentEnded(_, _, _, outcome, reason, _):
            return [f"  deployment {outcome}{': ' + reason if reason else ''}"]
        case ProbeEnded(_, outcome, line):
            return [f"  {MARKS[outcome]}: {line}"]
        case VerificationEnded(_, release, outcome, reason) if outcome == "inconclusive":
            return [f"  nobody can say whether {release} is well: {reason}"]
        case VerificationEnded(_, release, outcome, reason):
            return [f"  {release} {'is well' if outcome == 'passed' else reason}"]
        case _:
            return _decision_lines(event)


def _decision_lines(event: Event) -> list[str]:
    """Return the lines of what people and gates decide about a release."""
    match event:
        case VerificationJudged(environment, release, accepted, by, reason):
            word = "accepted" if accepted else "refused"
            return [f"{by} {word} {release} in {environment}: {reason}"]
        case GateAnswered(environment, release, allowed, reasons):
            said = "yes" if allowed else f"no, {'; '.join(reasons)}"
            return [f"gate of {environment} for {release}: {said}"]
        case ApprovalGiven(_, release, digest, by, comment):
            return [f"{by} approved {release}, {short(digest)}{': ' + comment if comment else ''}"]
        case ApprovalRefused(_, release, digest, by, comment):
            return [f"{by} rejected {release}, {short(digest)}{': ' + comment if comment else ''}"]
        case _:
            return []


def _steered(event: DeploymentSteered | MigrationStarted | MigrationEnded) -> str:
    """Return the line of what was done to a deployment, or before it."""
    match event:
        case DeploymentSteered(_, release, _, action, by):
            return f"  {action} of {release} while it is under way, asked for by {by}"
        case MigrationStarted(_, release, digest, _, by):
            return f"  migration of {release}, {short(digest)}, asked for by {by}"
        case MigrationEnded(_, _, _, outcome, reason, _):
            return f"  migration {outcome}{': ' + reason if reason else ''}"


def _watched_lines(event: DeploymentMoved | DeploymentPaused | TaskStopped | EcsSaid) -> list[str]:
    """Return the lines of how a deployment goes."""
    match event:
        case DeploymentMoved():
            return [f"  {_moved(event)}"]
        case DeploymentPaused():
            return _paused(event)
        case TaskStopped():
            return _stopped(event)
        case EcsSaid(_, message, trouble):
            return [f"  ECS: {message}"] if trouble else []


def _is_yes(event: RunEnded | GateAnswered) -> bool:
    return event.allowed if isinstance(event, GateAnswered) else event.outcome == "passed"


def _check(event: CheckEnded) -> str:
    tests = f", {event.tests} tests" if event.tests else ""
    why = f": {event.reason}" if event.reason else ""
    took = f"cached ({event.cached})" if event.cached else duration(event.seconds)
    return f"{event.check:<12} {MARKS[event.outcome]}, {took}{tests}{why}"


def _moved(event: DeploymentMoved) -> str:
    limit = f" of {event.threshold}" if event.threshold else ""
    failures = f", {event.failures}{limit} failed" if event.failures else ""
    status = event.status.lower().replace("_", " ")
    turned = event.stage or event.status not in {"PENDING", "IN_PROGRESS"} or event.alarms_fired
    if event.sentence and turned:
        return f"{event.sentence}{failures}"
    if event.status.startswith("ROLLBACK"):
        return f"{status}{failures}"
    return f"{event.running} of {event.desired} tasks run, {status}{failures}"


def _paused(event: DeploymentPaused) -> list[str]:
    until = ""
    if event.expires_at is not None:
        then = "rolls it back" if event.at_expiry == "ROLLBACK" else "lets it go on"
        until = f"; at {moment(event.expires_at)} ECS {then}"
    return [
        f"  paused: hook {event.hook} waits for a person{until}",
        f"    `{event.goes_on}` lets it go on, `{event.goes_back}` does not",
    ]


def _stopped(event: TaskStopped) -> list[str]:
    code = f" (exit {event.exit_code})" if event.exit_code is not None else ""
    why = ", no capacity" if event.cause == "no capacity" else ""
    head = f"  task {event.task[:12]} stopped{code}{why}: {event.reason}"
    return [head, *(f"    | {line[:160]}" for line in event.last_lines)]
