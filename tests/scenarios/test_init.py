"""`shipway init` on real repositories of different shapes, each then passing `shipway run`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from shipway.checks import junit
from shipway.config.load import load
from tests.scenarios.shapes import (
    EXPRESS_WITH_DATABASES,
    PLAIN,
    PNPM,
    SHAPES,
    YARN,
    Shape,
)

INSTALL_S, RUN_S = 120, 180
WHO = ("-c", "user.name=Dora", "-c", "user.email=dora@example.com")
# without a network an installation has to end soon, and say why
NPM = {
    "npm_config_fetch_retries": "1",
    "npm_config_fetch_timeout": "20000",
    "npm_config_audit": "false",
    "npm_config_fund": "false",
    "npm_config_update_notifier": "false",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, with all that it said."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Generated:
    """A repository that was generated from a shape, committed, with its lockfile."""

    folder: Path
    env: dict[str, str]

    def run(self, *command: str, timeout_s: float = RUN_S) -> Ended:
        """Run a program in it to its end."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.env,
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def shipway(self, *words: str) -> Ended:
        """Run one `shipway` command in it."""
        return self.run(sys.executable, "-m", "shipway", *words)

    def text(self, path: str) -> str:
        """Return what stands in a file."""
        return (self.folder / path).read_text(encoding="utf-8")

    def commit(self) -> None:
        """Commit all there is."""
        for words in (("add", "-A"), ("commit", "-q", "-m", "As it is")):
            assert self.run("git", *WHO, *words).status == 0

    def broken(self, path: str, old: str, new: str) -> None:
        """Change what stands exactly once in a file."""
        text = self.text(path)
        assert text.count(old) == 1, (old, text)
        (self.folder / path).write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of pnpm and yarn in the versions that the shapes pin, installed by npm."""
    prefix = tmp_path_factory.mktemp("tools")
    command = ("npm", "install", "--prefix", str(prefix), f"pnpm@{PNPM}", f"yarn@{YARN}")
    done = Generated(prefix, os.environ | NPM).run(*command, timeout_s=INSTALL_S)
    assert done.status == 0, f"pnpm and yarn cannot be installed: {done.err}"
    return prefix / "node_modules" / ".bin"


def generated(shape: Shape, tmp_path: Path, tools: Path) -> Generated:
    """Write a shape's repository, let its package manager write the lockfile, commit both."""
    folder = tmp_path / "parcels"
    for name, text in shape.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    own = {
        "PATH": os.pathsep.join((str(tools), os.environ["PATH"])),
        "SHIPWAY_STATE": str(tmp_path / "state"),
        "SHIPWAY_CACHE": str(tmp_path / "cache"),
        "NO_COLOR": "1",
    }
    repository = Generated(folder, os.environ | NPM | own)
    if shape.lock:
        done = repository.run(*shape.lock, timeout_s=INSTALL_S)
        assert done.status == 0, f"{shape.lock} needs a network: {done.out}{done.err}"
    assert repository.run("git", "init", "-q", "-b", "main").status == 0
    repository.commit()
    return repository


def passed(ended: Ended) -> list[str]:
    """Return the checks that a run says have passed, in the order of the file."""
    found = json.loads(ended.out.splitlines()[-1])["passed"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_what_init_writes_passes_and_can_fail(shape: Shape, tmp_path: Path, tools: Path) -> None:
    """A fresh repository passes every check that was found, and fails the one that is broken."""
    repository = generated(shape, tmp_path, tools)

    begun = repository.shipway("init")
    assert begun.status == 0, begun
    assert all(words in begun.out for words in shape.said), begun.out
    assert [c.name for c in load(repository.text("shipway.yaml")).checks] == list(shape.checks)

    ran = repository.shipway("run", "--json")
    assert ran.status == 0, ran
    assert passed(ran) == list(shape.checks)
    assert [name for name in shape.made if not (repository.folder / name).exists()] == []

    path, old, new, check = shape.breaking
    repository.broken(path, old, new)
    refused = repository.shipway("run", check)
    assert refused.status == 3, refused
    assert f"{check}: " in refused.err


@pytest.mark.docker
def test_a_service_with_databases_is_tested_beside_them(
    tmp_path: Path, tools: Path, images: dict[str, str]
) -> None:
    """The compose file that init adds brings MongoDB and Redis up, and its tests decide."""
    shape = EXPRESS_WITH_DATABASES
    repository = generated(shape, tmp_path, tools)
    repository.env.update(images | {"TESTS_IMAGE": images["BUILDER_IMAGE"]})

    begun = repository.shipway("init")
    assert begun.status == 0, begun
    assert "wrote shipway.yaml and docker-compose.integration.yml" in begun.out
    container = load(repository.text("shipway.yaml")).environments[0].container
    assert (container.port, container.health) == (5000, "/health")

    ran = repository.shipway("run", "--json")
    assert ran.status == 0, ran
    assert passed(ran) == list(shape.checks)
    unit, integration = (junit.read(repository.text(name)) for name in shape.made)
    assert unit.total == 1
    assert integration.total == 2

    path, old, new, check = shape.breaking
    repository.broken(path, old, new)
    refused = repository.shipway("run", check)
    assert refused.status == 3, refused
    assert "1 of 2 tests failed" in refused.err


def test_init_never_overwrites(tmp_path: Path, tools: Path) -> None:
    """A second init is wrong usage, with exit 2, and the file stays as a person left it."""
    repository = generated(PLAIN, tmp_path, tools)
    assert repository.shipway("init").status == 0
    repository.broken("shipway.yaml", "owner: unknown", "owner: team-hello")

    again = repository.shipway("init")

    assert again.status == 2
    assert "never overwritten" in again.err
    assert "owner: team-hello" in repository.text("shipway.yaml")


def test_print_writes_nothing(tmp_path: Path, tools: Path) -> None:
    """With --print the configuration goes to standard output, as it would be written."""
    repository = generated(PLAIN, tmp_path, tools)

    printed = repository.shipway("init", "--print")

    assert not (repository.folder / "shipway.yaml").exists()
    assert repository.shipway("init").status == 0
    assert printed.out == repository.text("shipway.yaml")


def test_a_compose_file_that_is_there_is_left_and_named(tmp_path: Path, tools: Path) -> None:
    """A name that is taken, though git ignores the file, is not written to, and that is said."""
    repository = generated(replace(EXPRESS_WITH_DATABASES, lock=()), tmp_path, tools)
    repository.broken(".gitignore", "reports", "*.integration.yml")
    (repository.folder / "docker-compose.integration.yml").write_text("services: {}\n")

    begun = repository.shipway("init", "--json")

    told = json.loads(begun.out)
    assert told["written"] == ["shipway.yaml"]
    assert told["left"] == ["docker-compose.integration.yml"]
    assert repository.text("docker-compose.integration.yml") == "services: {}\n"


def test_an_empty_folder_is_no_service(tmp_path: Path) -> None:
    """Where there is neither a package.json nor a Dockerfile, init says so, with exit 2."""
    refused = Generated(tmp_path, dict(os.environ)).shipway("init")
    assert refused.status == 2
    assert "neither a package.json nor a Dockerfile" in refused.err
