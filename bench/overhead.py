"""What Shipway itself costs in a delivery: the same steps beside it, written as a shell script.

Both deliver commits of one tiny service to one environment of the embedded default, in turns; what
git, Docker and starting containers cost is the same for both, so the difference is Shipway's own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.harness import Figure, NotMeasured
from tests.scenarios.embedded import Tiny, surroundings

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5
LIMIT_S = 3.0
GATE_SAID_NO = 4


def run() -> list[Figure]:
    """Measure deliveries, Shipway's and the script's in turns."""
    with tempfile.TemporaryDirectory() as folder:
        env = surroundings(Path(folder, "state"), images())
        tiny = Tiny.fresh(Path(folder, "tiny"), env)
        try:
            return _measure(tiny)
        finally:
            tiny.shipway("local", "reset", "--yes")


def _measure(tiny: Tiny) -> list[Figure]:
    tiny.commit("The first")
    _shipway(tiny)  # makes the service; also the warm-up
    address = tiny.shipway("url", "staging").out.strip()
    ours: list[float] = []
    script: list[float] = []
    for number in range(ROUNDS):
        tiny.commit(f"For Shipway {number}")
        ours.append(_timed(lambda: _shipway(tiny)))
        tiny.commit(f"For the script {number}")
        script.append(_timed(lambda: _script(tiny, address)))
    own = statistics.median(a - b for a, b in zip(ours, script, strict=True))
    whole, peer = statistics.median(ours), statistics.median(script)
    return [
        Figure("own overhead", own, "s", LIMIT_S, "plain script", peer),
        Figure("whole delivery", whole, "s", peer + LIMIT_S, "plain script", peer),
    ]


def _shipway(tiny: Tiny) -> None:
    done = tiny.shipway("deliver")
    if done.status != GATE_SAID_NO:  # the gate of production, where a delivery ends for now
        raise NotMeasured(f"shipway deliver: exit {done.status}: {done.err[-300:]}")


def _script(tiny: Tiny, address: str) -> None:
    local = json.loads(Path(tiny.env["SHIPWAY_STATE"], "local.json").read_text(encoding="utf-8"))
    done = subprocess.run(
        [str(ROOT / "bench/plain.sh"), tiny.name(), local["registry"], local["ecs"], address],
        cwd=tiny.folder,
        env=tiny.env,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise NotMeasured(f"plain.sh: exit {done.returncode}: {done.stderr[-300:]}")


def _timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def images() -> dict[str, str]:
    """Base images, made from what this machine has."""
    made = subprocess.run(
        [sys.executable, str(ROOT / "examples/images/build")],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    return dict(line.split("=", 1) for line in made.stdout.splitlines() if "=" in line)
