"""Building and pushing: the command lines for each client, and the real engine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from shipway.adapters.docker import DockerEngine
from shipway.adapters.shell import LocalShell
from shipway.errors import EngineIsDown, FileIsMissing, ImageBuildFailed, RegistryDidNotAnswer
from shipway.model.service import ImageRules
from shipway.testing.builders import a_commit, a_digest
from tests.adapters.recording import Recorder

RULES = ImageRules("sender", "Dockerfile", ".", ("BASE_IMAGE",), tag_branch=True)
LABELS = (("org.opencontainers.image.title", "sender"),)


def build(engine: DockerEngine, rules: ImageRules = RULES, *, name: str = "r:tag") -> list[str]:
    """Build, and return what was said."""
    said: list[str] = []
    engine.build(rules, commit=a_commit(), reference=name, labels=LABELS, on_line=said.append)
    return said


def an_engine(root: Path, program: str = "docker") -> DockerEngine:
    """The adapter on a checkout."""
    return DockerEngine(str(root), LocalShell(), program)


@pytest.mark.parametrize(
    ("version", "buildx", "buildkit"),
    [
        ("20.10.24+dfsg1", False, "1"),
        ("28.3.0", True, "1"),
        ("28.3.0", False, "0"),
        ("23.0.1", False, "0"),
    ],
)
def test_the_builder_is_told_by_the_client(
    recorder: Recorder,
    checkout: Path,
    version: str,
    buildx: bool,  # noqa: FBT001 - a table
    buildkit: str,
) -> None:
    """BuildKit is used where the client has it: in itself before 23, in its plug-in later."""
    recorder.program(
        "docker",
        f"version*) echo {version} 28.0;;\n'buildx version') exit {0 if buildx else 1};;",
    )
    build(an_engine(checkout))
    assert recorder.calls[-1] == f"BUILDKIT={buildkit}"


def test_the_command_line_says_everything(recorder: Recorder, checkout: Path) -> None:
    """File, name, labels and arguments are passed on; values of arguments are not."""
    recorder.program("docker", "version*) echo 20.10 20.10;;")
    build(an_engine(checkout))
    assert recorder.calls[-2] == (
        "docker build -f Dockerfile -t r:tag --label org.opencontainers.image.title=sender"
        f" --build-arg BASE_IMAGE --build-arg COMMIT={a_commit()} ."
    )


def test_a_push_tells_the_digest(recorder: Recorder, checkout: Path) -> None:
    """The digest is the one that the registry gave."""
    recorder.program("docker", f"push*) echo layer; echo 'tag: digest: {a_digest()} size: 1';;")
    assert an_engine(checkout).push("r:tag", on_line=lambda _: None) == a_digest()


def test_a_push_without_digest_is_no_push(recorder: Recorder, checkout: Path) -> None:
    """A push that fails, while the engine is up, is the registry's silence."""
    recorder.program("docker", "version*) echo 20.10 20.10;;\npush*) echo refused; exit 1;;")
    with pytest.raises(RegistryDidNotAnswer, match="refused"):
        an_engine(checkout).push("r:tag", on_line=lambda _: None)


def test_a_password_travels_by_standard_input(recorder: Recorder, checkout: Path) -> None:
    """No command line holds the password; a refused log-in is told."""
    recorder.program("docker", 'login*) read word; [ "$word" = "secret" ];;')
    engine = an_engine(checkout)
    engine.log_in("host", "AWS", "secret\n")
    with pytest.raises(RegistryDidNotAnswer, match="refused the log-in"):
        engine.log_in("host", "AWS", "wrong\n")
    assert recorder.calls[0] == "docker login --username AWS --password-stdin host"


def test_a_missing_dockerfile_is_told(tmp_path: Path) -> None:
    """Without its Dockerfile nothing is built; the hint says what to do."""
    with pytest.raises(FileIsMissing, match="there is no Dockerfile"):
        build(an_engine(tmp_path))


def test_an_engine_that_is_down_is_told(
    checkout: Path, docker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Building and pushing without an engine end with 5, saying how to start it."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    engine = an_engine(checkout, docker)
    with pytest.raises(EngineIsDown) as found:
        build(engine)
    assert found.value.exit_status == 5
    with pytest.raises(EngineIsDown):
        engine.push("127.0.0.1:1/sender:x", on_line=lambda _: None)


@pytest.fixture
def name(docker: str) -> Iterator[str]:
    """A name for an image, which is gone afterwards."""
    made = f"shipway-test-{uuid4().hex[:12]}:one"
    yield made
    subprocess.run((docker, "rmi", "-f", made), check=False, capture_output=True)


@pytest.mark.docker
def test_a_real_image_is_built(checkout: Path, docker: str, name: str) -> None:
    """The engine has the image afterwards, with our labels and the commit."""
    assert build(an_engine(checkout, docker), name=name)
    shown = '{{index .Config.Labels "commit"}} {{index .Config.Labels "%s"}}' % LABELS[0][0]  # noqa: UP031 - braces
    found = subprocess.run(
        (docker, "inspect", "--format", shown, name), check=True, capture_output=True, text=True
    )
    assert found.stdout.strip() == f"{a_commit()} sender"


@pytest.mark.docker
def test_a_real_build_that_fails_says_why(checkout: Path, docker: str, name: str) -> None:
    """What the builder said last is in the error."""
    (checkout / "Dockerfile").write_text("FROM scratch\nCOPY nowhere /\n", encoding="utf-8")
    with pytest.raises(ImageBuildFailed, match="nowhere") as found:
        build(an_engine(checkout, docker), name=name)
    assert found.value.where == "Dockerfile"


@pytest.mark.docker
def test_a_real_push_to_nobody_is_told(checkout: Path, docker: str) -> None:
    """A registry that does not answer is told apart from an engine that does not."""
    reference = "127.0.0.1:1/sender:x"
    engine = an_engine(checkout, docker)
    build(engine, name=reference)
    try:
        with pytest.raises(RegistryDidNotAnswer, match="refused"):
            engine.push(reference, on_line=lambda _: None)
    finally:
        subprocess.run((docker, "rmi", "-f", reference), check=False, capture_output=True)
