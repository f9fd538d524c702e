"""A `package.json`: what it is called, what it depends on, which scripts it has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import PurePosixPath

from shipway.discovery.seen import Seen, mapping, words
from shipway.model.lazy import dataclass

FILE = "package.json"
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One package; `folder` is `.` for the root. `dependencies` are all kinds, name to range."""

    folder: str
    name: str = ""
    scripts: Mapping[str, str] = field(default_factory=dict)
    dependencies: Mapping[str, str] = field(default_factory=dict)
    workspaces: tuple[str, ...] = ()
    manager: str = ""
    main: str = ""
    author: str = ""
    keys: frozenset[str] = frozenset()

    def has(self, *names: str) -> bool:
        """Tell whether it depends on one of these."""
        return any(name in self.dependencies for name in names)

    def version(self, name: str) -> float | None:
        """Return major and minor of a dependency's range, as 5.9; None where it has no number."""
        found = _NUMBER.search(self.dependencies.get(name, ""))
        return float(found[0]) if found else None


def manifest(seen: Seen, folder: str = ".") -> Manifest:
    """Read the package of a folder; an empty one where there is none, or it is not JSON."""
    data = seen.data(FILE if folder == "." else f"{folder}/{FILE}")
    dependencies = {
        name: str(wanted)
        for kind in reversed(_DEPENDENCIES)
        for name, wanted in mapping(data.get(kind)).items()
    }
    spaces = data.get("workspaces")
    author = data.get("author")
    return Manifest(
        folder=folder,
        name=str(data.get("name") or ""),
        scripts={k: str(v) for k, v in mapping(data.get("scripts")).items()},
        dependencies=dependencies,
        workspaces=words(spaces) or words(mapping(spaces).get("packages")),
        manager=str(data.get("packageManager") or ""),
        main=str(data.get("main") or ""),
        author=str(mapping(author).get("name") or "")
        or (author if isinstance(author, str) else ""),
        keys=frozenset(data),
    )


def packages(seen: Seen, root: Manifest) -> tuple[Manifest, ...]:
    """Return the packages of the workspace, sorted by folder; empty where it is none."""
    patterns = words(seen.yaml("pnpm-workspace.yaml").get("packages")) or root.workspaces
    wanted = [p.rstrip("/").removeprefix("./") for p in patterns if not p.startswith("!")]
    unwanted = [p[1:].rstrip("/").removeprefix("./") for p in patterns if p.startswith("!")]
    folders = {
        str(PurePosixPath(path).parent)
        for path in seen.paths
        if path.endswith(f"/{FILE}") and "node_modules/" not in path
    }
    found = [
        folder
        for folder in sorted(folders)
        if any(_fits(folder, p) for p in wanted) and not any(_fits(folder, p) for p in unwanted)
    ]
    return tuple(manifest(seen, folder) for folder in found)


def _fits(folder: str, pattern: str) -> bool:
    """Tell whether a folder fits a workspace's glob, in which `**` is any depth."""
    rule = re.escape(pattern).replace(r"\*\*", ".+").replace(r"\*", "[^/]+")
    return re.fullmatch(rule, folder) is not None
