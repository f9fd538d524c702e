"""What an image is built from: a folder with exactly the files of a commit.

It does not read the working folder, in which checks may be at work. Git itself writes the files,
with its attributes and filters: where git-lfs is installed its pointers become files; where it is
not, git leaves pointers in a clone just so. Submodules stay empty folders, for their files are
in no commit of this repository.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from shipway.adapters.shell import LocalShell
from shipway.errors import CheckoutIsUnfit, DiskIsFull, FileIsMissing
from shipway.model.release import Commit

EXPORT_WITHIN_S = 300.0
_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
_WHOLE = ("-c", "core.sparseCheckout=false", "-c", "advice.detachedHead=false")


@contextmanager
def exported(
    root: str, commit: Commit, wanted: tuple[str, ...], shell: LocalShell
) -> Iterator[str]:
    """Put the files of a commit below the `wanted` paths into a folder that is gone afterwards.

    Gives the place in it that stands for `root`; the paths are relative to that. Modes are 644 and
    755 and all times the commit's, whatever this machine's habits are, so that the same commit
    makes the same layers.

    Raises:
        CheckoutIsUnfit: no repository, or without that commit.
        FileIsMissing: a path leads out of the repository.
        DiskIsFull: the files could not be written.
    """
    prefix, git_dir, seconds = _look(root, commit, shell)
    paths = tuple(_inside(prefix, path) for path in wanted)
    with TemporaryDirectory(prefix="shipway-build-") as folder:
        tree = Path(folder) / "tree"
        tree.mkdir()
        env = {
            "GIT_DIR": git_dir,
            "GIT_WORK_TREE": str(tree),
            "GIT_INDEX_FILE": f"{folder}/index",  # never the checkout's own
            "LC_ALL": "C",
        }
        _git(("read-tree", commit), shell, str(tree), env)
        for path in dict.fromkeys(paths):  # one by one: git takes none where one is not there
            spec = f":(top,literal){path}" if path else ":(top)"
            _git(("checkout", "-q", "--", spec), shell, str(tree), env)
        _level(tree, seconds)
        place = tree / prefix
        place.mkdir(parents=True, exist_ok=True)
        yield str(place)


def _look(root: str, commit: Commit, shell: LocalShell) -> tuple[str, str, int]:
    """Return where root is in its repository, where git keeps that, and the commit's time."""
    status, lines = shell.capture(
        ("git", "rev-parse", "--absolute-git-dir", "--show-prefix"), cwd=root
    )
    if status != 0 or not lines:
        raise CheckoutIsUnfit(
            f"{root} is not a git checkout", hint="run this in a clone of the service's repository"
        )
    show = ("git", "show", "-s", "--format=%ct", f"{commit}^{{commit}}")
    status, told = shell.capture(show, cwd=root)
    if status != 0 or not told or not told[-1].isdigit():
        raise CheckoutIsUnfit(
            f"the checkout does not hold commit {commit[:8]}", hint="`git fetch` it first"
        )
    return (lines[1] if len(lines) > 1 else ""), lines[0], int(told[-1])


def _inside(prefix: str, path: str) -> str:
    """Return a path from the top of the repository; "" is the top itself."""
    parts: list[str] = []
    for part in (PurePosixPath(prefix) / path).parts:
        if part == ".." and not parts:
            raise FileIsMissing(
                f"{path} lies outside the repository, so no commit holds it",
                where="image.context",
                hint="an image is built from one commit; or name a check in `image.needs`",
            )
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _git(words: tuple[str, ...], shell: LocalShell, cwd: str, env: dict[str, str]) -> None:
    lines: list[str] = []
    done = shell.run(
        ("git", *_QUIET, *_WHOLE, *words),
        cwd=cwd,
        env=env,
        on_line=lines.append,
        timeout_s=EXPORT_WITHIN_S,
    )
    said = "\n".join(lines[-5:])
    if done.status != 0 and "did not match any file" in said:
        return  # the builder says what is missing, in the user's own words
    if done.status != 0 or done.timed_out:
        raise DiskIsFull(
            f"the files of the commit could not be written: {said or 'git gave no answer'}",
            hint="is there room in the folder for temporary files (TMPDIR)?",
        )


def _level(tree: Path, seconds: int) -> None:
    """Give every file and folder the commit's time, and the mode that git has for it."""
    when = (seconds, seconds)
    for folder, folders, files in os.walk(tree, topdown=False):
        for name in (*files, *folders):
            path = f"{folder}/{name}"
            mode = os.lstat(path).st_mode
            if not stat.S_ISLNK(mode):
                runs = stat.S_ISDIR(mode) or mode & stat.S_IXUSR
                os.chmod(path, 0o755 if runs else 0o644)  # noqa: PTH101 - the mode that git means
            os.utime(path, when, follow_symlinks=False)
    tree.chmod(0o755)
    os.utime(tree, when)
