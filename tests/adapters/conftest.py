"""Recording programs first on the PATH, and the real engine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.adapters.recording import Recorder


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Programs that record how they are called, before all others on the PATH."""
    made = Recorder(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("DOCKER_BUILDKIT", raising=False)
    return made


@pytest.fixture
def docker() -> str:
    """The docker client that this machine's tests use."""
    return os.environ.get("SHIPWAY_DOCKER") or "docker"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a Dockerfile that needs no other image."""
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "Dockerfile").write_text(
        "FROM scratch\nARG COMMIT\nLABEL commit=$COMMIT\nCOPY Dockerfile /\n", encoding="utf-8"
    )
    return root
