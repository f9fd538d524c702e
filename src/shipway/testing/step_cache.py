"""A cache of results and a memory of checks, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from threading import RLock

from shipway.model.kept import Kept, KeptFile, Past
from shipway.ports import Files, SecretIn, no_secret
from shipway.testing.calls import Misuse
from shipway.testing.machine import FakeFiles

_LAST = 20


@dataclass(frozen=True, slots=True)
class Held:
    """An entry in memory: content by path, and the log."""

    kept: Kept
    contents: dict[str, bytes]
    log: str


@dataclass(slots=True)
class MemoryStepCache:
    """`ports.StepCache` in a dictionary; `entries` by key.

    Outputs are real files, which need not be there; logs go through `files`. `team` holds what
    only the team's cache has; `broken` holds keys whose entries turn out corrupt when restored;
    `warnings` are pairs of what they are about and what they say.
    """

    files: Files = field(default_factory=FakeFiles)
    entries: dict[str, Held] = field(default_factory=dict)
    team: dict[str, Held] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    stamps: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    closed: bool = False
    _lock: RLock = field(default_factory=RLock)

    def find(self, key: str) -> Kept | None:
        """Return the entry of a key."""
        self._open()
        with self._lock:
            if key in self.entries:
                return self.entries[key].kept
            if key in self.team:
                return replace(self.team[key].kept, remote=True)
        return None

    def restore(self, kept: Kept, root: str, log: str) -> bool:
        """Put an entry's files and log in place; False where it is broken or gone."""
        self._open()
        with self._lock:
            held = self.entries.get(kept.key) or self.team.get(kept.key)
        if held is None:
            return False
        if kept.key in self.broken:
            self.entries.pop(kept.key, None)
            self.warnings.append(("cache", f"{kept.key} is not used: broken"))
            return False
        for file in held.kept.files:
            _put(Path(root, file.path), file, held.contents[file.path])
        self.files.write(log, held.log)
        self.entries[kept.key] = held
        return True

    def store(
        self,
        kept: Kept,
        root: str,
        outputs: tuple[str, ...],
        log: str,
        secret_in: SecretIn = no_secret,
    ) -> None:
        """Keep the outputs that are there, and the log."""
        self._open()
        contents, files = {}, []
        for path in sorted({p for output in outputs for p in _below(Path(root, output))}):
            name = str(PurePosixPath(path.relative_to(root)))
            link = str(path.readlink()) if path.is_symlink() else ""
            contents[name] = b"" if link else path.read_bytes()
            if secret_in([contents[name]]):
                self.warnings.append(
                    (kept.check, f"{name} holds a secret: its outputs are not kept")
                )
                return
            mode = 0 if link else path.stat().st_mode & 0o777
            digest = "" if link else sha256(contents[name]).hexdigest()
            files.append(KeptFile(name, digest, len(contents[name]), mode, link))
        size = sum(map(len, contents.values()))
        held = replace(kept, files=tuple(files), size=size, remote=False)
        with self._lock:
            self.entries[kept.key] = Held(held, contents, self.files.read(log) or "")

    def mark_in_place(self, key: str, root: str, outputs: tuple[str, ...]) -> None:
        """Remember that the outputs are those of this key."""
        self._open()
        self.stamps[root, outputs] = f"{key} {_looks(root, outputs)}"

    def in_place(self, key: str, root: str, outputs: tuple[str, ...]) -> bool:
        """Tell whether the outputs were marked with this key last, and look the same."""
        self._open()
        return self.stamps.get((root, outputs)) == f"{key} {_looks(root, outputs)}"

    def close(self, patience_s: float) -> None:
        """End it; using it afterwards is misuse."""
        if patience_s < 0:
            raise Misuse("nobody waits for less than no time")
        self._open()
        self.closed = True

    def _open(self) -> None:
        if self.closed:
            raise Misuse("this cache was closed")


def _below(path: Path) -> Iterator[Path]:
    if path.is_symlink() or path.is_file():
        yield path
    elif path.is_dir():
        for inside in path.iterdir():
            yield from _below(inside)


def _put(path: Path, file: KeptFile, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if file.link:
        path.symlink_to(file.link)
    else:
        path.write_bytes(content)
        path.chmod(file.mode)


def _looks(root: str, outputs: tuple[str, ...]) -> str:
    paths = [Path(root, output) for output in outputs]
    inside = [p for path in paths if path.is_dir() for p in sorted(path.iterdir())]
    seen = [p.lstat() for p in (*paths, *inside) if p.exists()]
    return str([(status.st_ino, status.st_mtime_ns, status.st_size) for status in seen])


@dataclass(slots=True)
class FakeMemory:
    """`ports.Memory` in dictionaries; a test may set `pasts` beforehand, `restored` by `remote`."""

    pasts: dict[str, Past] = field(default_factory=dict)
    restored: dict[bool, tuple[tuple[int, float], ...]] = field(default_factory=dict)
    _lock: RLock = field(default_factory=RLock)

    def recall(self, check: str, *, remote: bool = False) -> Past:
        """Return what is remembered of a check."""
        return replace(self.pasts.get(check, Past()), restored=self.restored.get(remote, ()))

    def remember(self, check: str, outcome: str, seconds: float) -> None:
        """Add how a check went."""
        if seconds < 0:
            raise Misuse(f"{check} took {seconds} s")
        with self._lock:
            past = self.pasts.get(check, Past())
            self.pasts[check] = replace(
                past,
                seconds=(*past.seconds, seconds)[-_LAST:],
                outcomes=(*past.outcomes, outcome)[-_LAST:],
            )

    def remember_restore(self, size: int, seconds: float, *, remote: bool) -> None:
        """Add what restoring an entry took."""
        with self._lock:
            self.restored[remote] = (*self.restored.get(remote, ()), (size, seconds))[-_LAST:]
