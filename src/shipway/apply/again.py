"""Goes back to a run that is over: what of it passed, and the environment of one of its checks."""

from __future__ import annotations

from collections.abc import Iterable

from shipway.apply.check_run import command_line, environment
from shipway.apply.run_record import KEEP_GOING, NO_CACHE, SINCE
from shipway.apply.world import World
from shipway.checks.compose import project
from shipway.checks.record import RunRecord, decode, unfinished
from shipway.errors import RunIsUnknown, WrongUsage
from shipway.model.outcome import Outcome
from shipway.model.release import Commit
from shipway.model.service import Check, CommandCheck, ComposeCheck
from shipway.plan.steps import RunChecks

SHELL = ("sh", "-i")


def find_run(texts: Iterable[tuple[str, str]], name: str | None, *, service: str = "") -> RunRecord:
    """Return the record of a run; without a name, of the newest that did not pass altogether.

    Args:
        texts: run and text of its record, newest first.
        name: of the run, or its beginning.
        service: whose run it is; another's are passed over. Anybody's without one.

    Raises:
        RunIsUnknown: there is none such.
    """
    ours = f"of {service!r} " if service else ""
    seen = False
    for run, text in texts:
        record = decode(text)
        if record is None or (service and record.service != service):
            continue
        seen = True
        if name is None and unfinished(record):
            return record
        if name is not None and run.startswith(name):
            return record
    if name is not None:
        raise RunIsUnknown(
            f"there is no record of a run {ours}called {name!r}", hint="`shipway log` names runs"
        )
    fact = (
        f"every run {ours}that is known has passed"
        if seen
        else f"there is no run {ours}on this machine"
    )
    raise RunIsUnknown(fact.rstrip(), hint="`shipway run` runs anew")


def asked_again(record: RunRecord, checks: tuple[Check, ...]) -> RunChecks:
    """Return what a run was asked for, to be done again with these checks."""
    since = next((f for f in record.flags if f.startswith(SINCE)), None)
    return RunChecks(
        None,
        checks,
        asked=record.asked,
        since=Commit(since.removeprefix(SINCE)) if since else None,
        use_cache=NO_CACHE not in record.flags,
        keep_going=KEEP_GOING in record.flags,
    )


def passed_of(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """Return what passed in a run, and under which keys."""
    return tuple((c.name, c.key) for c in record.checks if c.outcome is Outcome.PASSED and c.key)


def check_of(record: RunRecord, checks: tuple[Check, ...], name: str) -> Check:
    """Return a check that ran in a run, as it is declared now.

    Raises:
        WrongUsage: the run had no such check, or `shipway.yaml` has it no more.
    """
    known = [c.name for c in record.checks]
    found = next((c for c in checks if c.name == name), None)
    if found is None or name not in known:
        hint = f"it has: {', '.join(known)}"
        raise WrongUsage(f"run {record.run} has no check {name!r}", hint=hint)
    return found


def about(record: RunRecord, check: Check, world: World) -> dict[str, object]:
    """Return what `enter` would open, as JSON has it; of secrets the names only."""
    then = next(c for c in record.checks if c.name == check.name)
    return {
        "run": record.run,
        "check": check.name,
        "command": command_line(check),
        "folder": _folder(check, world),
        "env": {**world.env, **dict(check.env)},
        "secrets": [name for name, _ in check.secrets],
        "outcome": then.outcome.value if then.outcome else None,
        "log": then.log,
    }


def enter(check: Check, command: tuple[str, ...], world: World) -> int:
    """Run a command, or a shell, where a check ran; return its exit status."""
    env = environment(check, world)
    match check:
        case CommandCheck():
            folder = _folder(check, world)
            return world.shell.attach(command or SHELL, cwd=folder, env=env).status
        case ComposeCheck():
            name = project(world.service, world.run, check.name)
            done = world.compose.enter(check, project=name, env=env, command=command or SHELL)
            return done.status


def _folder(check: Check, world: World) -> str:
    if isinstance(check, ComposeCheck) or check.cwd == ".":
        return world.root
    return f"{world.root}/{check.cwd}"
