"""What there is on this machine for `shipway doctor`: programs and their versions."""

from __future__ import annotations

import json
import re
from pathlib import Path

from shipway.adapters.shell import LocalShell
from shipway.errors import ToolIsMissing
from shipway.model.examined import Machine

_VERSION = re.compile(r"\d+\.\d+[\w.+-]*")
_PATIENCE_S = 15.0


def look_at_machine(root: Path, docker: str, *, git: str, embedded: bool | None) -> Machine:
    """Return what is to be seen; a program that does not answer in time counts as missing.

    Args:
        root: the checkout.
        docker: the docker client.
        git: what is unfit about the checkout, empty when nothing is.
        embedded: whether the embedded default is up; None where nobody needs it.
    """
    shell, here = LocalShell(), str(root)
    manifest = _manifest(root)
    return Machine(
        docker=_version(shell, here, docker, "version", "--format", "{{.Server.Version}}"),
        node=_version(shell, here, "node", "--version"),
        pnpm=_version(shell, here, "pnpm", "--version"),
        pnpm_pin=_pin(manifest),
        git=git,
        embedded=embedded,
        needs_node=manifest is not None,
    )


def _version(shell: LocalShell, root: str, *command: str) -> str:
    try:
        status, lines = shell.capture(command, cwd=root, timeout_s=_PATIENCE_S)
    except ToolIsMissing:
        return ""
    found = _VERSION.search(lines[-1]) if status == 0 and lines else None
    return found[0] if found else ""


def _manifest(root: Path) -> dict[str, object] | None:
    try:
        found = json.loads((root / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _pin(manifest: dict[str, object] | None) -> str:
    """Return the version of pnpm that `packageManager` pins, without its hash."""
    name, _, version = str((manifest or {}).get("packageManager", "")).partition("@")
    return version.partition("+")[0] if name == "pnpm" else ""
