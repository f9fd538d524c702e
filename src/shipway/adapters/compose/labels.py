"""The labels by which our own things in the engine are told from everybody else's."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

RUN = "dev.shipway.run"
CHECK = "dev.shipway.check"
PROJECT = "dev.shipway.project"
HOME = "dev.shipway.home"
"""Whose run it was: only where its leases are kept can be told whether it is still alive."""

SERVICE = "com.docker.compose.service"
"""Compose's own label, on containers: https://github.com/docker/compose, `pkg/api/labels.go`."""


def marks(*, run: str, home: str, project: str, check: str) -> dict[str, str]:
    """Return the labels for everything that one project makes."""
    return {RUN: run, HOME: home, PROJECT: project, CHECK: check}


def identity(folder: Path) -> str:
    """Return the name of a state folder, which it keeps for ever; made when first asked for.

    A path would not do: two agents in containers have the same one, and share an engine.
    """
    file = folder / "identity"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"identity.{secrets.token_hex(8)}"
        draft.write_text(secrets.token_hex(8), encoding="ascii")
        try:
            os.link(draft, file)  # whoever comes second finds the first one's
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return file.read_text(encoding="ascii")
