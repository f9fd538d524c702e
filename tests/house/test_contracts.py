"""The import contracts of .importlinter hold, and each would catch what it is there for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import PACKAGE, ROOT

PLANTED = {
    "an upward import": ("model/planted.py", "import shipway.apply.planted", "points one way"),
    "an unplaced room": ("utils.py", "", "points one way"),
    "siblings that meet": ("checks/planted.py", "import shipway.image.planted", "points one way"),
    "a clock in the core": ("promotion/planted.py", "import time", "touches no world"),
    "a world in a new core room": ("flags/planted.py", "import os.path", "touches no world"),
    "boto3 outside its room": ("cli/planted.py", "import boto3", "names boto3"),
    "botocore outside its rooms": ("local/planted.py", "import botocore.loaders", "names boto3"),
    "an adapter that knows config": (
        "adapters/planted.py",
        "import shipway.config.planted",
        "Adapters know ports",
    ),
    "a view that acts": ("views/planted.py", "import shipway.apply.planted", "never act"),
    "adapters that meet": (
        "adapters/planted.py",
        "import shipway.adapters.aws.planted",
        "each other",
    ),
    "a second wiring": ("web/planted.py", "import shipway.adapters.planted", "Only wiring names"),
}
CYCLE = {
    "config/planted/one.py": "import shipway.config.planted.two",
    "config/planted/two.py": "import shipway.config.planted.one",
}


def contracts(source: Path) -> subprocess.CompletedProcess[str]:
    """Hold the package in this source folder against the project's own contracts."""
    program = "import sys; from importlinter.cli import lint_imports_command as c; sys.exit(c())"
    options = ("--config", str(ROOT / ".importlinter"), "--no-cache", "--no-logo")
    return subprocess.run(
        (sys.executable, "-c", program, *options),
        cwd=source,
        env={**os.environ, "PYTHONPATH": str(source), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def broken(report: str) -> set[str]:
    """Names of the broken contracts, as import-linter prints them."""
    return {line.split(" BROKEN")[0] for line in report.splitlines() if " BROKEN" in line}


def plant(package: Path, name: str, text: str) -> None:
    """Write a module into the copy, with every package on the way to it."""
    file = package / name
    file.parent.mkdir(parents=True, exist_ok=True)
    for folder in file.relative_to(package).parents:
        (package / folder / "__init__.py").touch()
    file.write_text(text + "\n", encoding="utf-8")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A package of our name with the rooms that the plants need, and nothing in them."""
    package = tmp_path / "src" / "shipway"
    for name, text, _ in PLANTED.values():
        if name != "utils.py":
            plant(package, name, "")
        for target in (word for word in text.split() if word.startswith("shipway.")):
            plant(package, target.removeprefix("shipway.").replace(".", "/") + ".py", "")
    return package


def test_the_package_keeps_its_contracts() -> None:
    """The layers, the pure core and the walls between the rooms are as .importlinter says."""
    result = contracts(PACKAGE.parent)
    assert result.returncode == 0, result.stdout


def test_an_empty_house_breaks_nothing(copy: Path) -> None:
    """The contracts judge only what is there: rooms with nothing in them keep all of them."""
    result = contracts(copy.parent)
    assert broken(result.stdout) == set(), result.stdout


@pytest.mark.parametrize("plan", PLANTED)
def test_a_planted_violation_is_caught(plan: str, copy: Path) -> None:
    """Each kind of forbidden import breaks the contract that forbids it."""
    name, text, contract = PLANTED[plan]
    plant(copy, name, text)
    result = contracts(copy.parent)
    assert result.returncode == 1, result.stdout + result.stderr
    assert any(contract in title for title in broken(result.stdout)), result.stdout


def test_a_planted_cycle_is_caught(copy: Path) -> None:
    """Two modules of one room that import each other break the contract against cycles."""
    for name, text in CYCLE.items():
        plant(copy, name, text)
    assert "No cycles inside any package" in broken(contracts(copy.parent).stdout)


def test_a_violation_in_the_real_package_is_caught(tmp_path: Path) -> None:
    """In a whole copy of the package, one line that asks the system for the time is found."""
    package = tmp_path / "src" / "shipway"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    plant(package, "plan/planted.py", "import time")
    result = contracts(package.parent)
    assert "shipway.plan.planted -> time" in result.stdout, result.stdout
