"""The files that a check made: found in the checkout, and put back there, never outside it.

It refuses to know how they are packed.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from shipway.adapters.step_cache.entry import CHUNK, MAX_BYTES, MAX_FILES
from shipway.model.kept import KeptFile
from shipway.model.lazy import dataclass

_PERMISSIONS: Final = 0o777
_STAGING: Final = ".shipway-restoring-"
_STALE_S: Final = 3600


class Refused(Exception):
    """This cannot be kept, or must not be put there; the message says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file or a link below the root; `size` in bytes, `changed` is its mtime in nanoseconds."""

    path: str
    mode: int
    size: int
    changed: int
    link: str = ""


def collect(root: Path, outputs: tuple[str, ...]) -> tuple[Found, ...]:
    """Return what lies under the outputs, sorted by path; an output that is not there adds nothing.

    Raises:
        Refused: too much, no plain file, or a path or link that leads out of the root.
    """
    found: dict[str, Found] = {}
    size = 0
    for output in outputs:
        path = str(PurePosixPath(output))  # "./dist/" is dist
        _refuse_path(path)
        for file in _below(root, path):
            size += 0 if file.path in found else file.size
            found[file.path] = file
            if size > MAX_BYTES:
                raise Refused(f"its outputs are larger than {MAX_BYTES // 2**20} MiB")
            if len(found) > MAX_FILES:
                raise Refused(f"its outputs are more than {MAX_FILES} files")
    return tuple(found[path] for path in sorted(found))


def _below(root: Path, path: str) -> Iterator[Found]:
    try:
        status = (root / path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    if not stat.S_ISDIR(status.st_mode):
        yield _found(root, path, status)
        return
    folders = [path]
    while folders:
        folder = folders.pop()
        with os.scandir(root / folder) as entries:
            for entry in entries:
                name = f"{folder}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    folders.append(name)
                else:
                    yield _found(root, name, entry.stat(follow_symlinks=False))


def _found(root: Path, path: str, status: os.stat_result) -> Found:
    mode = stat.S_IMODE(status.st_mode) & _PERMISSIONS
    if stat.S_ISREG(status.st_mode):
        return Found(path, mode, status.st_size, status.st_mtime_ns)
    if not stat.S_ISLNK(status.st_mode):
        raise Refused(f"{path} is neither a file nor a link")
    target = str((root / path).readlink())
    _refuse_link(path, target)
    return Found(path, 0, 0, status.st_mtime_ns, target)


def content(root: Path, file: Found) -> Iterator[bytes]:
    """Return a file's content in chunks.

    Raises:
        Refused: it changed meanwhile.
    """
    with (root / file.path).open("rb") as opened:
        while chunk := opened.read(CHUNK):
            yield chunk
        now = os.fstat(opened.fileno())
    if (now.st_size, now.st_mtime_ns) != (file.size, file.changed):
        raise Refused(f"{file.path} was changed while it was read")


def refuse_unsafe(files: Iterable[KeptFile]) -> None:
    """Refuse a set of files of which any would not stay below the root, or lies under a link."""
    files = tuple(files)
    links = {file.path for file in files if file.link}
    for file in files:
        _refuse_path(file.path)
        if file.mode & ~_PERMISSIONS:
            raise Refused(f"{file.path!r} has a mode that is never kept")
        if file.link:
            _refuse_link(file.path, file.link)
        if links and not links.isdisjoint(_parents(file.path)):
            raise Refused(f"{file.path!r} lies under a link")
    if len({file.path for file in files}) != len(files):
        raise Refused("it names a file twice")


def _refuse_path(path: str) -> None:
    # By text, not by PurePath: 20,000 of them have to cost milliseconds.
    parts = path.split("/")
    if "" in parts or "." in parts or ".." in parts or "\0" in path:
        raise Refused(f"{path!r} leads out of the checkout")
    if any(part.lower() == ".git" for part in parts):
        raise Refused(f"{path!r} belongs to git")


def _refuse_link(path: str, target: str) -> None:
    # It would mean something else in another checkout, or lead a later step's writing astray.
    depth = path.count("/")
    for part in PurePosixPath(target).parts:
        depth += -1 if part == ".." else 1
        if depth < 0 or target.startswith("/"):
            raise Refused(f"{path!r} is a link out of the checkout")


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def missing(root: Path, files: tuple[KeptFile, ...]) -> tuple[KeptFile, ...]:
    """Return the files that are not in place with this very content and mode.

    Raises:
        Refused: a folder or a way out of the root stands where one of them would go.
    """
    home = root.resolve()
    for folder in _folders(root, files):
        try:
            real = folder.resolve()
        except RuntimeError as loop:  # what Python raises for links that lead to each other
            raise Refused(f"{folder.relative_to(root)} leads nowhere") from loop
        if not real.is_relative_to(home) or ".git" in real.relative_to(home).parts:
            raise Refused(f"{folder.relative_to(root)} leads out of the checkout")
    return tuple(file for file in files if not _in_place(root / file.path, file))


def _in_place(path: Path, file: KeptFile) -> bool:
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_ISDIR(status.st_mode):
        raise Refused(f"{file.path!r} is a folder here")
    if file.link or stat.S_ISLNK(status.st_mode):
        return stat.S_ISLNK(status.st_mode) and str(path.readlink()) == file.link
    if status.st_size != file.size or stat.S_IMODE(status.st_mode) != file.mode:
        return False
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256


def put(
    root: Path, files: tuple[KeptFile, ...], unpack: Callable[[KeptFile], Iterator[bytes]]
) -> None:
    """Write files below the root: first all of them aside, then each into its place at once.

    Where writing aside fails nothing has changed. What a killed process left aside is not seen by
    git, and is removed an hour later.
    """
    if not files:
        return
    staging = root / f"{_STAGING}{os.urandom(6).hex()}"
    staging.mkdir(mode=0o700)
    try:
        (staging / ".gitignore").write_text("*\n", encoding="utf-8")
        staged = {file: staging / str(number) for number, file in enumerate(files)}
        for file, aside in staged.items():
            _write(aside, file, unpack)
        _move(root, staged)
    finally:
        _remove(staging)
        _sweep(root)


def _write(aside: Path, file: KeptFile, unpack: Callable[[KeptFile], Iterator[bytes]]) -> None:
    if file.link:
        aside.symlink_to(file.link)
        return
    with aside.open("xb") as opened:
        for chunk in unpack(file):
            opened.write(chunk)
    aside.chmod(file.mode)  # not through the umask, or it would never equal what was kept


def _move(root: Path, staged: Mapping[KeptFile, Path]) -> None:
    for folder in _folders(root, staged):
        folder.mkdir(parents=True, exist_ok=True)
    for file, aside in staged.items():
        aside.replace(root / file.path)


def _folders(root: Path, files: Iterable[KeptFile]) -> Iterator[Path]:
    return (root / path for path in {file.path.rpartition("/")[0] for file in files})


def _remove(staging: Path) -> None:
    # It has no folders in it; shutil costs milliseconds to import.
    with suppress(OSError):
        for aside in staging.iterdir():
            aside.unlink()
        staging.rmdir()


def _sweep(root: Path) -> None:
    with suppress(OSError):
        now = root.stat().st_mtime  # we have just changed it
        for left in root.glob(f"{_STAGING}*"):
            if now - left.stat().st_mtime > _STALE_S:
                _remove(left)
