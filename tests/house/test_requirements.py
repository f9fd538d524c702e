"""The locks: everything pinned and hashed, for every platform, in step with pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.tree import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def entries(lock: Path) -> list[tuple[Requirement, list[str]]]:
    """The requirements of a lock in its order, each with its hashes."""
    text = lock.read_text("utf-8").replace("\\\n", " ")
    lines = (line for line in text.splitlines() if line and not line.lstrip().startswith("#"))
    return [
        (Requirement(line.partition(" --hash")[0]), re.findall(r"--hash=(\S+)", line))
        for line in lines
    ]


def pins(lock: Path) -> dict[str, str]:
    """The version of each package in a lock, by its canonical name."""
    return {
        canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r, _ in entries(lock)
    }


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_is_pinned_and_hashed(lock: Path) -> None:
    """Each line of a lock names one exact version and at least one sha256."""
    for requirement, hashes in entries(lock):
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), requirement


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_no_lock_names_a_place(lock: Path) -> None:
    """No lock holds an address, an option for an index, or a path, not even in a comment."""
    text = lock.read_text("utf-8")
    assert re.findall(r"\S*://\S*|^\s*-\S+|\s/\S+|@ \S+", text, re.MULTILINE) == [
        *re.findall(r"^\s*--hash=\S+", text, re.MULTILINE)
    ]


def test_a_user_runs_what_the_tests_ran() -> None:
    """Every package of run.txt is in dev.txt, at the same version."""
    run, dev = pins(ROOT / "requirements/run.txt"), pins(ROOT / "requirements/dev.txt")
    assert run.items() <= dev.items()


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("run.txt", PROJECT["project"]["dependencies"]),
        ("dev.txt", PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]),
        ("dev.txt", PROJECT["build-system"]["requires"]),
    ],
    ids=["run", "dev", "build"],
)
def test_the_locks_follow_pyproject(lock: str, wanted: list[str]) -> None:
    """Everything that pyproject.toml asks for is locked, at a version it allows."""
    locked = pins(ROOT / "requirements" / lock)
    for requirement in map(Requirement, wanted):
        version = locked.get(canonicalize_name(requirement.name))
        assert version, f"{requirement} is not in {lock}: run ./dev lock"
        assert requirement.specifier.contains(version, prereleases=True), (
            f"{requirement}: {version}"
        )
