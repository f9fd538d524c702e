"""./dev, on machines made of stand-ins: what it installs, starts, ends, and says when it may not.

The stand-ins are scripts on a PATH of their own. `docker` answers while a file is there, `dockerd`
makes that file, `id` says who we are; nothing of the real machine is installed, started or ended.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.house.tree import ROOT

BORROWED = """
    bash cat chmod cksum date dirname env flock head id kill ln mkdir mktemp mv printf readlink rm
    setpriv setsid sh sleep tail touch true uname
"""
PROGRAMS = "git haproxy redis-server wrk busybox docker-compose iptables npm node"
DOCKER = """[ "$1" = --version ] && echo "Docker version 20.10.24, build x" && exit
[ -e "$ENGINE" ] || { echo "Cannot connect" >&2; exit 1; }"""
DOCKERD = """trap 'rm -f "$ENGINE"; exit' TERM
echo $$ >"$ENGINE.new"; mv "$ENGINE.new" "$ENGINE"; while :; do sleep 0.05; done"""
FAILING_DOCKERD = """echo "no such bridge" >&2; exit 1"""
PYTHON = """echo "ran: $*"
[ -z "${HOLD:-}" ] || { touch "$HOLD"; exec sleep 30; }
exit "${CODE:-0}" """
DEADLINE_S = 60.0


@dataclass(frozen=True)
class Machine:
    """A folder with ./dev, a PATH of stand-ins, and a .venv that looks finished."""

    root: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def engine(self) -> Path:
        """There while the stand-in for the engine runs; holds its process id."""
        return self.root / "engine"

    def program(self, name: str, text: str = "") -> None:
        """Put a stand-in on the PATH."""
        file = self.root / "bin" / name
        file.unlink(missing_ok=True)
        file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        file.chmod(0o755)

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Start ./dev in this machine, and nothing of ours around it."""
        surroundings: Mapping[str, str] = {
            "PATH": str(self.root / "bin"),
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root),
            "ENGINE": str(self.engine),
            "SHIPWAY_DOCKER": str(self.root / "bin/docker"),
            **env,
        }
        process = subprocess.Popen(
            (str(self.root / "bin/bash"), str(self.root / "house/dev"), *arguments),
            env=surroundings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def dev(self, *arguments: str, **env: str) -> tuple[int, str]:
        """Run ./dev to its end: its exit code, and all that it said."""
        process = self.start(*arguments, **env)
        said, _ = process.communicate(timeout=DEADLINE_S)
        return process.returncode, said


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine on which everything is installed, whose user is root, and no engine runs."""
    made = Machine(tmp_path)
    house, binaries = tmp_path / "house", tmp_path / "bin"
    (house / ".venv/bin").mkdir(parents=True)
    (house / "requirements").mkdir()
    (house / ".ci").mkdir()
    binaries.mkdir()
    for name in ("dev", ".ci/machine.sh", "requirements/dev.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, house / name)
    for name in BORROWED.split():
        (binaries / name).symlink_to(shutil.which(name) or name)
    for name in PROGRAMS.split():
        made.program(name)
    made.program("id", "echo 0")
    made.program("docker", DOCKER)
    made.program("dockerd", DOCKERD)
    made.program("python3", "exit 1")
    (house / ".venv/pyvenv.cfg").touch()
    python = house / ".venv/bin/python"
    python.write_text(f"#!/bin/sh\n{PYTHON}\n", encoding="utf-8")
    python.chmod(0o755)
    stamp = "pwd && cat .venv/pyvenv.cfg && cksum requirements/dev.txt pyproject.toml"
    told = subprocess.run(("/bin/sh", "-c", stamp), cwd=house, check=True, capture_output=True)
    (house / ".venv/stamp").write_bytes(told.stdout)
    yield made
    for process in made.started:
        process.kill()
        process.communicate()


def until_there(file: Path) -> None:
    """Wait for a file that another process makes."""
    deadline = time.monotonic() + DEADLINE_S
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} never came"
        time.sleep(0.01)


def test_help_is_the_default(machine: Machine) -> None:
    """Without a verb, ./dev says what it can do, and exits 0."""
    code, said = machine.dev()
    assert code == 0
    assert all(f"./dev {verb}" in said for verb in ("demo", "test", "check", "bench", "lock"))


def test_an_unknown_verb_is_wrong_usage(machine: Machine) -> None:
    """A mistyped verb exits 2, with the page of verbs."""
    code, said = machine.dev("tset")
    assert code == 2
    assert "no such verb: tset" in said
    assert "./dev test" in said


def test_an_engine_that_answers_is_left_alone(machine: Machine) -> None:
    """An engine that was there before is used, and still there afterwards."""
    machine.engine.touch()
    code, said = machine.dev("demo", "--yes")
    assert (code, said) == (0, "ran: -m examples.demo.demo --yes\n")
    assert machine.engine.exists()


def test_an_engine_that_was_started_is_ended(machine: Machine) -> None:
    """Where no engine answers, root gets one, and it ends with the run."""
    code, said = machine.dev("demo")
    assert code == 0
    assert "starting one for this run" in said
    assert not machine.engine.exists()


def test_it_is_ended_after_a_failure_too(machine: Machine) -> None:
    """The exit code of what was run is ./dev's own, and the engine is ended all the same."""
    code, _ = machine.dev("test", "-k", "one", CODE="3")
    assert code == 3
    assert not machine.engine.exists()


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_everything(machine: Machine, sent: signal.Signals, code: int) -> None:
    """TERM reaches what runs, the engine ends, and the exit code is never 0."""
    held = machine.root / "held"
    process = machine.start("demo", HOLD=str(held))
    until_there(held)
    process.send_signal(sent)
    process.communicate(timeout=DEADLINE_S)
    assert process.returncode == code
    assert not machine.engine.exists()


def test_a_killed_door_leaves_nothing_behind(machine: Machine) -> None:
    """Even a SIGKILL of ./dev ends what it ran and the engine that it started."""
    held = machine.root / "held"
    process = machine.start("demo", HOLD=str(held))
    until_there(held)
    process.kill()
    process.communicate(timeout=DEADLINE_S)  # ends when nothing that ./dev ran holds its output
    deadline = time.monotonic() + DEADLINE_S
    while machine.engine.exists():
        assert time.monotonic() < deadline, "the engine outlived the run"
        time.sleep(0.01)


def test_an_engine_that_does_not_come_up_says_why(machine: Machine) -> None:
    """The end of dockerd's log is shown, and nothing is run."""
    machine.program("dockerd", FAILING_DOCKERD)
    code, said = machine.dev("demo")
    assert code == 2
    assert "no such bridge" in said
    assert "ran:" not in said


def test_what_is_missing_is_named_all_at_once(machine: Machine) -> None:
    """Who may not install is told every package and its purpose in one go, and gets exit 2."""
    machine.program("id", "echo 1000")
    for name in ("git", "wrk", "docker", "redis-server"):
        (machine.root / "bin" / name).unlink()
    code, said = machine.dev("test", SHIPWAY_DOCKER="no-docker")
    assert code == 2
    assert "apt-get install --no-install-recommends git redis-server wrk docker.io" in said
    assert "ran:" not in said


def test_root_on_debian_gets_what_is_missing(machine: Machine) -> None:
    """Only what is missing is installed, after one update, each with a line that says why."""
    machine.engine.touch()
    (machine.root / "bin/wrk").unlink()
    machine.program("apt-get", f'echo "$*" >>{machine.root}/installed')
    code, said = machine.dev("demo")
    assert code == 0
    assert "installing wrk " in said
    update, install = (machine.root / "installed").read_text().splitlines()
    assert update == "update"
    assert install.endswith(" wrk")


def test_single_tests_run_without_an_engine(machine: Machine) -> None:
    """`./dev test ARGS` says what is missing, and still runs what was asked for."""
    machine.program("id", "echo 1000")
    code, said = machine.dev("test", "tests/house")
    assert code == 0
    assert "no Docker Engine answers" in said
    assert "ran: -m pytest tests/house" in said


def test_the_second_start_costs_nothing(machine: Machine) -> None:
    """When nothing changed, ./dev goes straight to work."""
    machine.engine.touch()
    started = time.perf_counter()
    machine.dev("demo")
    assert time.perf_counter() - started < 1
