"""Figures, and how they are taken: medians, in turns with a peer, in one run.

It knows numbers and limits; it refuses to know what is measured (that is in the files beside it).

Shipway is measured as it is installed: with byte code, which pip makes. `as_installed` compiles the
package, and lets no setting of this machine make Python go without.
"""

from __future__ import annotations

import compileall
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import shipway

ROOT = Path(__file__).resolve().parents[1]
DOCKER = os.environ.get("SHIPWAY_DOCKER", "docker")
ROUNDS = 7  # at least five: one slow round on a busy machine must not decide
WARM_UPS = 1
DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value, the limit it keeps, and the same work done by a peer in the same run.

    `value` and `peer_value` are in `unit`. Less is better, unless `more_is_better`. `ratio_limit`,
    where there is one, also bounds `ratio`: it holds on slow machines too, as a time may not.
    """

    name: str
    value: float
    unit: str
    limit: float
    peer_name: str
    peer_value: float
    ratio_limit: float | None = None
    more_is_better: bool = False

    @property
    def ratio(self) -> float:
        """How many times the peer's value this is."""
        return self.value / self.peer_value if self.peer_value else float("inf")

    @property
    def holds(self) -> bool:
        """Whether the value and the ratio keep their limits; a value on its limit does not fail."""
        sign = -1 if self.more_is_better else 1
        within = sign * self.value <= sign * self.limit
        return within and (self.ratio_limit is None or sign * self.ratio <= sign * self.ratio_limit)


class NotMeasured(Exception):
    """What is to be measured did not do its work, so there is no figure; the message says why."""


def as_installed() -> None:
    """Compile the package, and let every process that is started from here use its byte code.

    Raises:
        NotMeasured: it cannot be compiled.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.pop("PYTHONPYCACHEPREFIX", None)
    if not compileall.compile_dir(Path(shipway.__file__).parent, quiet=2):
        raise NotMeasured("the package cannot be compiled")


def medians(
    contestants: Mapping[str, Callable[[], None]],
    rounds: int = ROUNDS,
    before: Mapping[str, Callable[[], None]] | None = None,
) -> dict[str, float]:
    """Seconds that each contestant takes, the median of `rounds`.

    They run in turns, so that a busy moment of the machine hits all of them alike; one warm-up
    round is thrown away. What stands in `before` under a contestant's name is done each time
    before its clock starts.
    """
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(WARM_UPS + rounds):
        for name, contestant in contestants.items():
            if before and name in before:
                before[name]()
            started = time.perf_counter()
            contestant()
            taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(times[WARM_UPS:]) for name, times in taken.items()}


def program(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    deadline_s: float = DEADLINE_S,
) -> Callable[[], None]:
    """A contestant: one whole process, from fork to exit 0. Raises NotMeasured when it fails."""

    def start() -> None:
        try:
            subprocess.run(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=deadline_s,
                check=True,
            )
        except subprocess.CalledProcessError as problem:
            last = problem.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise NotMeasured(
                f"{' '.join(command)}: exit {problem.returncode}: {last}"
            ) from problem
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise NotMeasured(str(problem)) from problem

    return start
