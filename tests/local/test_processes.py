"""Starting and ending programs without ever touching a stranger."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shipway.local.home import Home, prepare
from shipway.local.locks import is_held, take
from shipway.local.processes import Child, identity, is_alive, run, start, wait_until
from shipway.local.register import Entry, Register, read
from shipway.local.sweep import end_processes

if TYPE_CHECKING:
    from pathlib import Path

STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('on', flush=True)\n"


@pytest.fixture
def place(tmp_path: Path) -> Home:
    """A state folder of the test's own."""
    made = Home(tmp_path / "state", tmp_path / "cache")
    prepare(made)
    return made


def python(place: Home, program: str, *, group: bool = False) -> Child:
    """Start a program, and return when it has said something."""
    log = place.log("program")
    command = [sys.executable, "-u", "-c", program]
    child = start(command, log=log, env=os.environ, cwd=place.state, group=group)
    assert wait_until(lambda: log.read_text() != "", timeout_s=20)
    return child


def test_a_process_is_known_by_its_start_too() -> None:
    """A pid alone is not an identity."""
    me = identity(os.getpid())
    assert me is not None
    assert is_alive(me)
    assert not is_alive(replace(me, started="some other time"))
    assert identity(2**22 + 1) is None


def test_a_zombie_is_dead(place: Home) -> None:
    """A process that ended, but that nobody waited for, is not alive."""
    child = start(["true"], log=place.log("true"), env=os.environ, cwd=place.state)
    assert wait_until(lambda: identity(child.pid) is None, timeout_s=20)
    assert child.wait() == 0


def test_a_sweep_kills_what_does_not_end(place: Home) -> None:
    """A registered process that ignores SIGTERM is killed after its grace, with its group."""
    forking = f"import os\nos.fork()\n{STUBBORN}while True: time.sleep(1)"
    child = python(place, forking, group=True)
    Register(place.processes).add(Entry("stubborn", child.identity, group=True, grace_s=0.2))
    end_processes(place)
    assert child.wait(20) == 137
    members = f"ps -o stat= -g {child.pid} | grep -v Z"
    assert wait_until(lambda: run(["sh", "-c", members], timeout_s=20).output == "", timeout_s=20)
    assert read(place.processes) == ()


def test_a_sweep_spares_the_heir_of_a_pid(place: Home) -> None:
    """A process that merely has a registered pid is not signalled."""
    child = python(place, "import time; print('on'); time.sleep(60)")
    stranger = replace(child.identity, started="before")
    Register(place.processes).add(Entry("gone", stranger, group=False, grace_s=0.1))
    end_processes(place)
    assert child.wait(0.2) is None
    child.stop(10)


def test_a_lock_is_one_holders(place: Home) -> None:
    """A lock is taken once, seen as held, and free after its release."""
    path = place.lock("test")
    assert not is_held(path)
    held = take(path, timeout_s=0)
    assert held is not None
    assert is_held(path)
    assert take(path, timeout_s=0.1) is None
    held.release()
    assert not is_held(path)
