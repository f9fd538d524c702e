"""The whole CI part of the sample, warm: `shipway image` beside the same as a plain shell sequence.

Both get a new commit each round, which changes one line of a source file, so that nothing but the
installed modules and Docker's layers is left from the round before: all five checks, the
integration tests and the image are made again, and pushed to the registry of the embedded default.
Both run with `CI=true`. Shipway also attaches a bill of materials and the provenance, and records
the release, which the sequence does not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import sample
from bench.harness import DOCKER, ROOT, Figure, NotMeasured, medians, program
from bench.sample import SHIPWAY

ROUNDS = 5
RATIO_LIMIT = 0.75
DEADLINE_S = 300.0
SCRIPT = ROOT / "bench/plain_ci.sh"
REMOVE = '"$1" images -q --filter "reference=$2" | sort -u | xargs -r "$1" rmi -f'
CHANGED = "src/main.ts"
REPOSITORY = "sender"


@dataclass(frozen=True, slots=True)
class Tree:
    """One contestant's checkout of the sample, which pushes to the embedded default."""

    folder: Path
    env: dict[str, str]

    def commit(self, number: int) -> None:
        """Change a line of a source file, commit it, and push it where nothing is delivered."""
        file = self.folder / CHANGED
        kept = file.read_text(encoding="utf-8").partition("// Round")[0]
        file.write_text(f"{kept}// Round {number} of {self.folder.name}.\n", encoding="utf-8")
        commit = sample.commit(self.folder, self.env, f"Round {number}")
        sample.git(self.folder, self.env, "push", "-q", "origin", f"HEAD:refs/heads/b-{commit}")

    def remote(self) -> None:
        """Name the repository that `local up` has made."""
        bare = Path(self.env["SHIPWAY_STATE"], "git/sender.git")
        sample.git(self.folder, self.env, "remote", "add", "origin", str(bare))


def run() -> list[Figure]:
    """Measure both in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = sample.surroundings(folder, {**_images(), "CI": "true"})
        ours, plain = (Tree(sample.copied(folder / who, env), env) for who in ("ours", "plain"))
        program((SHIPWAY, "local", "up"), cwd=ours.folder, env=env, deadline_s=DEADLINE_S)()
        state = Path(env["SHIPWAY_STATE"], "local.json").read_text(encoding="utf-8")
        pushed = f"{json.loads(state)['registry']}/{REPOSITORY}"
        project = f"benchplain{os.getpid()}"
        try:
            for tree in (ours, plain):
                tree.remote()
            return _measure(ours, plain, (str(SCRIPT), pushed, DOCKER, project))
        finally:
            reset = (SHIPWAY, "local", "reset", "--yes")
            program(reset, cwd=ours.folder, env=env, deadline_s=DEADLINE_S)()
            for reference in (pushed, f"{project}_*", f"{project}-*"):
                program(("sh", "-c", REMOVE, "sh", DOCKER, reference), deadline_s=DEADLINE_S)()


def _measure(ours: Tree, plain: Tree, script: tuple[str, ...]) -> list[Figure]:
    commands = {
        "ours": (ours, (SHIPWAY, "image")),
        "plain": (plain, script),
    }
    # the commit is made before the clock starts: nobody waits for it
    before, works = {}, {}
    for name, (tree, command) in commands.items():
        before[name] = _counted(tree.commit)
        works[name] = program(command, cwd=tree.folder, env=tree.env, deadline_s=DEADLINE_S)
    taken = medians(works, rounds=ROUNDS, before=before)
    return [
        Figure(
            name="the whole CI part",
            value=taken["ours"],
            unit="s",
            limit=taken["plain"] * RATIO_LIMIT,
            peer_name="plain sequence",
            peer_value=taken["plain"],
            ratio_limit=RATIO_LIMIT,
        )
    ]


def _counted(work: Callable[[int], None]) -> Callable[[], None]:
    numbers = iter(range(1000))
    return lambda: work(next(numbers))


def _images() -> dict[str, str]:
    """Base images, made from what this machine has."""
    try:
        made = subprocess.run(
            [sys.executable, str(ROOT / "examples/images/build")],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    except subprocess.CalledProcessError as problem:
        raise NotMeasured(f"the base images cannot be made: {problem}") from problem
    return dict(line.split("=", 1) for line in made.stdout.splitlines() if "=" in line)
