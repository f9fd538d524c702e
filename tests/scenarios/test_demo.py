"""The demonstration, as a stranger runs it: by git push, to its closing table."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.docker
@pytest.mark.timeout(900)
def test_the_demonstration_ends_as_it_should(tmp_path: Path) -> None:
    """Two releases live, two bad commits refused, one way back, and not one failed request."""
    env = os.environ | {"XDG_STATE_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    env.pop("SHIPWAY_STATE", None)

    done = subprocess.run(
        [sys.executable, "-m", "examples.demo.demo", "--yes"],
        cwd=ROOT,
        env=env,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    assert done.returncode == 0, done.stdout[-3000:]
    assert "as it should be" in done.stdout
    table = done.stdout.partition("=== What happened")[2]
    assert table.count("live, verified") == 5
    assert table.count("rolled-back") >= 2
    assert " 0 failed" in table
