"""A checkout with a compose file, for tests that start it for real."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event as Flag
from uuid import uuid4

import pytest

from shipway.adapters.compose import Compose
from shipway.adapters.shell import LocalShell
from shipway.model.service import ComposeCheck
from shipway.ports import Exit, OnOutput
from shipway.testing.builders import a_compose_check

HEALTHY = """\
  db:
    image: IMAGE
    command: [sh, -c, "sleep 1; touch /up; echo ready; trap '' TERM; sleep 100"]
    healthcheck: { test: "test -e /up", interval: 0.3s, retries: 30 }
"""
AFTER_DB = "    depends_on: { db: { condition: service_healthy } }\n"
CHECK = replace(a_compose_check("integration"), exit_code_from="tests")
KINDS = (("ps", "-a"), ("network", "ls"), ("volume", "ls"), ("image", "ls"))


@dataclass(slots=True)
class Wish:
    """A wish to stop, which a test makes or not."""

    _flag: Flag = field(default_factory=Flag)

    def wanted(self) -> bool:
        """Tell whether it was made."""
        return self._flag.is_set()

    def make(self) -> None:
        """Make it."""
        self._flag.set()


@dataclass(slots=True)
class Project:
    """A checkout, and the project that its compose file is run as."""

    root: Path
    docker: str
    image: str
    name: str = field(default_factory=lambda: f"shipway-test-{uuid4().hex[:8]}")
    said: bytearray = field(default_factory=bytearray)

    def write(self, services: str, *, version: str = "") -> None:
        """Write the compose file; IMAGE stands for an image that has busybox as `sh`."""
        head = f'version: "{version}"\n' if version else ""
        text = f"{head}services:\n{services}".replace("IMAGE", self.image)
        (self.root / "compose.yml").write_text(text, encoding="utf-8")

    def compose(self, run: str = "", home: str = "") -> Compose:
        """Return the real thing, whose run is named like the project where nothing else is said."""
        first = (str(Path(self.docker).parent),) if Path(self.docker).is_absolute() else ()
        shell = LocalShell(first)
        return Compose(
            str(self.root), shell, self.docker, run=run or self.name, home=home or self.name
        )

    def run(
        self,
        *,
        cancel: Wish | None = None,
        env: Mapping[str, str] | None = None,
        on_output: OnOutput | None = None,
        check: ComposeCheck | None = None,
    ) -> Exit:
        """Run it as a check."""
        return self.compose().run(
            check or CHECK,
            project=self.name,
            env=env or {},
            on_output=on_output or self.said.extend,
            logs=str(self.root / "logs"),
            cancel=cancel or Wish(),
        )

    @property
    def told(self) -> str:
        """Return what was said so far."""
        return self.said.decode()

    def log(self, service: str) -> str:
        """Return what was kept of a service's log."""
        return (self.root / "logs" / f"{service}.log").read_text(encoding="utf-8")

    def left(self) -> list[str]:
        """Return what the engine still has of it: containers, networks, volumes and images."""
        return [line for kind in KINDS for line in self._named(kind) if self.name in line]

    def _named(self, kind: tuple[str, ...]) -> list[str]:
        return self.ask(*kind, "--format", "{{json .}}")

    def ask(self, *words: str) -> list[str]:
        """Ask the engine, and return the lines of its answer."""
        done = subprocess.run((self.docker, *words), check=True, capture_output=True, text=True)
        return done.stdout.splitlines()


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """An image that holds busybox and nothing else."""
    docker = os.environ.get("SHIPWAY_DOCKER") or "docker"
    busybox = shutil.which("busybox")
    assert busybox, "busybox is needed"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in ("sh", "sleep", "test", "touch", "cat", "ls", "head", "tr", "cp", "env"):
            tar.add(busybox, f"bin/{name}")
        tar.addfile(_folder("tmp"))
    name = f"shipway-test-{uuid4().hex[:12]}:busybox"
    subprocess.run(
        (docker, "import", "-", name), input=packed.getvalue(), check=True, capture_output=True
    )
    yield name
    subprocess.run((docker, "rmi", "-f", name), check=False, capture_output=True)


def _folder(name: str) -> tarfile.TarInfo:
    folder = tarfile.TarInfo(name)
    folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
    return folder


@pytest.fixture
def project(tmp_path: Path, docker: str, image: str) -> Iterator[Project]:
    """A checkout without a compose file yet; what a test leaves behind is removed."""
    made = Project(tmp_path, docker, image)
    yield made
    made.compose().down(made.name)
