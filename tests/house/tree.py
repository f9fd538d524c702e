"""What the house tests look at: the project's own files, and Python's reading of them.

It knows where things are; it refuses to know what is right or wrong about them.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "shipway"
GIT = shutil.which("git") or "git"


def tracked_files() -> tuple[Path, ...]:
    """Every file that git tracks and that is there; sorted, text and binary."""
    listed = subprocess.run([GIT, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    files = (ROOT / name.decode() for name in listed.stdout.split(b"\0") if name)
    return tuple(sorted(file for file in files if file.is_file()))


def tracked_texts() -> Iterator[tuple[Path, str]]:
    """Each tracked file that is UTF-8 text, relative to the root, with what it says."""
    for file in tracked_files():
        try:
            yield file.relative_to(ROOT), file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def python_files(*folders: str) -> tuple[Path, ...]:
    """Python files below these folders of the root; sorted, generated and foreign ones left out."""
    found = (file for folder in folders for file in (ROOT / folder).rglob("*.py"))
    return tuple(sorted(file for file in found if "node_modules" not in file.parts))


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(file: Path) -> tuple[Function, ...]:
    """Every function and method of a file, nested ones too, in the order of the tree."""
    tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    return tuple(
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
