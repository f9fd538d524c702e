"""Building and pushing: the command lines for each client, and the real engine."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event
from uuid import uuid4

import pytest

from shipway.adapters.docker import DockerEngine
from shipway.adapters.shell import LocalShell
from shipway.errors import (
    EngineIsDown,
    FileIsMissing,
    ImageBuildFailed,
    RegistryDidNotAnswer,
    SecretIsMissing,
)
from shipway.model.service import ImageRules
from shipway.testing.builders import a_digest
from tests.adapters.recording import Recorder
from tests.adapters.repositories import committed, head

RULES = ImageRules("sender", "Dockerfile", ".", ("BASE_IMAGE",), tag_branch=True)
CACHED = replace(RULES, registry_cache=True)
SECRET = replace(RULES, secrets=(("token", "env:TOKEN"),))
LABELS = (("org.opencontainers.image.title", "sender"),)
OLD = "version*) echo 20.10.24 20.10;;"
LEGACY = "version*) echo 28.3.0 28.3;;\nbuildx*) exit 1;;"


def plug_in(driver: str) -> str:
    """Answers of a client whose buildx has a builder with that driver."""
    return f"version*) echo 28.3.0 28.3;;\n'buildx inspect') echo 'Driver:   {driver}';;"


def build(
    engine: DockerEngine, root: Path, rules: ImageRules = RULES, *, name: str = "r:tag"
) -> list[str]:
    """Build, and return what was said."""
    said: list[str] = []
    commit = head(root)
    secrets = {key: f"value-of-{key}" for key, _ in rules.secrets}
    assert engine.build(
        rules,
        commit=commit,
        reference=name,
        labels=LABELS,
        on_line=said.append,
        secrets=secrets,
        cache=("r:branch-x", "r:branch-main"),
    )
    return said


def an_engine(root: Path, program: str = "docker") -> DockerEngine:
    """The adapter on a checkout."""
    return DockerEngine(str(root), LocalShell(), program)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout with a Dockerfile that needs no other image."""
    dockerfile = "FROM scratch\nARG COMMIT\nLABEL commit=$COMMIT\nCOPY Dockerfile /\n"
    return committed(tmp_path / "checkout", {"Dockerfile": dockerfile})


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
    build(an_engine(checkout), checkout)
    told = [call for call in recorder.calls if call.startswith("BUILDKIT=")]
    assert told == [f"BUILDKIT={buildkit}"]


def command_line(recorder: Recorder, answers: str, rules: ImageRules, root: Path) -> str:
    """Build with a client that answers so, and return its command line."""
    recorder.program("docker", answers)
    build(an_engine(root), root, rules)
    return next(call for call in recorder.calls if call.startswith("docker build "))


def test_the_command_line_says_everything(recorder: Recorder, checkout: Path) -> None:
    """File, name, labels and arguments are passed on; values of arguments are not."""
    assert command_line(recorder, OLD, RULES, checkout) == (
        "docker build -f Dockerfile -t r:tag --label org.opencontainers.image.title=sender"
        f" --build-arg BASE_IMAGE --build-arg COMMIT={head(checkout)} --progress plain ."
    )


def test_the_legacy_builder_leaves_no_container(recorder: Recorder, checkout: Path) -> None:
    """Without BuildKit a build that fails tidies up, and no option is given that needs BuildKit."""
    line = command_line(recorder, LEGACY, CACHED, checkout)
    assert "--force-rm" in line
    assert not any(word in line for word in ("--progress", "--cache", "--load", "BUILDKIT"))


def test_a_builder_of_its_own_keeps_its_cache_in_the_registry(
    recorder: Recorder, checkout: Path
) -> None:
    """Where buildx has a builder beside the engine, all its layers go to `buildcache` and back."""
    line = command_line(recorder, plug_in("docker-container"), CACHED, checkout)
    assert (
        " --load --cache-from type=registry,ref=r:buildcache --cache-to type=registry,"
        "ref=r:buildcache,mode=max,image-manifest=true,oci-mediatypes=true ." in line
    )


