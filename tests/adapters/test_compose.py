"""Compose, whichever is installed: how it is found, and what v2 and the engine are asked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from shipway.adapters.compose import Compose, identity
from shipway.adapters.shell import LocalShell
from shipway.errors import EngineIsDown, FileIsMissing, ToolIsMissing
from shipway.testing.builders import a_compose_check
from tests.adapters.recording import Recorder

V2 = """\
'compose version --short') echo v2.39.1;;
version*) echo shipway:20.10.24 20.10.24;;
*" config") cat "$0.config";;
*" up -d --build") echo 'Container p-tests-1  Started'
  for word; do case "$word" in */labels.yml) cat "$word" > "${0%/*}/labels";; esac; done;;
inspect*) echo 'shipway:c1 /p-tests-1 tests' \
  '{"Status":"exited","ExitCode":7,"OOMKilled":false}';;
ps*) echo shipway:c1 p-tests-1;;
'network ls'*) echo shipway:n1 p_default;;
'volume ls'*) echo shipway:v1 v1;;
'image ls'*) echo shipway:i1 p-tests;;
'logs -f'*) echo tested;;
"""
CONFIG = """\
time="2026-11-23T10:00:00Z" level=warning msg="the attribute `version` is obsolete"
name: p
services:
  tests: { build: { context: . }, networks: { default: null } }
  db: { image: db, networks: { default: null } }
networks: { default: { name: p_default }, corporate: { name: corporate, external: true } }
volumes: { data: { name: p_data } }
"""
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


def answer(recorder: Recorder, answers: str) -> None:
    """Let docker answer as v2 does, with CONFIG as what its `config` prints."""
    recorder.program("docker", answers)
    (recorder.folder / "docker.config").write_text(CONFIG, encoding="utf-8")


def run(compose: Compose, root: Path) -> tuple[int, list[str]]:
    """Run the check as the project p; return its exit and what was said."""
    said: list[str] = []
    done = compose.run(
        CHECK,
        project="p",
        env={},
        on_output=lambda chunk: said.extend(chunk.decode().splitlines()),
        logs=str(root / "logs"),
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


def test_a_compose_that_is_too_old_is_told(recorder: Recorder, root: Path) -> None:
    """Before 1.29 a flag that we use would print the help and exit 0."""
    recorder.program("docker", "*) exit 1;;")
    recorder.program("docker-compose", "'version --short') echo 1.25.5;;")
    with pytest.raises(ToolIsMissing, match=r"1\.25\.5 is too old"):
        Compose(str(root), LocalShell()).program()


def test_v2_gets_only_flags_that_both_know(recorder: Recorder, root: Path) -> None:
    """The second file holds our labels; the engine is asked for the rest, and for the removal."""
    answer(recorder, V2)
    done = run(Compose(str(root), LocalShell(), run="r1", home="h1"), root)
    assert done[0] == 7
    assert done[1][:2] == ["Container p-tests-1  Started", "tested"]
    calls = [call for call in recorder.calls if call.startswith("docker")]
    base = f"docker compose --ansi never -p p -f {root}/compose.yml"
    composed = [c for c in calls if " compose " in c and "version" not in c]
    assert composed[0] == f"{base} config"
    start, _, rest = composed[1].partition(" -f /")
    assert start == "docker compose --ansi never -p p"
    assert rest.endswith("labels.yml up -d --build")
    assert len(composed) == 2
    assert "docker logs -f c1" in calls
    assert calls[-4:] == [
        "docker rm -f -v c1",
        "docker network rm n1",
        "docker volume rm -f v1",
        "docker image rm -f --no-prune i1",
    ]


def test_v2_is_told_what_is_ours(recorder: Recorder, root: Path) -> None:
    """Services, networks and volumes get our labels, and images that have no name of their own."""
    answer(recorder, V2)
    run(Compose(str(root), LocalShell(), run="r1", home="h1"), root)
    text = (recorder.folder / "labels").read_text(encoding="utf-8")
    marks = {
        "labels": {
            "dev.shipway.run": "r1",
            "dev.shipway.home": "h1",
            "dev.shipway.project": "p",
            "dev.shipway.check": "integration",
        }
    }
    assert json.loads(text) == {
        "services": {"tests": marks | {"build": marks}, "db": marks},
        "networks": {"default": marks},
        "volumes": {"data": marks},
    }


def test_buildkit_is_not_asked_of_a_client_without_it(recorder: Recorder, root: Path) -> None:
    """A client from 23 on without buildx builds the old way."""
    answer(recorder, "buildx*) exit 1;;\n" + V2.replace(":20.10.24 ", ":28.3.0 "))
    run(Compose(str(root), LocalShell()), root)
    assert "BUILDKIT=0" in recorder.calls
    assert "BUILDKIT=1" not in recorder.calls


def test_what_is_kept_of_a_log_is_cleaned_before(recorder: Recorder, root: Path) -> None:
    """A secret that a service said is hidden in what is written."""
    answer(recorder, "'logs --timestamps'*) echo with s3cret;;\n" + V2)
    compose = Compose(str(root), LocalShell(), clean=lambda said: said.replace(b"s3cret", b"***"))
    run(compose, root)
    assert (root / "logs" / "tests.log").read_text(encoding="utf-8") == "with ***\n"


def test_an_engine_that_is_down_is_no_verdict(recorder: Recorder, root: Path) -> None:
    """Before anything starts, exit 5 is decided, with what the client said."""
    recorder.program("docker", "version*) echo 'Cannot connect to the Docker daemon'; exit 1;;")
    with pytest.raises(EngineIsDown, match="Cannot connect"):
        run(Compose(str(root), LocalShell()), root)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """Without the compose file nothing starts."""
    with pytest.raises(FileIsMissing) as found:
        run(Compose(str(tmp_path), LocalShell()), tmp_path)
    assert found.value.where == "checks.integration.compose"


def test_a_home_keeps_its_name(tmp_path: Path) -> None:
    """Two state folders have different names, and each keeps its own."""
    one, other = identity(tmp_path / "one"), identity(tmp_path / "other")
    assert one == identity(tmp_path / "one")
    assert one != other
