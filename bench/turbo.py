"""A full hit of the five checks beside turbo's, on the same graph, in copies of the same tree.

Turbo comes from npm's registry, at a pinned version. It hashes by git's index alone, since none of
its tasks has `inputs`: that is its fastest way, though a change of any file runs everything again.
It is measured twice: its program itself, and as npm installs it, where node starts that program.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

from bench import sample
from bench.harness import Figure, NotMeasured, medians, program
from bench.sample import CHECKS, COMMANDS, SHIPWAY

VERSION = "2.11.11"
RATIO_LIMIT = 2.5
FILLING_S = 600.0
OUTPUTS = {"unit": ["reports/unit.xml"], "build": ["dist/**"]}
NEEDS = {"build": ["types"]}


def run() -> list[Figure]:
    """Measure full hits, in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = sample.surroundings(folder)
        modules = _installed(folder / "turbo", env)
        turbo = {
            "turbo's program": _native(modules),
            "turbo of npm": str(modules / ".bin/turbo"),
        }
        trees = {who: sample.copied(folder / f"tree{n}", env) for n, who in enumerate(turbo)}
        for tree in trees.values():
            _configure(tree)
            sample.commit(tree, env)
        ours = sample.copied(folder / "ours", env)
        sample.alone(ours)
        sample.commit(ours, env)
        hits = {
            who: program((turbo[who], "run", *CHECKS), cwd=trees[who], env=env) for who in turbo
        }
        hits["shipway"] = program((SHIPWAY, "run", *CHECKS), cwd=ours, env=env)
        # the runs whose results the others take over; ten tasks at once would let a test time out
        for who, start in turbo.items():
            filling = (start, "run", *CHECKS, "--concurrency=2")
            program(filling, cwd=trees[who], env=env, deadline_s=FILLING_S)()
        program((SHIPWAY, "run", *CHECKS), cwd=ours, env=env, deadline_s=FILLING_S)()
        for who, tree in trees.items():
            _took_all(turbo[who], tree, env)
        taken = medians(hits)
    return [
        Figure(
            name="five checks, all cached",
            value=taken["shipway"] * 1000,
            unit="ms",
            limit=taken[peer] * 1000 * RATIO_LIMIT,
            peer_name=peer,
            peer_value=taken[peer] * 1000,
            ratio_limit=RATIO_LIMIT,
        )
        for peer in turbo
    ]


def _installed(folder: Path, env: dict[str, str]) -> Path:
    """Install turbo into a folder of its own; return its `node_modules`."""
    folder.mkdir()
    (folder / "package.json").write_text("{}\n", encoding="utf-8")
    words = ("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", f"turbo@{VERSION}")
    program(words, cwd=folder, env=env, deadline_s=120)()
    return folder / "node_modules"


def _native(modules: Path) -> str:
    """Find the program itself, in the package of this platform."""
    found = [*modules.glob("@turbo/*/bin/turbo"), *modules.glob("turbo-*/bin/turbo")]
    if len(found) != 1:
        raise NotMeasured(f"{len(found)} programs of turbo were found")
    return str(found[0])


def _configure(tree: Path) -> None:
    """Declare the same five tasks to turbo."""
    tasks = {
        name: {"dependsOn": NEEDS.get(name, []), "outputs": OUTPUTS.get(name, [])}
        for name in CHECKS
    }
    (tree / "turbo.json").write_text(json.dumps({"tasks": tasks}), encoding="utf-8")
    manifest = tree / "package.json"
    package = json.loads(manifest.read_bytes())
    text = json.dumps({**package, "scripts": COMMANDS}, indent=2, ensure_ascii=False)
    manifest.write_text(text + "\n", encoding="utf-8")
    for ignoring, line in ((".gitignore", ".turbo/"), (".prettierignore", "turbo.json")):
        with (tree / ignoring).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def _took_all(turbo: str, tree: Path, env: dict[str, str]) -> None:
    """Raise NotMeasured unless turbo takes all five results over."""
    seen = tree / "reports/turbo.log"
    shell = f'"{turbo}" run {" ".join(CHECKS)} >{seen} 2>&1'
    program(("sh", "-c", shell), cwd=tree, env=env)()
    text = seen.read_text(encoding="utf-8")
    if not re.search(rf"Cached:\s+{len(CHECKS)} cached, {len(CHECKS)} total", text):
        raise NotMeasured(f"turbo took fewer than {len(CHECKS)} results over: {text[-300:]}")