def test_the_engines_own_builder_keeps_its_cache_in_the_image(
    recorder: Recorder, checkout: Path
) -> None:
    """Buildx with the engine's builder cannot export a cache: it goes along with the image."""
    line = command_line(recorder, plug_in("docker"), CACHED, checkout)
    assert line.endswith(
        " --load --cache-from type=registry,ref=r:branch-x"
        " --cache-from type=registry,ref=r:branch-main --cache-to type=inline ."
    )


def test_the_old_client_keeps_its_cache_in_the_image(recorder: Recorder, checkout: Path) -> None:
    """The BuildKit of 20.10 takes layers from the branch's image and leaves its own in ours."""
    assert command_line(recorder, OLD, CACHED, checkout).endswith(
        " --cache-from r:branch-x --cache-from r:branch-main --build-arg BUILDKIT_INLINE_CACHE=1 ."
    )


def test_without_the_wish_no_cache_is_used(recorder: Recorder, checkout: Path) -> None:
    """Only `image.registry_cache` makes the builder ask the registry for layers."""
    assert "cache" not in command_line(recorder, plug_in("docker-container"), RULES, checkout)


def test_a_secret_is_in_a_file_that_only_we_can_read(recorder: Recorder, checkout: Path) -> None:
    """Its value is in no argument and in no variable; its file is gone after the build."""
    seen = checkout.parent / "seen"
    show = f'for w in "$@"; do case "$w" in id=*) f="${{w##*src=}}";; esac; done; env > {seen}.env;'
    keep = f'stat -c %a "$f" > {seen}; cat "$f" >> {seen}; echo "$f" >> {seen}'
    line = command_line(recorder, f"{OLD}\nbuild*) {show} {keep};;", SECRET, checkout)
    mode, rest = seen.read_text().splitlines()
    file = rest.removeprefix("value-of-token")
    assert (mode, rest) == ("600", f"value-of-token{file}")
    assert f"--secret id=token,src={file} " in line
    assert not Path(file).exists()
    assert "value-of-token" not in line + seen.with_suffix(".env").read_text()


def test_a_failing_build_leaves_no_secret_behind(recorder: Recorder, checkout: Path) -> None:
    """However the build ends, the file of a secret is gone."""
    seen = checkout.parent / "seen"
    with pytest.raises(ImageBuildFailed):
        command_line(recorder, f'{OLD}\nbuild*) echo "$*" > {seen}; exit 1;;', SECRET, checkout)
    file = seen.read_text().split("src=")[1].split()[0]
    assert not Path(file).parent.exists()


def test_the_legacy_builder_is_given_no_secret(recorder: Recorder, checkout: Path) -> None:
    """A builder that knows no secrets is refused before it is started."""
    with pytest.raises(ImageBuildFailed, match="knows none") as found:
        command_line(recorder, LEGACY, SECRET, checkout)
    assert "buildx" in found.value.hint
    assert not any(call.startswith("docker build ") for call in recorder.calls)


def test_a_secret_without_value_is_told(recorder: Recorder, checkout: Path) -> None:
    """A secret that the image names and nobody resolved is no empty secret."""
    recorder.program("docker", OLD)
    with pytest.raises(SecretIsMissing, match="token"):
        an_engine(checkout).build(
            SECRET, commit=head(checkout), reference="r:t", labels=(), on_line=print
        )


@pytest.mark.parametrize(
    ("said", "needs", "hint"),
    [
        ('failed to compute cache key: \\"/dist\\" not found: not found', (), "image.needs"),
        ('failed to calculate checksum of ref x: \\"/dist\\": not found', (), "image.needs"),
        (
            "COPY failed: file not found in build context: stat dist: file does not exist",
            (),
            "image.needs",
        ),
        ('\\"/dist\\": not found', ("build",), "(build)"),
        ("the --mount option requires BuildKit.", (), "buildx"),
        ("exit code: 1", (), ""),
    ],
)
def test_a_failing_build_says_what_to_do(
    recorder: Recorder, checkout: Path, said: str, needs: tuple[str, ...], hint: str
) -> None:
    """A file that is missing points at `image.needs`; what explains itself has no hint."""
    recorder.program("docker", f'{OLD}\nbuild*) echo "{said}"; exit 1;;')
    with pytest.raises(ImageBuildFailed) as found:
        build(an_engine(checkout), checkout, replace(RULES, needs=needs))
    assert hint in found.value.hint
    assert bool(hint) == bool(found.value.hint)
    assert "dist" in found.value.hint or "dist" not in said


