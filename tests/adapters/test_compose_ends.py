"""However a compose check ends, nothing of it stays, and it is never green by accident."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import IO

import pytest

from shipway.adapters.compose import labels
from shipway.errors import EngineIsDown
from tests.adapters.compose_project import AFTER_DB, CHECK, HEALTHY, Project, Wish, image, project
from tests.adapters.engine_proxy import EngineProxy

__all__ = ["image", "project"]
pytestmark = pytest.mark.docker

ROOT = Path(__file__).resolve().parents[2]
STUBBORN = """\
  tests:
    image: IMAGE
    command: [sh, -c, "trap '' TERM; echo began; while true; do sleep 1; done"]
"""
TEARDOWN_S = 8.0


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineProxy]:
    """The engine, through a socket that can die."""
    engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    made = EngineProxy(tmp_path / "engine.sock", engine)
    monkeypatch.setenv("DOCKER_HOST", made.address)
    yield made
    monkeypatch.undo()
    made.kill()


def test_at_the_time_out_all_of_it_ends(project: Project) -> None:
    """A container that ignores SIGTERM costs no ten seconds, and its log is kept."""
    project.write(STUBBORN)
    done = project.run(check=replace(CHECK, timeout_s=12.0))
    assert done.timed_out
    assert done.status != 0
    assert done.seconds < 12 + TEARDOWN_S
    assert "began" in project.log("tests")
    assert project.left() == []


def test_silence_ends_it(project: Project) -> None:
    """A project that says nothing for too long is ended."""
    project.write(STUBBORN)
    done = project.run(check=replace(CHECK, silence_s=4.0))
    assert done.silent
    assert done.status != 0
    assert project.left() == []


def test_a_wish_to_stop_ends_it_while_it_starts(project: Project) -> None:
    """Cancelled while a service is not healthy yet, it ends at once and leaves nothing."""
    project.write(HEALTHY.replace("test -e /up", "test -e /never") + STUBBORN + AFTER_DB)
    wish = Wish()

    def stop_when_begun(said: bytes) -> None:
        project.said.extend(said)
        if "Creating" in project.told and "db" in project.told:
            wish.make()

    done = project.run(cancel=wish, on_output=stop_when_begun)
    assert done.cancelled
    assert project.left() == []


def test_an_error_of_the_reader_ends_it(project: Project) -> None:
    """Who listens cannot go on: the error reaches the caller, and nothing is left."""
    project.write(STUBBORN)

    def refuse(said: bytes) -> None:
        if b"began" in said:
            raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        project.run(on_output=refuse)
    assert project.left() == []


def test_sigterm_ends_it_within_seconds(project: Project) -> None:
    """As Jenkins aborts: containers that ignore SIGTERM are gone in time, and so is the rest."""
    project.write(HEALTHY + STUBBORN + AFTER_DB + "volumes: { kept: {} }\n")
    with _program(project) as process:
        _until_said(process, b"began")
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=60)
    assert status == 143
    assert time.monotonic() - asked < TEARDOWN_S
    assert project.left() == []


def test_what_a_killed_run_left_is_swept(project: Project) -> None:
    """After kill -9 the next run of the same home removes everything, and nothing a second time."""
    project.write(STUBBORN + "    volumes: ['data:/data']\nvolumes: { data: {} }\n")
    with _program(project) as process:
        _until_said(process, b"began")
        process.kill()
    assert project.left()
    compose = project.compose(run="another")
    assert compose.left() == (project.name,)
    assert compose.sweep(lambda: frozenset({project.name})) == ()
    removed = compose.sweep(frozenset)
    assert {thing.split()[0] for thing in removed} == {"container", "network", "volume"}
    assert project.left() == []
    assert compose.sweep(frozenset) == ()


def test_others_are_not_swept(project: Project) -> None:
    """What only has a name like ours stays, and so does what another home's run made."""
    theirs = {
        "foreign": ("--label", f"com.docker.compose.project={project.name}"),
        "elsewhere": ("--label", f"{labels.HOME}=x", "--label", f"{labels.RUN}={project.name}"),
    }
    names = [f"{project.name}-{name}" for name in theirs]
    try:
        for name, labelled in zip(names, theirs.values(), strict=True):
            project.ask("create", "--name", name, *labelled, project.image, "sh")
        assert project.compose().sweep(frozenset) == ()
        assert project.compose().down(project.name) == ()
        assert project.compose().clean_up(project.name) == (f"container {names[1]}",)
        assert len(project.left()) == 1
    finally:
        subprocess.run((project.docker, "rm", "-f", *names), check=False, capture_output=True)


