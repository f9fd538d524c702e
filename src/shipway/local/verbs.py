"""What `shipway local` does: up, status, down, reset, follow."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

from shipway.errors import LeaseIsHeld, LocalIsDown, OutsideDidNotAnswer, WrongUsage
from shipway.local import asking, home, installation, instance, preflight, repository, runs
from shipway.local import follow as following
from shipway.local.files import tail
from shipway.local.locks import is_held, take
from shipway.local.processes import identity, is_alive, send, start_detached, wait_until
from shipway.local.reports import wait_until_ready
from shipway.local.sweep import sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipway.local.home import Home
    from shipway.local.instance import Instance
    from shipway.local.locks import Lock

    Say = Callable[[str], None]

_REAPER_TIMEOUT_S: Final = 60.0
_DOWN_TIMEOUT_S: Final = 90.0
_KILLED_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Status:
    """How an instance is. `instance` is `None` when there never was one."""

    up: bool
    instance: Instance | None
    aws: bool  # ministack answers
    running: tuple[str, ...]  # deliveries
    services: tuple[str, ...]  # that have a repository to push to


def up(place: Home, environ: Mapping[str, str], say: Say) -> tuple[Instance, bool]:
    """Bring the embedded default up; return where it answers, and whether it was up before.

    Raises:
        ToolIsMissing, EngineIsDown: see `preflight.check`.
        LeaseIsHeld: another `up`, `down` or `reset` is at work.
        OutsideDidNotAnswer: a part did not start; the message holds its last words.
    """
    preflight.check(environ)
    home.prepare(place)
    with _alone(place):
        record = instance.read(place)
        if record is not None and record.pid is not None and is_held(place.lock("supervisor")):
            if not asking.pulse(place, record).aws:
                raise OutsideDidNotAnswer(
                    f"it is up, but ministack does not answer at {record.aws}",
                    hint=f"shipway local down, then up again; the log is {place.log('ministack')}",
                )
            return record, True
        _wait_for_reaper(place)
        sweep(place)
        python = installation.ensure(place.cache, environ, say)
        say("starting ministack and the ECS control plane")
        _start_supervisor(place, environ, python, say)
        return instance.read_running(place), False


def status(place: Home) -> Status:
    """Tell how the instance is, in two seconds at most; changes nothing."""
    record = instance.read(place)
    services = repository.services(place)
    if record is None or record.pid is None or not is_held(place.lock("supervisor")):
        return Status(up=False, instance=record, aws=False, running=(), services=services)
    try:
        pulse = asking.pulse(place, record)
    except LocalIsDown:
        return Status(up=False, instance=record, aws=False, running=(), services=services)
    return Status(up=True, instance=record, aws=pulse.aws, running=pulse.running, services=services)


def down(place: Home, say: Say) -> bool:
    """Stop everything, keeping the state; tell whether anything was running.

    Raises:
        LeaseIsHeld: another `up`, `down` or `reset` is at work.
    """
    if not place.state.exists():
        return False
    with _alone(place):
        return _down(place, say)


def reset(place: Home, say: Say) -> tuple[Path, ...]:
    """Stop everything and delete the state; return what was left because it is not Shipway's.

    Raises:
        WrongUsage: the folder is not Shipway's.
        LeaseIsHeld: another `up`, `down` or `reset` is at work.
    """
    home.belongings(place)  # refuses a folder that is not ours, before anything is stopped
    if not place.state.exists():
        return ()
    with _alone(place):
        _down(place, say)
        return home.delete(place)


def remote_for(place: Home, checkout: Path) -> Path | None:
    """Return the repository that the checkout should push to and does not yet.

    Makes the repository when the folder has a `shipway.yaml` that names a service; `None` where
    it has none, or pushes there already.
    """
    service = _service_of(checkout / "shipway.yaml")
    if service is None:
        return None
    path = repository.ensure_repository(place, service)
    return None if repository.has_remote(checkout, path) else path


def follow(place: Home, run: str | None, write: Callable[[bytes], None]) -> tuple[str, int]:
    """Write what a delivery says until it ends; return its name and its exit status.

    Raises:
        WrongUsage: there is no such run, or none at all.
    """
    known = runs.names(place)
    if run is None and known:
        run = known[-1]
    if run is None or run not in known:
        what = f"no delivery is called {run}" if run else "nothing was pushed yet"
        hint = f"the newest: {', '.join(known[-3:])}" if known else "git push shipway main"
        raise WrongUsage(what, hint=hint)
    for piece in following.follow(place, run):
        write(piece)
    ended = runs.exit_status(place, run)
    if ended is None:
        raise LocalIsDown(following.outcome(place, run), hint="shipway local up")
    return run, ended


def _service_of(path: Path) -> str | None:
    """Return the service's name; the file's other problems are for `shipway deliver` to tell."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None
    name = found.get("service") if isinstance(found, dict) else None
    return name if isinstance(name, str) else None


def _alone(place: Home) -> Lock:
    lock = take(place.lock("verbs"), timeout_s=0)
    if lock is None:
        raise LeaseIsHeld(
            "another `shipway local` command is at work on this state folder",
            hint="wait for it to end, then look with `shipway local status`",
        )
    return lock


def _down(place: Home, say: Say) -> bool:
    lock = place.lock("supervisor")
    was_up = is_held(lock)
    if was_up:
        say("stopping deliveries, tasks and ministack")
        _stop_holder(lock)
    _wait_for_reaper(place)
    sweep(place)
    return was_up


def _stop_holder(lock: Path) -> None:
    # While the lock is held, the pid in it is its holder's: no other process can have that pid.
    holder = identity(int(lock.read_text(encoding="utf-8")))
    if holder is None or not is_held(lock):
        return
    send(holder, signal.SIGTERM, group=False)
    if not wait_until(lambda: not is_alive(holder), timeout_s=_DOWN_TIMEOUT_S):
        send(holder, signal.SIGKILL, group=False)
        wait_until(lambda: not is_alive(holder), timeout_s=_KILLED_TIMEOUT_S)


def _wait_for_reaper(place: Home) -> None:
    lock = take(place.lock("reaper"), timeout_s=_REAPER_TIMEOUT_S)
    if lock is None:
        raise LeaseIsHeld(
            "the last instance is still being cleaned up",
            hint=f"see {place.log('reaper')}; then run the command again",
        )
    lock.release()


def _start_supervisor(place: Home, environ: Mapping[str, str], python: Path, say: Say) -> None:
    reading, writing = os.pipe()
    log = place.log("supervisor")
    command = ["-P", "-m", "shipway", "local", "supervise", str(python), str(writing)]
    env = {
        **environ,
        "SHIPWAY_STATE": str(place.state),
        "SHIPWAY_CACHE": str(place.cache),
        "PYTHONUNBUFFERED": "1",
    }
    pid = start_detached(
        [sys.executable, *command], log=log, env=env, cwd=place.state, pass_fd=writing
    )
    os.close(writing)
    try:
        _hear(reading, log, say)
    except BaseException:  # Ctrl-C too: half an instance is of no use
        _end(pid)
        raise
    finally:
        os.close(reading)


def _hear(reading: int, log: Path, say: Say) -> None:
    # The supervisor's own deadlines bound the wait; its death ends the pipe.
    with os.fdopen(reading, encoding="utf-8", closefd=False) as lines:
        if wait_until_ready(lines, say):
            return
    raise OutsideDidNotAnswer(
        f"the supervisor ended while starting; its last words:\n{tail(log)}",
        hint=f"the whole log is {log}",
    )


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
