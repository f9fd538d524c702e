"""Ministack in a virtual environment of its own, installed at first use.

Of its own, because it pins an exact botocore that Shipway must not share. Built in place under a
lock, with a marker written last: a virtual environment holds its own path and cannot be renamed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shipway.errors import LeaseIsHeld, OutsideDidNotAnswer, ToolIsMissing
from shipway.local.locks import take
from shipway.local.processes import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipway.local.locks import Lock

VERSION: Final = "1.5.33"
_REQUIREMENTS: Final = Path(__file__).with_name("ministack.txt")
_MARKER: Final = "complete"
_VENV_TIMEOUT_S: Final = 120.0
_PIP_TIMEOUT_S: Final = 600.0
# They would make pip, or ministack itself, import other packages than the locked ones.
_MISLEADING: Final = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX")


def ensure(cache: Path, environ: Mapping[str, str], say: Callable[[str], None]) -> Path:
    """Return the interpreter that can run ministack, installing it if need be.

    Takes milliseconds when it is there; else some 15 seconds and the user's package index, as
    their pip configuration names it. Several callers wait for one another.

    Raises:
        OutsideDidNotAnswer: the packages could not be had.
        ToolIsMissing: Python came without its `venv` module.
        LeaseIsHeld: another installation did not end within ten minutes.
    """
    folder = cache / f"ministack-{VERSION}-py{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / "bin" / "python"
    if _is_complete(folder):
        return python
    held = _lock(folder.with_suffix(f"{folder.suffix}.lock"), say)
    if held is None:
        raise LeaseIsHeld(
            f"another process has been installing ministack into {folder} for ten minutes",
            hint="end it, then run `shipway local up` again",
        )
    with held:
        if not _is_complete(folder):
            say(f"installing ministack {VERSION} (once; about 15 s)")
            clean = {k: v for k, v in environ.items() if k not in _MISLEADING}
            _install(folder, clean, held.descriptor)
    return python


def _lock(path: Path, say: Callable[[str], None]) -> Lock | None:
    lock = take(path, timeout_s=0)
    if lock is None:
        say("waiting for another installation of ministack")
        lock = take(path, timeout_s=_PIP_TIMEOUT_S)
    return lock


def _is_complete(folder: Path) -> bool:
    try:
        return (folder / _MARKER).read_text(encoding="utf-8") == fingerprint()
    except FileNotFoundError:
        return False


def fingerprint() -> str:
    """Return what the marker of a complete installation of this very lock file says."""
    return hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()


def _install(folder: Path, environ: Mapping[str, str], lock: int) -> None:
    # The children inherit the lock: one that outlives us, when we are killed, still writes here.
    if importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise ToolIsMissing(
            "this Python cannot make virtual environments: its ensurepip module is missing",
            hint=f"on Debian or Ubuntu: apt-get install python{version}-venv",
        )
    shutil.rmtree(folder, ignore_errors=True)  # what an interrupted installation left
    _step([sys.executable, "-m", "venv", str(folder)], _VENV_TIMEOUT_S, environ, lock)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--no-input", "--disable-pip-version-check"]
    _step(
        [*pip, "install", "--require-hashes", "--no-deps", "--requirement", str(_REQUIREMENTS)],
        _PIP_TIMEOUT_S,
        environ,
        lock,
    )
    (folder / _MARKER).write_text(fingerprint(), encoding="utf-8")


def _step(command: list[str], timeout_s: float, environ: Mapping[str, str], lock: int) -> None:
    hint = "see that pip can reach a package index, then run `shipway local up` again"
    try:
        done = run(command, timeout_s=timeout_s, env=environ, pass_fd=lock)
    except TimeoutError as slow:
        raise OutsideDidNotAnswer(
            f"installing ministack took too long: {slow}", hint=hint
        ) from slow
    if done.status != 0:
        said = "\n".join(f"  {line}" for line in done.output.splitlines()[-15:])
        raise OutsideDidNotAnswer(f"ministack could not be installed; pip said:\n{said}", hint=hint)
