"""Compose, whichever is installed: found, run, and always torn down."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from shipway.adapters.compose import PROJECT_LABEL, Compose
from shipway.adapters.shell import LocalShell
from shipway.errors import FileIsMissing, ToolIsMissing
from shipway.testing.builders import a_compose_check
from tests.adapters.recording import Recorder

CHECK = replace(a_compose_check("integration"), exit_code_from="tests")


class Never:
    """Nobody wants to stop."""

    def wanted(self) -> bool:
        """Say no."""
        return False


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with a compose file."""
    (tmp_path / "compose.yml").write_text("services: {}\n", encoding="utf-8")
    return tmp_path


def run(compose: Compose, project: str) -> tuple[int, list[str]]:
    """Run the check; return its exit and what was said."""
    said: list[str] = []
    done = compose.run(
        CHECK,
        project=project,
        env={},
        on_output=lambda chunk: said.extend(chunk.decode().splitlines()),
        logs="logs",
        cancel=Never(),
    )
    return done.status, said


def test_the_plug_in_comes_first(recorder: Recorder, root: Path) -> None:
    """Where docker has its compose plug-in, that is used, and asked for only once."""
    recorder.program("docker", "'compose version --short') echo v2.39.1;;")
    compose = Compose(str(root), LocalShell())
    assert compose.program() == ("docker", "compose")
    assert compose.program() == ("docker", "compose")
    assert recorder.calls == ["docker compose version --short"]


def test_the_old_program_is_found(recorder: Recorder, root: Path) -> None:
    """A docker without the plug-in, which prints its help and exits 0, leaves docker-compose."""
    recorder.program("docker", "*) echo 'Usage: docker [OPTIONS] COMMAND';;")
    recorder.program("docker-compose", "'version --short') echo 1.29.2;;")
    assert Compose(str(root), LocalShell()).program() == ("docker-compose",)


def test_neither_is_told(recorder: Recorder, root: Path) -> None:
    """With no compose at all, the hint says what to install."""
    for name in ("docker", "docker-compose"):
        recorder.program(name, "*) exit 1;;")
    with pytest.raises(ToolIsMissing, match="neither"):
        Compose(str(root), LocalShell()).program()


@pytest.mark.parametrize("status", [0, 7])
def test_it_is_torn_down_whatever_happens(recorder: Recorder, root: Path, status: int) -> None:
    """The exit of the deciding service is passed on, and `down` follows each time."""
    recorder.program(
        "docker", f"'compose version --short') echo 2.1;;\n*up*) echo up; exit {status};;"
    )
    done = run(Compose(str(root), LocalShell()), "p")
    assert done == (status, ["up"])
    calls = [call for call in recorder.calls if call.startswith("docker")]
    assert calls[1:] == [
        "docker compose -p p -f compose.yml up --build -t 1 --exit-code-from tests",
        "docker compose -p p -f compose.yml down -v --remove-orphans -t 1",
    ]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """Without the compose file nothing starts."""
    with pytest.raises(FileIsMissing) as found:
        run(Compose(str(tmp_path), LocalShell()), "p")
    assert found.value.where == "checks.integration.compose"


def test_only_our_dead_projects_are_swept(recorder: Recorder, root: Path) -> None:
    """Projects of live runs and of other people stay; containers and networks are looked at."""
    recorder.program(
        "docker",
        "*label=*) echo id-1;;\n"
        "ps*) echo shipway-a-dead-unit; echo shipway-a-live-unit; echo other;;\n"
        "'network ls'*) echo shipway-b-gone-unit;;",
    )
    swept = Compose(str(root), LocalShell()).sweep("shipway-", frozenset({"live"}))
    assert swept == ("shipway-a-dead-unit", "shipway-b-gone-unit")
    removals = [call for call in recorder.calls if " rm " in call]
    assert (
        removals
        == [
            "docker rm -f -v id-1",
            "docker network rm id-1",
            "docker volume rm -f id-1",
        ]
        * 2
    )


# --- with a real engine -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """An image that holds busybox and nothing else."""
    docker = os.environ.get("SHIPWAY_DOCKER") or "docker"
    busybox = shutil.which("busybox")
    assert busybox, "busybox is needed"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(busybox, "bin/sh")
    name = f"shipway-test-{uuid4().hex[:12]}:busybox"
    subprocess.run(
        (docker, "import", "-", name), input=packed.getvalue(), check=True, capture_output=True
    )
    yield name
    subprocess.run((docker, "rmi", "-f", name), check=False, capture_output=True)


def left_of(docker: str, project: str) -> str:
    """What the engine still has of a project."""
    filters = ("--filter", f"label={PROJECT_LABEL}={project}", "-q")
    kinds = (("ps", "-a"), ("network", "ls"), ("volume", "ls"))
    return "".join(
        subprocess.run((docker, *kind, *filters), check=True, capture_output=True, text=True).stdout
        for kind in kinds
    )


@pytest.mark.docker
@pytest.mark.parametrize("status", [0, 7])
def test_a_real_project_passes_its_exit_and_leaves_nothing(
    root: Path, docker: str, image: str, status: int
) -> None:
    """The deciding service's exit code is ours, and no container, network or volume stays."""
    (root / "compose.yml").write_text(
        f"""\
version: "3.7"
services:
  helper: {{ image: "{image}", command: [sh, -c, read x], tty: true }}
  tests:
    image: "{image}"
    command: [sh, -c, "echo tested; exit {status}"]
    depends_on: [helper]
networks: {{ default: {{ internal: true }} }}
""",
        encoding="utf-8",
    )
    project = f"shipway-test-{uuid4().hex[:8]}"
    first = (str(Path(docker).parent),) if Path(docker).is_absolute() else ()
    done, said = run(Compose(str(root), LocalShell(first), docker), project)
    assert done == status
    assert any("tested" in line for line in said)
    assert left_of(docker, project) == ""
