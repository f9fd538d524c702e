"""Runs the migration of a release before it is deployed: once, and its exit code decides.

The ledger is asked first: what passed is never run again, and a run that died is found again by
its token instead of being repeated.
"""

from __future__ import annotations

import hashlib

from shipway.apply.waiting import wait_for
from shipway.apply.world import World
from shipway.errors import MigrationFailed, StoppedWatching
from shipway.events.steering import MigrationEnded, MigrationStarted
from shipway.events.types import Output
from shipway.ledger import History
from shipway.model.migration import TaskRun
from shipway.model.outcome import Outcome
from shipway.plan.steps import Migrate


def migrate(step: Migrate, world: World) -> None:
    """Run the migration, show what it writes, and write down how it ended.

    Raises:
        MigrationFailed: its exit code is not 0, or it never ran.
        StoppedWatching: it has not ended in its time; it goes on, and the next run watches it.
    """
    name, release = step.environment.name, step.release
    known = world.history().migrations_of(name, release.name)
    if any(m.outcome is Outcome.PASSED for m in known):
        return
    token = _token(world.service, step, world.history())
    start = world.clock.monotonic()
    world.publish(MigrationStarted(name, release.name, release.digest, token, world.actor))
    tags = (("shipway:release", release.name), ("shipway:run", world.run))
    task = world.orchestrator.run_task(
        step.environment, step.definition, command=step.rules.command, token=token, tags=tags
    )
    ended = wait_for(
        _Follower(step, task, world).look,
        clock=world.clock,
        every_s=world.poll_s,
        within_s=step.rules.timeout_s,
    )
    if ended is None:
        raise StoppedWatching(
            f"the migration of {release.name} still runs after {step.rules.timeout_s:g} s",
            where=name,
            hint="nothing was deployed; the same command watches it again",
        )
    reason = _wrong(ended)
    outcome = Outcome.FAILED if reason else Outcome.PASSED
    seconds = round(world.clock.monotonic() - start, 3)
    world.publish(MigrationEnded(name, release.name, token, outcome.value, reason, seconds))
    if reason:
        raise MigrationFailed(
            f"the migration of {release.name} failed: {reason}",
            where=name,
            hint="nothing was deployed; correct it, or run the same command to try again",
        )


def _token(service: str, step: Migrate, history: History) -> str:
    """Return the token of the run that is under way, or of the next one.

    It is made of what is known before anything is asked, so that a run that died after it had
    asked ECS asks for the same task again, which ECS does not run twice.
    """
    name = step.environment.name
    known = history.migrations_of(name, step.release.name)
    tries = sum(m.outcome is not None for m in known)
    facts = "\0".join((service, name, step.release.name, step.release.digest, str(tries)))
    return hashlib.sha256(facts.encode()).hexdigest()[:36]  # ECS takes at most 64 characters


def _wrong(ended: TaskRun) -> str:
    if ended.exit_code == 0:
        return ""
    if ended.exit_code is None:
        return ended.reason or "its container never started"
    return f"exit {ended.exit_code}"


class _Follower:
    """Looks at one task, and shows each of its lines once."""

    def __init__(self, step: Migrate, task: str, world: World) -> None:
        self._step, self._task, self._world = step, task, world
        self._read_to = ""
        self._ended: TaskRun | None = None

    def look(self) -> TaskRun | None:
        step, world = self._step, self._world
        source = f"migrate {step.environment.name}"
        now = world.orchestrator.one_task(
            step.environment, step.definition, self._task, after=self._read_to
        )
        self._read_to = now.read_to
        for line in now.lines:
            world.files.append(f"{world.folder}/migrate-{step.environment.name}.log", line)
            world.publish(Output(source, line))
        if now.stopped and self._ended is None:
            self._ended = now
            return None  # its last lines may come a look later
        return now if now.stopped else None
