"""How contract tests watch other processes: by their real state, with a deadline."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

PYTHON = sys.executable
DEADLINE_S = 15.0


def until(holds: Callable[[], bool], what: str) -> None:
    """Look until something holds; complain when it never does."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, f"it never happened: {what}"
        time.sleep(0.01)


def lives(pid: int) -> bool:
    """Tell whether a process runs; one that is dead and not yet collected does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def number_in(file: Path) -> int:
    """Wait for a file to hold a whole line with a number, and return it."""
    until(lambda: file.exists() and file.read_text(encoding="utf-8").endswith("\n"), str(file))
    return int(file.read_text(encoding="utf-8"))
