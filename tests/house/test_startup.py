"""What `shipway` loads before it knows what it is asked: little, because everybody waits for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"boto3", "botocore", "pydantic", "rich", "httpx2", "starlette", "coverage"}


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_the_first_answer_loads_nothing_heavy(option: str) -> None:
    """`shipway --help` and `--version` import no boto3, pydantic, rich, httpx2 or web framework."""
    answer = subprocess.run(
        (sys.executable, "-X", "importtime", "-m", "shipway", option),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in answer.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "shipway" in loaded
    assert loaded & HEAVY == set()


def test_the_quick_help_is_the_help_of_the_command_tree() -> None:
    """What answers before the command tree is loaded is word for word what the tree answers."""
    from click.testing import CliRunner  # noqa: PLC0415 - only this test needs it

    from shipway.cli.main import shipway_command  # noqa: PLC0415 - as above
    from shipway.cli.verbs import help_page  # noqa: PLC0415 - as above

    for option in ("--help", "-h"):
        assert CliRunner().invoke(shipway_command, [option]).output == f"{help_page()}\n"
