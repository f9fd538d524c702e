"""How long a person waits for the first answer: whole processes, beside an empty Python.

`shipway status` runs in a copy of the sample's folder with an empty home: nothing was delivered.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from bench.harness import DOCKER, ROOT, Figure, medians, program

SHIPWAY = str(Path(sys.executable).parent / "shipway")

HELP_LIMIT_MS = 100.0
STATUS_LIMIT_MS = 250.0


def run() -> list[Figure]:
    """Measure `shipway --help` and `shipway status`, in turns with their peers."""
    with tempfile.TemporaryDirectory() as folder:
        service, home = Path(folder, "sender"), Path(folder, "home")
        service.mkdir()
        home.mkdir()
        shutil.copy(ROOT / "examples/sender/shipway.yaml", service)
        env = {"PATH": os.environ["PATH"], "HOME": str(home)}
        commands = {
            "shipway --help": (SHIPWAY, "--help"),
            "shipway status": (SHIPWAY, "status"),
            "python -c pass": (sys.executable, "-c", "pass"),
            "docker --version": (DOCKER, "--version"),
        }
        taken_ms = {
            name: seconds * 1000
            for name, seconds in medians(
                {name: program(line, cwd=service, env=env) for name, line in commands.items()}
            ).items()
        }
    return [
        Figure(
            name=name,
            value=taken_ms[name],
            unit="ms",
            limit=limit,
            peer_name=peer,
            peer_value=taken_ms[peer],
        )
        for name, limit in (("shipway --help", HELP_LIMIT_MS), ("shipway status", STATUS_LIMIT_MS))
        for peer in ("python -c pass", "docker --version")
    ]
