"""A checkout in memory: its files, the commits it knows, and the programs outside it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from shipway.errors import ToolIsMissing
from shipway.model.release import Commit
from shipway.model.tree import Around, Changes, Listing
from shipway.testing.calls import Calls, Misuse


@dataclass(slots=True)
class FakeTree:
    """`ports.Tree` of texts by path; `commits` holds such texts for each commit it knows."""

    texts: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Mapping[str, str]] = field(default_factory=dict)
    calls: Calls = field(default_factory=Calls)
    surroundings: Around | None = None

    def listing(self) -> Listing:
        """Return every file by git's id of its content."""
        with self.calls.call("tree.listing"):
            for path in self.texts:
                if path.startswith("/") or str(PurePosixPath(path)) != path or ".." in path:
                    raise Misuse(f"{path!r} is no path relative to the root")
            return Listing({path: _blob(self.texts[path]) for path in sorted(self.texts)})

    def around(self) -> Around | None:
        """Return what was told."""
        return self.surroundings

    def changes(self, since: Commit) -> Changes:
        """Compare with a commit that was told; with any other, everything has changed."""
        with self.calls.call("tree.changes"):
            if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", since):
                raise Misuse(f"{since!r} is not the id of a commit")
            if since not in self.commits:
                return Changes(everything=f"commit {since[:8]} is not in this clone")
            earlier = self.commits[since]
            both = earlier.keys() | self.texts.keys()
            return Changes(frozenset(p for p in both if earlier.get(p) != self.texts.get(p)))


@dataclass(slots=True)
class FakeTools:
    """`ports.Tools` of versions by program; `""` for one that the checkout brings itself."""

    versions: dict[str, str] = field(default_factory=dict)
    calls: Calls = field(default_factory=Calls)

    def version(self, program: str, cwd: str) -> str:
        """Return the version that was told."""
        with self.calls.call("tools.version"):
            if not program or not cwd:
                raise Misuse(f"asked for {program!r} in {cwd!r}")
            if program not in self.versions:
                raise ToolIsMissing(f"there is no program {program!r}", hint="tell its version")
            return self.versions[program]


def _blob(text: str) -> str:
    content = text.encode()
    header = b"blob %d\0" % len(content)
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()
