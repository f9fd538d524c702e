"""Results of checks in a folder of this machine: one file for each key, `<key[:2]>/<key>`.

A file is written aside, reaches the disk, and then takes its name: killed at any moment, it is
there whole or not at all. Several processes may use the folder at once; a file that vanishes
under one of them is a miss.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

from shipway.adapters.step_cache import entry
from shipway.adapters.step_cache.entry import Manifest, Unfit
from shipway.adapters.step_cache.in_place import Stamps
from shipway.adapters.step_cache.outputs import (
    Found,
    Refused,
    collect,
    content,
    missing,
    put,
    refuse_unsafe,
)
from shipway.adapters.step_cache.seen import Seen
from shipway.model.kept import Kept, KeptFile
from shipway.ports import Clock, SecretIn, no_secret

Warn = Callable[[str, str], None]
"""Tells people about something (a check, or "cache") that the run goes on without."""

Fetch = Callable[[Callable[[bytes], object]], bool]
"""Hands a body on, in chunks; False when it is not to be had, or not the one that was signed."""

_PART_LIVES_S: Final = 3600
_STAMP_LIVES_S: Final = 30 * 86400
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class FolderCache:
    """`ports.StepCache` in `folder`, of at most `size` bytes; safe from several threads."""

    def __init__(self, folder: Path, *, size: int, clock: Clock, warn: Warn) -> None:
        self._steps = folder / "steps"
        self._stamps = Stamps(folder / "in-place")
        self._seen = Seen(folder / "in-place", clock)
        self._size, self._clock, self._warn = size, clock, warn
        self._told: set[str] = set()
        self._grew = False

    def find(self, key: str) -> Kept | None:
        """Return the entry of a key; None when there is none that is fit."""
        path = self._path(key)
        try:
            with path.open("rb") as file:
                manifest, _ = entry.read_manifest(file, key)
                refuse_unsafe(manifest.kept.files)
                with suppress(OSError):
                    os.utime(file.fileno())  # used now: the last to be dropped
                return manifest.kept
        except FileNotFoundError:
            return None
        except (Unfit, Refused) as wrong:
            self._drop(path, f"the entry {key:.12} is not used: {wrong}")
        except OSError as failed:
            self._tell_once("read", f"its folder cannot be read: {failed}")
        return None

    def restore(self, kept: Kept, root: str, log: str) -> bool:
        """Put an entry's files in place; False when it is not to be had any more."""
        path = self._path(kept.key)
        try:
            file = path.open("rb")
        except OSError:
            return False
        with file:
            try:
                manifest, _ = entry.read_manifest(file, kept.key)
                self._unpack(file, manifest, root, Path(log))
            except Unfit as wrong:
                self._drop(path, f"the entry {kept.key:.12} is not used: {wrong}")
            except Refused as wrong:
                self._warn(kept.check, f"its outputs are not restored: {wrong}")
            except OSError as failed:
                self._warn(kept.check, f"its outputs are not restored: {_reason(failed)}")
            else:
                return True
        return False

    def store(
        self,
        kept: Kept,
        root: str,
        outputs: tuple[str, ...],
        log: str,
        secret_in: SecretIn = no_secret,
    ) -> None:
        """Keep the files under the outputs, and the log; tell where that cannot be."""
        self.keep(kept, root, outputs, log, secret_in)

    def keep(
        self,
        kept: Kept,
        root: str,
        outputs: tuple[str, ...],
        log: str,
        secret_in: SecretIn = no_secret,
    ) -> tuple[Path, Manifest, bytes] | None:
        """Store, and return the entry's file, what it holds and its manifest's line.

        None where it is not kept.
        """
        target = Path(root)
        try:
            found = collect(target, outputs)
            _refuse_secrets(target, found, secret_in)
            with self._draft(kept.key) as file:
                manifest, line = _pack(file, kept, target, found, Path(log))
        except (Refused, Unfit) as wrong:
            self._tell_once(f"refused {kept.check}", str(wrong), kept.check)
            return None
        except OSError as failed:
            self._tell_once("write", f"results are not kept: {_reason(failed)}")
            return None
        return self._path(kept.key), manifest, line

    def mark_in_place(self, key: str, root: str, outputs: tuple[str, ...]) -> None:
        """Remember that the outputs, as they stand there now, are those of this key."""
        try:
            self._stamps.mark(key, root, outputs)
        except OSError as failed:
            self._tell_once("write", f"results are not kept: {_reason(failed)}")

    def in_place(self, key: str, root: str, outputs: tuple[str, ...]) -> bool:
        """Tell whether the outputs still stand there as they were marked with this key."""
        return self._stamps.stands(key, root, outputs)

    def close(self, patience_s: float) -> None:
        """Drop the entries that were not used for the longest time, where something was added."""
        del patience_s  # nothing here goes on in the background
        if self._grew:
            self._grew = False
            with suppress(OSError):
                self._evict()

    def admit(self, key: str, line: bytes, fetch: Fetch) -> bool:
        """Add an entry that comes from elsewhere, its manifest's line being known."""
        try:
            with self._draft(key) as file:
                _fetched(fetch, file)
                file.write(line + entry.trailer(line))
        except Unfit:
            return False
        except OSError as failed:
            self._tell_once("write", f"results are not kept: {_reason(failed)}")
            return False
        return True

    def _path(self, key: str) -> Path:
        if not (key.isascii() and key.isalnum()):
            raise ValueError(f"no key of a result: {key!r}")
        return self._steps / key[:2] / key

    @contextmanager
    def _draft(self, key: str) -> Iterator[BinaryIO]:
        """Give a file that takes the key's name at the end, if nothing goes wrong."""
        path = self._path(key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{key}.{os.urandom(6).hex()}.part")
        try:
            with draft.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())  # or a name could stand for nothing after a power cut
            draft.replace(path)
        finally:
            with suppress(OSError):
                draft.unlink()
        self._grew = True

    def _unpack(self, file: BinaryIO, manifest: Manifest, root: str, log: Path) -> None:
        """Write the log, and the files that are not there as they are kept.

        Where all are, only the log is read: its stream has a check sum of its own.
        """
        kept = manifest.kept
        refuse_unsafe(kept.files)
        wanted: tuple[KeptFile, ...] = ()
        seen = self._seen.stands(kept.key, root, kept.files)
        if not seen:
            wanted = missing(Path(root), kept.files)
            entry.verify_body(file, manifest)
        lies = dict(zip(kept.files, manifest.files, strict=True))
        _write_log(log, entry.unpacked(file, manifest.log))
        put(Path(root), wanted, lambda one: entry.unpacked(file, lies[one]))
        if not (seen or wanted):
            self._seen.mark(kept.key, root, kept.files)

    def _evict(self) -> None:
        oldest, total = [], 0
        for path, status in _files(self._steps):
            if path.suffix == ".part":
                if self._clock.now() - status.st_mtime > _PART_LIVES_S:
                    path.unlink(missing_ok=True)
                continue
            oldest.append((status.st_mtime_ns, status.st_size, path))
            total += status.st_size
        for _, size, path in sorted(oldest):
            if total <= self._size:
                break
            path.unlink(missing_ok=True)
            total -= size
        for path, status in _files(self._stamps.folder.parent, self._stamps.folder.name):
            if self._clock.now() - status.st_mtime > _STAMP_LIVES_S:
                path.unlink(missing_ok=True)

    def _drop(self, path: Path, message: str) -> None:
        self._warn("cache", message)
        with suppress(OSError):
            path.unlink()

    def _tell_once(self, what: str, message: str, about: str = "cache") -> None:
        if what not in self._told:
            self._told.add(what)
            self._warn(about, message)


