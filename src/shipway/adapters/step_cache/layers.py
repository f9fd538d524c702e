"""Two caches as one: this machine's folder first, then the team's.

What comes from the team's is checked, put into the folder, and restored from there. It refuses to
know what the team's cache is, and how its entries are signed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from shipway.adapters.step_cache import entry
from shipway.adapters.step_cache.entry import Unfit
from shipway.adapters.step_cache.folder import FolderCache, Warn
from shipway.adapters.step_cache.outputs import Refused, refuse_unsafe
from shipway.model.kept import Kept
from shipway.ports import SecretIn, no_secret


class Remote(Protocol):
    """A team's cache: manifests by key, bodies by their SHA-256. Never raises, never waits long."""

    def manifest(self, key: str) -> bytes | None:
        """Return the manifest of a key, its signature checked; None without one that is fit."""

    def fetch(self, sha256: str, size: int, write: Callable[[bytes], object]) -> bool:
        """Hand a body on in chunks; False when it was not that one, or not all of it.

        Raises:
            OSError: as `write` did.
        """

    def offer(self, key: str, manifest: bytes, path: Path, sha256: str, size: int) -> None:
        """Upload in the background, if it may: the body is the first `size` bytes of the file."""

    def close(self, patience_s: float) -> None:
        """Wait for uploads, at most that long, and give up the rest."""


class LayeredCache:
    """`ports.StepCache` over this machine's folder and the team's cache."""

    def __init__(self, local: FolderCache, remote: Remote, warn: Warn) -> None:
        self._local, self._remote, self._warn = local, remote, warn
        self._manifests: dict[str, bytes] = {}

    def find(self, key: str) -> Kept | None:
        """Return the entry of a key, from here or from the team's; None when none is fit."""
        kept = self._local.find(key)
        if kept is not None:
            return kept
        line = self._remote.manifest(key)
        if line is None:
            return None
        try:
            kept = entry.decoded(line, key).kept
            refuse_unsafe(kept.files)
        except (Unfit, Refused) as wrong:
            self._warn("cache", f"the team's entry {key:.12} is not used: {wrong}")
            return None
        self._manifests[key] = line
        return replace(kept, remote=True)

    def restore(self, kept: Kept, root: str, log: str) -> bool:
        """Put an entry's files in place, fetching it first where it is the team's."""
        if kept.remote and not self._fetch(kept.key):
            return False
        return self._local.restore(kept, root, log)

    def _fetch(self, key: str) -> bool:
        line = self._manifests.get(key)
        if line is None:
            return False
        manifest = entry.decoded(line, key)
        digest, size = manifest.body_sha256, manifest.body_size
        return self._local.admit(key, line, lambda w: self._remote.fetch(digest, size, w))

    def store(
        self,
        kept: Kept,
        root: str,
        outputs: tuple[str, ...],
        log: str,
        secret_in: SecretIn = no_secret,
    ) -> None:
        """Keep it here, and offer it to the team."""
        written = self._local.keep(kept, root, outputs, log, secret_in)
        if written is not None:
            path, manifest, line = written
            digest, size = manifest.body_sha256, manifest.body_size
            self._remote.offer(kept.key, line, path, digest, size)

    def mark_in_place(self, key: str, root: str, outputs: tuple[str, ...]) -> None:
        """Remember that the outputs, as they stand there now, are those of this key."""
        self._local.mark_in_place(key, root, outputs)

    def in_place(self, key: str, root: str, outputs: tuple[str, ...]) -> bool:
        """Tell whether the outputs still stand there as they were marked with this key."""
        return self._local.in_place(key, root, outputs)

    def close(self, patience_s: float) -> None:
        """Wait for uploads, at most that long, give up the rest, and drop the oldest entries."""
        self._remote.close(patience_s)
        self._local.close(0)
