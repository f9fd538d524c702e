"""A real instance of the embedded default in a folder of its own, ended after the test."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shipway.local.home import Home, home
from shipway.local.instance import Instance
from shipway.local.processes import run

if TYPE_CHECKING:
    from collections.abc import Iterator

SHIPWAY = (sys.executable, "-P", "-m", "shipway", "local")
GIT = shutil.which("git") or "git"
# Stands for `shipway deliver`: obeys the script that the pushed commit brings.
STAND_IN = """\
#!/bin/sh
echo "delivering: $*"
. ./order.sh
"""


@dataclass
class Local:
    """One instance: its folders, its verbs, and git beside it."""

    place: Home
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def env(self) -> dict[str, str]:
        """Return the environment of all that the test starts: nobody's own git settings."""
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
            "SHIPWAY_STATE": str(self.place.state),
            "SHIPWAY_CACHE": str(self.place.cache),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
            **self.environ,
        }

    def start(self, *verb: str) -> subprocess.Popen[str]:
        """Start a verb, in the working copy, with nobody at the terminal."""
        return subprocess.Popen(
            [*SHIPWAY, *verb],
            env=self.env(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *verb: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a verb and check its exit status."""
        with self.start(*verb) as process:
            out, err = process.communicate(timeout=100)
        assert process.returncode == expect, (verb, process.returncode, out, err)
        return subprocess.CompletedProcess(verb, process.returncode, out, err)

    def up(self) -> Instance:
        """Bring it up and return where it answers."""
        found = json.loads(self.call("up", "--json").stdout)
        return Instance(**{key: value for key, value in found.items() if key != "was_up"})

    def record(self) -> Instance:
        """Return what `local.json` says now."""
        return Instance(**json.loads(self.place.record.read_text()))

    def processes(self) -> dict[int, str]:
        """Return the pid and command line of each live process that belongs to the instance."""
        found = {}
        mark = f"SHIPWAY_STATE={self.place.state}\0".encode()
        inside = f"{self.place.state}/".encode()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    environ = (entry / "environ").read_bytes() + b"\0"
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                except OSError:
                    continue
                if mark in environ or inside in environ or inside in command:
                    found[int(entry.name)] = command.decode()
        return found

    def containers(self) -> list[str]:
        """Return the ids of the containers that carry the instance's label."""
        label = f"label=dev.shipway.instance={self.record().instance}"
        return run(["docker", "ps", "-aq", "--filter", label], timeout_s=60).output.split()

    def git(self, *arguments: str, expect: int = 0) -> str:
        """Run git in the working copy and return both its streams."""
        with self.start_git(*arguments) as process:
            said, _ = process.communicate(timeout=60)
        assert process.returncode == expect, (arguments, said)
        return said

    def start_git(self, *arguments: str) -> subprocess.Popen[str]:
        """Start git in the working copy, in a process group of its own, as a shell would."""
        return subprocess.Popen(
            [GIT, *arguments],
            env=self.env(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def commit(self, order: str) -> str:
        """Commit an order for the stand-in, and return the commit."""
        (self.folder / "order.sh").write_text(f"{order}\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "An order")
        return self.git("rev-parse", "HEAD").strip()

    def start_service(self, name: str) -> None:
        """Make the folder a working copy of a service that pushes to the embedded default."""
        (self.folder / "shipway.yaml").write_text(f"service: {name}\n")
        self.git("init", "--quiet", "--initial-branch=main")
        hint = self.call("up").stderr
        remote = self.place.git / f"{name}.git"
        assert f"git remote add shipway {remote}" in hint
        self.git("remote", "add", "shipway", str(remote))


def make(folder: Path) -> Local:
    """Lay an instance out below the folder; start nothing."""
    stand_in = folder / "deliver"
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o700)
    work = folder / "checkout"
    work.mkdir()
    # The cache is the user's own: one installation of ministack serves every test run.
    place = Home(folder / "state", home(os.environ).cache)
    return Local(place, work, {"SHIPWAY_LOCAL_DELIVER": shlex.quote(str(stand_in))})


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    """An instance of the test's own, not up yet."""
    yield from _made(tmp_path)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """An instance that is up for all tests that leave it up."""
    for instance in _made(tmp_path_factory.mktemp("shared")):
        instance.up()
        yield instance


@pytest.fixture
def service(shared: Local, tmp_path: Path, request: pytest.FixtureRequest) -> Local:
    """A working copy of a new service, on the shared instance."""
    checkout = Local(shared.place, tmp_path, shared.environ)
    name = "".join(ch for ch in request.node.name.removeprefix("test_") if ch.isalnum())
    checkout.start_service(name[:31])
    return checkout


def _made(folder: Path) -> Iterator[Local]:
    instance = make(folder)
    yield instance
    if instance.place.state.exists():
        instance.call("down")
    assert instance.processes() == {}
    if instance.place.record.exists():
        assert instance.containers() == []