@pytest.mark.parametrize("buildkit", [True, False], ids=["buildkit", "legacy"])
def test_what_was_built_goes_and_the_cache_stays(project: Project, *, buildkit: bool) -> None:
    """No image of the project is left, and the next run takes every layer from the cache."""
    if not buildkit:
        project.docker = _client_without_buildkit(project)
    (project.root / "Dockerfile").write_text(
        f"FROM {project.image}\nRUN cat /proc/uptime > /made\nRUN cp /made /copied\n",
        encoding="utf-8",
    )
    project.write("  tests: { build: ., command: [sh, -c, 'echo made at $$(cat /copied)'] }\n")
    assert project.run().status == 0
    first = [line for line in project.told.splitlines() if line.startswith("made at")]
    assert project.left() == []
    assert ("Step 1/" in project.told) is not buildkit
    project.said.clear()
    assert project.run().status == 0
    assert [line for line in project.told.splitlines() if line.startswith("made at")] == first
    assert project.left() == []


def test_an_engine_that_dies_while_it_runs_is_no_verdict(
    project: Project, proxy: EngineProxy
) -> None:
    """It is exit 5, with what may be left and how to remove it; and that does remove it."""
    project.write(STUBBORN)
    problem = _engine_dies_at(b"began", project, proxy)
    assert problem.exit_status == 5
    assert "may be left" in problem.message
    assert problem.hint.endswith(f"`shipway cleanup --run {project.name}`")


def test_an_engine_that_dies_while_it_starts_is_no_verdict(
    project: Project, proxy: EngineProxy
) -> None:
    """It is exit 5 as well where compose itself loses the engine."""
    project.write(HEALTHY.replace("test -e /up", "test -e /never") + STUBBORN + AFTER_DB)
    assert _engine_dies_at(b"db_1", project, proxy).exit_status == 5


def test_an_engine_that_comes_back_loses_nothing(
    project: Project, proxy: EngineProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was left is removed by `clean_up`, which says what it was."""
    project.write(STUBBORN)
    _engine_dies_at(b"began", project, proxy)
    monkeypatch.undo()
    removed = project.compose().clean_up(project.name)
    assert any(thing.startswith("container ") for thing in removed)
    assert project.left() == []


def test_entering_starts_what_it_depends_on(project: Project) -> None:
    """A command runs on our own terminal, beside a dependency that is healthy; then all goes."""
    shared = "    volumes: ['shared:/shared']\n"
    project.write(
        HEALTHY.replace("/up", "/shared/up")
        + shared
        + STUBBORN
        + AFTER_DB
        + shared
        + "volumes: { shared: {} }\n"
    )
    near, far = os.openpty()
    program = (
        "import sys; from pathlib import Path; from tests.adapters.compose_project import *;"
        "p = Project(Path(sys.argv[1]), *sys.argv[2:4], name=sys.argv[4]);"
        "done = p.compose().enter(CHECK, project=p.name, env={}, command=("
        "'sh', '-c', 'test -t 0 && ls /shared && read x && echo got $x; exit 4'));"
        "sys.exit(done.status)"
    )
    words = (str(project.root), project.docker, project.image, project.name)
    os.write(near, b"typed\n")
    process = subprocess.Popen(
        (sys.executable, "-c", program, *words), stdin=far, stdout=far, stderr=far, cwd=ROOT
    )
    os.close(far)
    said = bytearray()
    reader = Thread(target=_read_all, args=(near, said))
    reader.start()
    with process:
        status = process.wait(timeout=60)
    reader.join()
    os.close(near)
    assert b"got typed" in said, said.decode()
    assert status == 4
    assert project.left() == []


def _engine_dies_at(word: bytes, project: Project, proxy: EngineProxy) -> EngineIsDown:
    def kill(said: bytes) -> None:
        project.said.extend(said)
        if word in project.said:
            proxy.kill()

    with pytest.raises(EngineIsDown) as found:
        project.run(on_output=kill)
    return found.value


def _program(project: Project) -> subprocess.Popen[bytes]:
    words = (str(project.root), project.docker, project.name)
    return subprocess.Popen(
        (sys.executable, "-m", "tests.adapters.compose_program", *words),
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )


def _until_said(process: subprocess.Popen[bytes], word: bytes) -> None:
    said = b""
    assert process.stdout
    while word not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    Thread(target=_drain, args=(process.stdout,), daemon=True).start()


def _drain(pipe: IO[bytes]) -> None:
    while pipe.readline():
        pass


def _read_all(terminal: int, said: bytearray) -> None:
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # the other side is closed
            return
        if not chunk:
            return
        said.extend(chunk)


def _client_without_buildkit(project: Project) -> str:
    """Make a client that says it is new and has no buildx, and else is the real one."""
    folder = project.root / "client"
    folder.mkdir()
    client = folder / "docker"
    client.write_text(
        '#!/bin/sh\ncase "$*" in\nversion*) echo shipway:28.0.0 28.0.0;;\nbuildx*) exit 1;;\n'
        f'*) exec {project.docker} "$@";;\nesac\n',
        encoding="utf-8",
    )
    client.chmod(0o755)
    return str(client)
