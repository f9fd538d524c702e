"""One embedded default for all scenarios of a session, and a fresh service for each."""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.scenarios.embedded import Tiny, ecs, surroundings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Base images, made from what this machine has: by one process, while others wait for it."""
    with (tmp_path_factory.getbasetemp().parent / "images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(
            [sys.executable, str(ROOT / "examples" / "images" / "build")],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    return dict(line.split("=", 1) for line in made.stdout.splitlines() if "=" in line)


@pytest.fixture(scope="session")
def embedded(
    tmp_path_factory: pytest.TempPathFactory, images: dict[str, str]
) -> Iterator[dict[str, str]]:
    """The embedded default, up; nothing of it is left afterwards."""
    state = tmp_path_factory.mktemp("embedded") / "state"
    env = surroundings(state, images)
    program = [sys.executable, "-m", "shipway", "local"]
    subprocess.run([*program, "up"], env=env, check=True)
    yield env
    subprocess.run([*program, "reset", "--yes"], env=env, check=True)


@pytest.fixture
def tiny(tmp_path: Path, embedded: dict[str, str]) -> Iterator[Tiny]:
    """A service that nobody has delivered yet, with one pushed commit; its tasks end with it.

    Its name is nobody else's: the engine has the containers of all processes and sessions.
    """
    service = Tiny.fresh(tmp_path / "tiny", embedded, service=f"tiny{uuid4().hex[:8]}")
    service.commit("Say hello")
    yield service
    client = ecs(service)
    for cluster in ("staging", "production"):
        with contextlib.suppress(
            client.exceptions.ClusterNotFoundException, client.exceptions.ServiceNotFoundException
        ):
            client.delete_service(cluster=cluster, service=service.name(), force=True)