def test_what_checks_make_is_there_only_when_asked_for(recorder: Recorder, checkout: Path) -> None:
    """With `needs` the image is built in the working folder, without in an export of the commit."""
    (checkout / "dist").mkdir()
    answers = f"{OLD}\nbuild*) pwd; ls;;"
    recorder.program("docker", answers)
    engine = an_engine(checkout)
    made = replace(RULES, needs=("build",))
    assert build(engine, checkout, made) == [str(checkout), "Dockerfile", "dist"]
    place, *files = build(engine, checkout, RULES)
    assert files == ["Dockerfile"]
    assert not Path(place).exists()


def test_a_wish_to_stop_ends_the_build(recorder: Recorder, checkout: Path) -> None:
    """A build that somebody cancels is over at once, and is not built."""
    recorder.program("docker", f"{OLD}\nbuild*) exec sleep 60;;")
    start = time.monotonic()
    assert not an_engine(checkout).build(
        RULES, commit=head(checkout), reference="r:t", labels=(), on_line=print, cancel=Stopped()
    )
    assert time.monotonic() - start < 20


class Stopped:
    """A wish to stop that is there from the start."""

    def wanted(self) -> bool:
        """Always."""
        return True


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


def test_a_missing_dockerfile_is_told(recorder: Recorder, tmp_path: Path) -> None:
    """A commit without Dockerfile is not built, though the working folder may have one."""
    recorder.program("docker", OLD)
    root = committed(tmp_path / "bare", {"file": ""})
    (root / "Dockerfile").touch()
    with pytest.raises(FileIsMissing, match="there is no Dockerfile in commit"):
        build(an_engine(root), root)
    with pytest.raises(FileIsMissing, match="there is no folder app"):
        build(an_engine(root), root, replace(RULES, needs=("x",), context="app"))


def test_an_image_that_was_never_pushed_has_no_digest(recorder: Recorder, checkout: Path) -> None:
    """Digests are those that registries gave to this very image, under this very name."""
    recorder.program(
        "docker",
        f"{OLD}\n*h:1/r:tag) echo h:1/r@{a_digest()}; echo h:1/other@{a_digest('b')}; echo;;\n"
        "*r:none) echo;;\n*) exit 1;;",
    )
    engine = an_engine(checkout)
    assert engine.digests("h:1/r:tag") == (a_digest(),)
    assert engine.digests("r:none") == engine.digests("r:unknown") == ()


