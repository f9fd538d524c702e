"""The sample service as a bench measures it: copies of its tree, and what surrounds its programs.

It knows how to make contestants equal: each has its own copy, with the same installed modules. It
refuses to know what they do with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.harness import ROOT, NotMeasured, program

SENDER = ROOT / "examples/sender"
SHIPWAY = str(Path(sys.executable).parent / "shipway")
CHECKS = ("lint", "format", "types", "unit", "build")
COMMANDS = {  # as shipway.yaml has them; `alone` fails when the two differ
    "lint": "eslint .",
    "format": "prettier --check .",
    "types": "tsc --noEmit",
    "unit": "vitest run --project unit",
    "build": "node esbuild.config.js",
}
INSTALL = "pnpm install --frozen-lockfile"
WHO = ("-c", "user.name=bench", "-c", "user.email=bench@example.test")
PATH_OF_MODULES = "node_modules/.bin"


def surroundings(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of every program: this one's, with state and cache of their own."""
    own = {"SHIPWAY_STATE": str(home / "state"), "SHIPWAY_CACHE": str(home / "cache")}
    quiet = {"NO_COLOR": "1", "TURBO_TELEMETRY_DISABLED": "1", "DO_NOT_TRACK": "1"}
    return {**os.environ, **(extra or {}), **own, **quiet, "PATH": _path(os.environ)}


def _path(environ: Mapping[str, str]) -> str:
    """Return `PATH`, and behind it the pnpm that `./dev` has installed, where there is one."""
    base = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    found = sorted(Path(base, "shipway").glob("pnpm-*/node_modules/.bin"))
    return os.pathsep.join([environ.get("PATH", os.defpath), *map(str, found[-1:])])


def copied(folder: Path, env: Mapping[str, str]) -> Path:
    """Copy the sample with its modules into a new git repository; install them once if need be."""
    if not (SENDER / "node_modules").is_dir():
        program(INSTALL.split(), cwd=SENDER, env=env, deadline_s=600)()
    # `cp -a` keeps pnpm's links as they are, and copies faster than Python
    program(("cp", "-a", str(SENDER), str(folder)), deadline_s=600)()
    for made in ("dist", "reports", "coverage", ".turbo"):
        shutil.rmtree(folder / made, ignore_errors=True)
    git(folder, env, "init", "-q", "-b", "main")
    return folder


def alone(folder: Path) -> None:
    """Take `install` out of a copy's shipway.yaml: what is installed already is no contest.

    Raises:
        NotMeasured: the sample has changed, so that the peers would do other work.
    """
    file = folder / "shipway.yaml"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("  install:")]
    text = "".join(kept).replace("needs: [install], ", "")
    missing = [c for name, c in COMMANDS.items() if not _declares(text, name, c)]
    if missing or "install" in text or len(kept) != len(lines) - 1:
        raise NotMeasured(f"the sample's shipway.yaml has changed: {missing or 'install'}")
    file.write_text(text, encoding="utf-8")


def _declares(text: str, name: str, command: str) -> bool:
    return any(
        line.strip().startswith(f"{name}:") and f"run: {command}," in line
        for line in text.splitlines()
    )


def commit(folder: Path, env: Mapping[str, str], subject: str = "All") -> str:
    """Commit all there is and return the commit's id."""
    git(folder, env, "add", "-A")
    git(folder, env, *WHO, "commit", "-q", "--allow-empty", "-m", subject)
    return git(folder, env, "rev-parse", "HEAD")


def git(folder: Path, env: Mapping[str, str], *words: str) -> str:
    """Run git in a folder and return what it says."""
    try:
        done = subprocess.run(
            ("git", *words), cwd=folder, env=env, check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError) as problem:
        raise NotMeasured(f"git {' '.join(words)}: {problem}") from problem
    return done.stdout.strip()
