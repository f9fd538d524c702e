"""Writes down how a run of checks goes: `run.json` as it goes on, `junit.xml` at its end."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from threading import Lock

from shipway.apply.check_run import Result
from shipway.apply.hits import HERE, TEAM
from shipway.apply.look import Known
from shipway.apply.world import World
from shipway.checks.record import CheckRecord, RunRecord, encode
from shipway.errors import DiskIsFull
from shipway.model.outcome import Outcome
from shipway.plan.steps import RunChecks

RECORD = "run.json"
REPORT = "junit.xml"

_MANY, _OFTEN_S = 200, 0.5
SINCE, NO_CACHE, KEEP_GOING, AS_CI = "--since ", "--no-cache", "--keep-going", "--as-ci"


class Recorder:
    """Keeps the record of one run; safe from several threads.

    Args:
        step: what was asked for.
        known: the checks, under which keys.
        world: files, clock, and who we are.
        command: the verb, as it was typed.
    """

    def __init__(self, step: RunChecks, known: Known, world: World) -> None:
        self._world, self._known = world, known
        self._start = world.clock.monotonic()
        self._lock = Lock()
        self._written = self._start
        self._checks = {
            c.name: CheckRecord(name=c.name, needs=c.needs, key=self._key(c.name))
            for c in known.checks
        }
        self._record = RunRecord(
            run=world.run,
            service=world.service,
            command=world.command,
            commit=step.commit or "",
            started_at=world.clock.now(),
            tree=known.tree,
            platform=world.platform,
            asked=step.asked,
            flags=_flags(step, world),
        )
        self._write()

    def began(self, name: str) -> None:
        """Write down that a check runs now."""
        now = self._world.clock.monotonic() - self._start
        self._update(name, CheckRecord(name=name, started=round(now, 3)))

    def ended(self, result: Result, *, proves: bool = True) -> None:
        """Write down how a check ended; the build of the image is a line of its own.

        Without `proves` it gets no key: its inputs changed meanwhile, and nothing may resume on it.
        """
        self._update(
            result.check,
            CheckRecord(
                name=result.check,
                outcome=result.outcome,
                reason=self._world.redactor.text(result.verdict.reason),
                cached=result.cached,
                started=round(max(0.0, result.started - self._start), 3),
                ended=round(max(0.0, result.ended - self._start), 3),
                exit_status=result.status,
                tests=result.tests.total,
                failed_tests=tuple(map(self._world.redactor.text, result.tests.failed)),
                log=result.log,
                attempts=result.attempts,
                labels=tuple(map(self._world.redactor.text, result.verdict.labels)),
            ),
            proves=proves,
        )

    def close(self) -> None:
        """Write down that the run is over, and all reports of tests as one."""
        seconds = round(self._world.clock.monotonic() - self._start, 3)
        self._record = replace(self._record, seconds=seconds)
        self._checks = {name: _settled(check) for name, check in self._checks.items()}
        self._write()
        reports = {
            check.name: text
            for check in self._known.checks
            if check.junit and _made_a_report(self._checks[check.name])
            if (text := self._world.files.read(f"{self._world.root}/{check.junit}")) is not None
        }
        if reports:
            from shipway.checks.merge import merged  # noqa: PLC0415 - many runs have no reports

            text = self._world.redactor.text(merged(reports))
            with suppress(DiskIsFull):
                self._world.files.write(f"{self._world.folder}/{REPORT}", text)

    def _key(self, name: str) -> str:
        """Return what a later resume compares: the key, or else the state of the whole tree."""
        key = self._known.keys.get(name)
        return key.key if key else self._known.tree

    def _update(self, name: str, record: CheckRecord, *, proves: bool = True) -> None:
        with self._lock:
            old = self._checks.get(name)
            needs, key = (old.needs, old.key) if old else ((), "")
            self._checks[name] = replace(record, needs=needs, key=key if proves else "")
            self._write(soon=True)

    def _write(self, *, soon: bool = False) -> None:
        """Write the record; a disk without room must not decide about the checks.

        With very many checks it is written `soon` enough, not after each: it holds them all.
        """
        now = self._world.clock.monotonic()
        if soon and len(self._checks) > _MANY and now - self._written < _OFTEN_S:
            return
        self._written = now
        record = replace(self._record, checks=tuple(self._checks.values()))
        with suppress(DiskIsFull):
            self._world.files.write(f"{self._world.folder}/{RECORD}", encode(record))


def _settled(check: CheckRecord) -> CheckRecord:
    """Return what a check is at the end of its run: what has not begun by then never will."""
    if check.outcome is not None or check.started is not None:
        return check
    return replace(check, outcome=Outcome.SKIPPED, reason="not started")


def _made_a_report(check: CheckRecord) -> bool:
    """Tell whether the report in the checkout is of this run; else it is of an earlier one."""
    return check.attempts > 0 or check.cached in {HERE, TEAM}


def _flags(step: RunChecks, world: World) -> tuple[str, ...]:
    flags = {
        f"{SINCE}{step.since}": step.since is not None,
        NO_CACHE: not step.use_cache,
        KEEP_GOING: step.keep_going,
        AS_CI: "CI" in world.env,
    }
    return tuple(flag for flag, given in flags.items() if given)
