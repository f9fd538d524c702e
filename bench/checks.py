"""What Shipway adds to the sample's five checks: cold, with every result at hand, and at the start.

Whole processes, in turns, each contestant in its own copy of the sample, with modules installed and
everything read once before. Cold is `--no-cache`: each check runs, and its result is kept.
The peers run the same commands: `make -j2` with the same needs, and a shell one after another.
`install` is left out on all sides; so is what a program caches itself, since none is asked to.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench import sample
from bench.harness import WARM_UPS, Figure, NotMeasured, medians, program
from bench.sample import CHECKS, COMMANDS, SHIPWAY

COLD_ROUNDS = 5
DEADLINE_S = 600.0  # a busy machine makes figures worthless, but is no reason to have none
MAKE_LIMIT = 1.05
SEQUENCE_LIMIT = 0.9
HIT_LIMIT_MS = 250.0
FIRST_LIMIT_MS = 300.0
STAMP = 'sh -c "date +%s.%N > started"'

MAKEFILE = f"""\
export PATH := $(CURDIR)/{sample.PATH_OF_MODULES}:$(PATH)
.PHONY: all {" ".join(CHECKS)} first
all: {" ".join(CHECKS)}
build: types
first:
\t{STAMP}
"""


def run() -> list[Figure]:
    """Measure the three, each in turns with its peers."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = sample.surroundings(folder)
        ours, theirs, plain = (_copy(folder / who, env) for who in ("ours", "make", "plain"))
        return [*_cold(ours, theirs, plain, env), *_hit(ours, env), *_first(ours, theirs, env)]


def makefile() -> str:
    """Return a Makefile of the five checks, with their needs."""
    return MAKEFILE + "".join(f"{name}:\n\t{command}\n" for name, command in COMMANDS.items())


def sequence() -> str:
    """Return the five checks as one would write them into a script."""
    path = f'PATH="$PWD/{sample.PATH_OF_MODULES}:$PATH"'
    return "\n".join(["set -e", f"export {path}", *COMMANDS.values()])


def _copy(folder: Path, env: dict[str, str]) -> Path:
    """One contestant's tree; all have the same files, so that all checks see as many."""
    sample.copied(folder, env)
    sample.alone(folder)
    (folder / "Makefile").write_text(makefile(), encoding="utf-8")
    (folder / "checks.sh").write_text(sequence(), encoding="utf-8")
    sample.commit(folder, env)
    return folder


def _cold(ours: Path, theirs: Path, plain: Path, env: dict[str, str]) -> list[Figure]:
    taken = medians(
        {
            name: program(command, cwd=folder, env=env, deadline_s=DEADLINE_S)
            for name, command, folder in (
                ("shipway", (SHIPWAY, "run", *CHECKS, "--no-cache"), ours),
                ("make -j2", ("make", "-j2", "all"), theirs),
                ("sequence", ("sh", "checks.sh"), plain),
            )
        },
        rounds=COLD_ROUNDS,
    )
    return [
        Figure(
            name="five checks, cold",
            value=taken["shipway"],
            unit="s",
            limit=taken[peer] * limit,
            peer_name=peer,
            peer_value=taken[peer],
            ratio_limit=limit,
        )
        for peer, limit in (("make -j2", MAKE_LIMIT), ("sequence", SEQUENCE_LIMIT))
    ]


def _hit(ours: Path, env: dict[str, str]) -> list[Figure]:
    """Measure the five checks again, whose results the cold runs have kept."""
    taken = medians(
        {
            "shipway": program((SHIPWAY, "run", *CHECKS), cwd=ours, env=env),
            "python": program((sys.executable, "-c", "pass"), cwd=ours, env=env),
        }
    )
    return [
        Figure(
            "five checks, all cached",
            taken["shipway"] * 1000,
            "ms",
            HIT_LIMIT_MS,
            "python -c pass",
            taken["python"] * 1000,
        )
    ]


def _first(ours: Path, theirs: Path, env: dict[str, str]) -> list[Figure]:
    """Measure from before the fork to the moment that the first step tells of itself."""
    file = ours / "shipway.yaml"
    text = file.read_text(encoding="utf-8").replace(COMMANDS["lint"], STAMP)
    file.write_text(text, encoding="utf-8")
    passed: dict[str, list[float]] = {"shipway": [], "make": []}

    def until(name: str, command: tuple[str, ...], folder: Path) -> Callable[[], None]:
        whole, stamp = program(command, cwd=folder, env=env), folder / "started"

        def start() -> None:
            stamp.unlink(missing_ok=True)
            before = time.time()
            whole()
            try:
                passed[name].append(float(stamp.read_text(encoding="ascii")) - before)
            except (OSError, ValueError) as problem:
                raise NotMeasured(f"the first step never told: {problem}") from problem

        return start

    medians(
        {
            "shipway": until("shipway", (SHIPWAY, "run", "lint", "--no-cache"), ours),
            "make": until("make", ("make", "first"), theirs),
        }
    )
    until_ms = {name: median(each[WARM_UPS:]) * 1000 for name, each in passed.items()}
    return [
        Figure(
            "invoking to first step started",
            until_ms["shipway"],
            "ms",
            FIRST_LIMIT_MS,
            "make",
            until_ms["make"],
        )
    ]
