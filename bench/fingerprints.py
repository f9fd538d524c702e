"""What it costs to know that nothing changed, and to plan a large workspace.

A fresh process lists a git checkout of 40,000 files and makes the key of one check that reads all
of them, beside `git status`, which has to look at as many. And a workspace of 1,000 packages with
four checks each is expanded, ordered and narrowed to what one change touches, beside Python's own
`graphlib`, which only orders it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import median

from bench.harness import DEADLINE_S, Figure, NotMeasured, medians, program
from shipway.adapters.shell import LocalShell
from shipway.adapters.tree import GitTree
from shipway.checks.affected import affected, narrowed_to
from shipway.checks.expansion import expanded
from shipway.checks.fingerprint import fingerprint, selected
from shipway.checks.graph import Schedule, node_of
from shipway.checks.workspace import Package
from shipway.model.service import CommandCheck
from shipway.model.tree import Changes

ROOT = Path(__file__).resolve().parents[1]
FILES = 40_000
FILES_LIMIT_MS = 1000.0
FILES_LIMIT_MB = 200.0
PACKAGES = 1000
PLAN_LIMIT_MS = 1000.0


def run() -> list[Figure]:
    """Measure both, each in turns with its peer."""
    return [*_no_change(), *_workspace()]


def _no_change() -> list[Figure]:
    peaks: dict[str, list[float]] = {"listing": [], "nothing": []}

    def one(what: str, folder: str) -> Callable[[], None]:
        return lambda: peaks[what].append(_peak_mb(what, folder))

    with tempfile.TemporaryDirectory() as folder:
        _checkout(Path(folder))
        status = ("git", "status", "--porcelain=v2", "-z", "--untracked-files=all")
        contestants = {
            "shipway": one("listing", folder),
            "git": program(status, cwd=Path(folder)),
            "python": one("nothing", folder),
        }
        taken = medians(contestants)
    return [
        Figure(
            "nothing changed, 40,000 files",
            taken["shipway"] * 1000,
            "ms",
            FILES_LIMIT_MS,
            "git status",
            taken["git"] * 1000,
        ),
        Figure(
            "its peak memory",
            median(peaks["listing"]),
            "MB",
            FILES_LIMIT_MB,
            "the same, idle",
            median(peaks["nothing"]),
        ),
    ]


def _peak_mb(what: str, folder: str) -> float:
    """Run one of `_main`'s works in a fresh process and return the most memory that it held."""
    command = (sys.executable, "-m", "bench.fingerprints", what, folder)
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=True
        )
        return float(done.stdout)
    except (subprocess.SubprocessError, ValueError) as problem:
        raise NotMeasured(str(problem)) from problem


def _main(what: str, folder: str) -> None:
    """Do one thing in this process, and print the most memory that it held, in MB."""
    if what == "listing":
        _key_of_everything(folder)
    status = Path("/proc/self/status")
    if not status.exists():
        raise NotMeasured("only Linux tells the most memory that a process held")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"))
    print(int(peak[1]) / 1024 if peak else "unknown")


def _key_of_everything(folder: str) -> None:
    check = CommandCheck(name="all", command=("true",), inputs=("**/*.ts", "!**/*.md"))
    inputs = selected(check, GitTree(folder, LocalShell()).listing())
    if len(inputs) != FILES:
        raise NotMeasured(f"{len(inputs)} files were found, not {FILES}")
    fingerprint(check, inputs=inputs, tools={}, needs={}, platform="linux-x86_64")


def _checkout(root: Path) -> None:
    """Make a git checkout of many small files in folders of ten."""
    for n in range(FILES):
        folder = root / f"packages/p{n // 40:04}/src/m{n % 40 // 10}"
        if n % 10 == 0:
            folder.mkdir(parents=True)
        (folder / f"{n}.ts").write_text(f"export const x{n} = {n};\n", encoding="utf-8")
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.test")
    for words in (("init", "-q"), ("add", "-A"), (*who, "commit", "-q", "-m", "All")):
        program(("git", *words), cwd=root)()


def _workspace() -> list[Figure]:
    members = tuple(
        Package(f"packages/p{n:04}", f"p{n}", tuple(f"p{d}" for d in {n // 2, n // 3} if d < n))
        for n in range(PACKAGES)
    )
    paths = [f"{package.folder}/src/{n:02}.ts" for package in members for n in range(40)]
    checks = (_each("types", "^types"), _each("lint"), _each("unit", "types"), _each("build"))
    steps = expanded(checks, members, paths)
    change = Changes(frozenset((f"packages/p{PACKAGES // 10:04}/src/00.ts",)))

    def plan() -> None:
        made = expanded(checks, members, paths)
        schedule = Schedule(tuple(map(node_of, made)), {}, 2)
        ran = 0
        while node := schedule.take():
            schedule.end(node.name, passed=True)
            ran += 1
        if ran != len(steps):
            raise NotMeasured(f"{ran} of {len(steps)} steps were handed out")

    def touch() -> None:
        narrowed_to(steps, affected(members, change))

    def peer() -> None:
        tuple(TopologicalSorter({check.name: check.needs for check in steps}).static_order())

    taken = medians({"plan": plan, "touch": touch, "peer": peer})
    return [
        Figure(name, taken[key] * 1000, "ms", PLAN_LIMIT_MS, "graphlib", taken["peer"] * 1000)
        for name, key in (("plan 4,000 steps of 1,000 packages", "plan"), ("affected", "touch"))
    ]


def _each(name: str, *needs: str) -> CommandCheck:
    check = CommandCheck(name=name, command=(name,), inputs=("src/**",), needs=needs)
    return replace(check, per_package=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