def _fetched(fetch: Fetch, file: BinaryIO) -> None:
    if not fetch(file.write):
        raise Unfit("it is not to be had")


def _refuse_secrets(root: Path, found: tuple[Found, ...], secret_in: SecretIn) -> None:
    for one in found:
        if not one.link and secret_in(content(root, one)):
            raise Refused(f"{one.path} holds a secret: its outputs are not kept")


def _pack(
    file: BinaryIO, kept: Kept, root: Path, found: tuple[Found, ...], log: Path
) -> tuple[Manifest, bytes]:
    writer = entry.Writer(file)
    replay, _ = writer.add(_chunks(log))
    files, sections = [], []
    for one in found:
        if one.link:
            section, digest = writer.empty(), ""
        else:
            section, digest = writer.add(content(root, one))
        files.append(KeptFile(one.path, digest, section.size, one.mode, one.link))
        sections.append(section)
    return writer.finish(replace(kept, files=tuple(files)), replay, tuple(sections))


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(entry.CHUNK):
                yield chunk
    except FileNotFoundError:
        return  # a check that printed nothing may have no log


def _write_log(path: Path, content: Iterator[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.urandom(6).hex()}.part")
    try:
        with draft.open("xb") as file:
            for chunk in content:
                file.write(chunk)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _files(folder: Path, only: str = "*") -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.glob(f"{only}/*"):
        with suppress(OSError):
            yield path, path.stat()


def _reason(failed: OSError) -> str:
    return "there is no room" if failed.errno in _NO_ROOM else str(failed)
