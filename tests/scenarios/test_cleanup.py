"""`shipway cleanup`: what dead runs left in the engine goes, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from shipway.adapters.compose import identity, labels
from shipway.adapters.lease_file import FileLeases

pytestmark = pytest.mark.docker

DOCKER = os.environ.get("SHIPWAY_DOCKER") or "docker"


@dataclass(slots=True)
class Left:
    """Volumes that runs left, and the state folder whose runs they were."""

    state: Path
    prefix: str

    def leave(self, run: str, *, home: str = "") -> str:
        """Leave a volume of a run; return its name."""
        name = f"{self.prefix}-{run}"
        marks = {labels.RUN: run, labels.HOME: home or identity(self.state)}
        words = [word for key, value in marks.items() for word in ("--label", f"{key}={value}")]
        subprocess.run((DOCKER, "volume", "create", *words, name), check=True, capture_output=True)
        return name

    def cleanup(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run `shipway cleanup` where there is no shipway.yaml."""
        return subprocess.run(
            (sys.executable, "-m", "shipway", "cleanup", *words),
            cwd=self.state,
            env={**os.environ, "SHIPWAY_STATE": str(self.state), **env},
            check=False,
            capture_output=True,
            text=True,
        )


@pytest.fixture
def left(tmp_path: Path) -> Iterator[Left]:
    """Nothing yet; what stays is removed."""
    made = Left(tmp_path, f"shipway-test-{uuid4().hex[:8]}")
    yield made
    listed = subprocess.run(
        (DOCKER, "volume", "ls", "-q", "--filter", f"name={made.prefix}"),
        check=True,
        capture_output=True,
        text=True,
    )
    if listed.stdout.split():
        subprocess.run((DOCKER, "volume", "rm", *listed.stdout.split()), check=True)


def test_one_run_is_cleaned_up(left: Left) -> None:
    """What that run left is removed and told; a second time there is nothing, and that is well."""
    run = f"r-{uuid4().hex[:8]}"
    name = left.leave(run)
    first, second = left.cleanup("--run", run), left.cleanup("--run", run)
    assert (first.returncode, first.stdout) == (0, f"removed volume {name}\n")
    assert (second.returncode, second.stdout) == (0, f"nothing is left of run {run}\n")


def test_all_dead_runs_are_cleaned_up_and_no_living_one(left: Left) -> None:
    """A run that holds its lease keeps what it has, and so does a run of somebody else."""
    alive, dead, other = (f"{word}-{uuid4().hex[:8]}" for word in ("alive", "dead", "other"))
    left.leave(alive)
    left.leave(other, home="x")
    name = left.leave(dead)
    with FileLeases(str(left.state / "leases")).hold(f"run/{alive}", owner="a test"):
        done = left.cleanup("--json")
    assert json.loads(done.stdout) == {"version": 1, "removed": [f"volume {name}"]}


def test_a_run_that_is_at_work_is_refused(left: Left) -> None:
    """Exit 6, and nothing of it is touched."""
    run = f"r-{uuid4().hex[:8]}"
    left.leave(run)
    with FileLeases(str(left.state / "leases")).hold(f"run/{run}", owner="a test"):
        assert left.cleanup("--run", run).returncode == 6
    assert left.cleanup("--run", run).stdout.startswith("removed")


def test_an_engine_that_is_down_is_exit_5(left: Left) -> None:
    """No answer is no "nothing left"."""
    done = left.cleanup("--run", "r", DOCKER_HOST=f"unix://{left.state}/none.sock")
    assert done.returncode == 5
    assert done.stdout == ""
