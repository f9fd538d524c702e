"""Looks at a folder for `shipway init`: which files it holds, and how they begin."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from shipway.adapters.shell import LocalShell
from shipway.ports import Surveyed

FILES = 50_000
"""How many files are listed at most."""

_USUAL = ("main", "master", "trunk", "develop")
# without git nobody says what is built: these are, nearly everywhere
_BUILT = frozenset({"node_modules", "dist", "build", "coverage", "vendor", "target", "venv"})


class FolderSurvey:
    """`ports.Survey` on the disk, through git where the folder is in a repository."""

    def __init__(self, root: str, shell: LocalShell, *, most: int = FILES) -> None:
        self._root, self._shell, self._most = Path(root).resolve(), shell, most

    def files(self) -> Surveyed:
        """Return the files of the folder; see `ports.Survey`."""
        status, listed = self._git("ls-files", "-z", "-co", "--exclude-standard")
        if status == 0:
            _, gone = self._git("ls-files", "-z", "-d")
            names = sorted(set(listed) - set(gone))
        else:
            names = sorted(islice(self._walk(), self._most + 1))
        return Surveyed(tuple(names[: self._most]), complete=len(names) <= self._most)

    def text(self, path: str, limit: int) -> str:
        """Return the beginning of a file; a link that leads out of the folder is not followed."""
        file = (self._root / path).resolve()
        if not file.is_relative_to(self._root) or not file.is_file():
            return ""
        try:
            with file.open("rb") as opened:
                begun = opened.read(limit)
        except OSError:  # it may be gone by now, or not ours to read
            return ""
        return "" if b"\0" in begun else begun.decode("utf-8", errors="replace")

    def branch(self) -> str | None:
        """Return the remote's own branch, or a usual one that is checked out."""
        status, lines = self._git("symbolic-ref", "--short", "-q", "refs/remotes/origin/HEAD")
        if status == 0 and lines:
            return lines[0].strip().partition("/")[2]
        status, lines = self._git("symbolic-ref", "--short", "-q", "HEAD")
        found = lines[0].strip() if status == 0 and lines else ""
        return found if found in _USUAL else None

    def add(self, path: str, text: str) -> bool:
        """Write a new file; see `ports.Survey`."""
        try:
            with (self._root / path).open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            return False
        return True

    def _git(self, *words: str) -> tuple[int, list[str]]:
        """Run git and return its status and what it lists, one item a line or with NUL between."""
        if not self._in_repository():
            return 1, []
        status, lines = self._shell.capture(("git", *words), cwd=str(self._root))
        return status, [
            item for item in "\n".join(lines).split("\0" if "-z" in words else "\n") if item
        ]

    def _in_repository(self) -> bool:
        """Tell whether git has something to say here; it need not be installed for a look."""
        return any((folder / ".git").exists() for folder in (self._root, *self._root.parents))

    def _walk(self) -> Iterator[str]:
        for folder, folders, files in os.walk(self._root):
            kept = (f for f in folders if f not in _BUILT and (f == ".github" or f[0] != "."))
            folders[:] = sorted(kept)
            for name in sorted(files):
                yield (Path(folder) / name).relative_to(self._root).as_posix()
