"""Real git repositories for tests, whatever this machine's git is set to."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from shipway.model.release import Commit

GIT = shutil.which("git") or "git"


def git(root: Path, *words: str) -> str:
    """Run git as Ada in a folder, and return what it says."""
    env = {
        **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    who = ("-c", "user.name=Ada Author", "-c", "user.email=ada@example.test")
    done = subprocess.run(
        (GIT, *who, *words), cwd=root, env=env, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def committed(root: Path, files: dict[str, str]) -> Path:
    """Write files, commit all that is there, and return the root; makes the repository first."""
    root.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "--all")
    git(root, "commit", "-q", "--allow-empty", "-m", "A change")
    return root


def head(root: Path) -> Commit:
    """Return the commit that is checked out."""
    return Commit(git(root, "rev-parse", "HEAD"))