def test_an_engine_that_is_down_is_told(
    checkout: Path, docker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Building, pushing and looking without an engine end with 5, saying how to start it."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    engine = an_engine(checkout, docker)
    with pytest.raises(EngineIsDown) as found:
        build(engine, checkout)
    assert found.value.exit_status == 5
    for ask in (engine.labels, engine.contents, engine.digests):
        with pytest.raises(EngineIsDown):
            ask("127.0.0.1:1/sender:x")
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
    engine = an_engine(checkout, docker)
    assert build(engine, checkout, name=name)
    assert engine.labels(name) == (("commit", head(checkout)), *LABELS)
    assert engine.digests(name) == ()


@pytest.mark.docker
def test_a_real_build_that_fails_says_why(checkout: Path, docker: str, name: str) -> None:
    """What the builder said last is in the error, and the hint names what is not there."""
    committed(checkout, {"Dockerfile": "FROM scratch\nCOPY nowhere /\n"})
    (checkout / "nowhere").touch()
    with pytest.raises(ImageBuildFailed, match="nowhere") as found:
        build(an_engine(checkout, docker), checkout, name=name)
    assert found.value.where == "Dockerfile"
    assert "nowhere is not in commit" in found.value.hint


@pytest.fixture
def with_shell(tmp_path: Path) -> Path:
    """A checkout whose image can run programs: busybox, from this machine, is all it holds."""
    busybox = shutil.which("busybox")
    assert busybox, "busybox is not installed (Debian: busybox-static)"
    root = committed(tmp_path / "shell", {"Dockerfile": ""})
    shutil.copy(busybox, root / "busybox")
    return root


def dockerfile(root: Path, run: str) -> None:
    """Commit a Dockerfile that runs that line."""
    text = f'FROM scratch\nCOPY busybox /bin/busybox\nSHELL ["/bin/busybox","sh","-c"]\n{run}\n'
    committed(root, {"Dockerfile": text})


@pytest.mark.docker
def test_a_real_secret_is_seen_and_not_kept(with_shell: Path, docker: str, name: str) -> None:
    """A step that mounts the secret reads its value; the image and its history do not hold it."""
    count = "test $(/bin/busybox wc -c < /run/secrets/token) = 14"
    same = 'test "$(/bin/busybox cat /run/secrets/token)" = value-of-token'.replace(
        "-of-", "-''of-"
    )
    dockerfile(with_shell, f"RUN --mount=type=secret,id=token {count} && {same}")
    build(an_engine(with_shell, docker), with_shell, SECRET, name=name)
    kept = subprocess.run((docker, "save", name), check=True, capture_output=True).stdout
    assert b"value-of-token" not in kept


@pytest.mark.docker
def test_a_real_build_stops_when_asked(with_shell: Path, docker: str, name: str) -> None:
    """A wish to stop in the middle of a step ends that step in the engine as well."""
    mark = uuid4().hex
    seconds = str(int(mark[:6], 16) + 1000)
    dockerfile(with_shell, f"RUN echo {mark} && exec /bin/busybox sleep {seconds}")
    wish = Told(mark, seconds)
    assert not an_engine(with_shell, docker).build(
        RULES,
        commit=head(with_shell),
        reference=name,
        labels=(),
        on_line=wish.hear,
        cancel=wish,
    )
    assert wish.wanted()
    deadline = time.monotonic() + 20
    while sleeping(seconds) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not sleeping(seconds)


def sleeping(seconds: str) -> bool:
    """Whether a program on this machine, in a container or not, sleeps for that long."""
    found = b""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found += entry.read_bytes()
    return f"sleep\0{seconds}\0".encode() in found


class Told:
    """A wish to stop that comes when a step has said its line and sleeps."""

    def __init__(self, mark: str, seconds: str) -> None:
        self._mark, self._seconds, self._flag = mark, seconds, Event()
        self._made = False

    def hear(self, line: str) -> None:
        """Look for the line that the step itself prints."""
        if line.endswith(self._mark) and "RUN" not in line:
            self._flag.set()

    def wanted(self) -> bool:
        """Whether it came; once it has, it stays."""
        self._made = self._made or (self._flag.is_set() and sleeping(self._seconds))
        return self._made


@pytest.mark.docker
def test_a_real_push_to_nobody_is_told(checkout: Path, docker: str) -> None:
    """A registry that does not answer is told apart from an engine that does not."""
    reference = "127.0.0.1:1/sender:x"
    engine = an_engine(checkout, docker)
    build(engine, checkout, name=reference)
    try:
        with pytest.raises(RegistryDidNotAnswer, match="refused"):
            engine.push(reference, on_line=lambda _: None)
    finally:
        subprocess.run((docker, "rmi", "-f", reference), check=False, capture_output=True)


@pytest.mark.docker
def test_an_image_that_is_nowhere_is_told(checkout: Path, docker: str) -> None:
    """Looking into an image that neither engine nor registry has ends with 5."""
    engine = an_engine(checkout, docker)
    for ask in (engine.labels, engine.contents):
        with pytest.raises(RegistryDidNotAnswer, match="not to be had"):
            ask(f"127.0.0.1:1/sender@{a_digest()}")
