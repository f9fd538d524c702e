"""The packages of a pnpm, npm or yarn workspace, and which of them depends on which.

It reads texts that somebody else found. It refuses to know what is installed: a package depends on
another because its `package.json` says so.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence

from shipway.checks.globs import Globs
from shipway.errors import WrongUsage
from shipway.model.lazy import dataclass

PNPM = "pnpm-workspace.yaml"
MANIFEST = "package.json"

_DEPENDENCIES = (
    "dependencies",
    "devDependencies",
    "optionalDependencies",
    "peerDependencies",
)
_LOCAL = ("file:", "link:", "portal:", "workspace:")
_NEVER = ("!**/node_modules/**", "!**/bower_components/**")


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the workspace; `depends` names others of it, sorted, unique, without itself."""

    folder: str
    name: str
    depends: tuple[str, ...] = ()


def manifests(paths: Sequence[str]) -> tuple[str, ...]:
    """Return the paths whose texts `packages` needs, in the order given."""
    return tuple(p for p in paths if p == PNPM or p.rpartition("/")[2] == MANIFEST)


def packages(paths: Sequence[str], texts: Mapping[str, str]) -> tuple[Package, ...]:
    """Return the packages of a workspace, by folder, without the root; none where it is no one.

    Args:
        paths: of the checkout, sorted.
        texts: of the `manifests` among them.

    Raises:
        WrongUsage: a file of the workspace cannot be read, with its path.
    """
    globs = _members(texts)
    if not globs:
        return ()
    listed = manifests(paths)
    found = [path for path in Globs((*globs, *_NEVER)).select(listed) if path != MANIFEST]
    read = {posixpath.dirname(path): _json(path, texts.get(path, "")) for path in found}
    names = {folder: str(data.get("name") or folder) for folder, data in read.items()}
    known = frozenset(names.values())
    made = []
    for folder, data in read.items():
        depends = set(_depends(folder, data, names)) & known - {names[folder]}
        made.append(Package(folder, names[folder], tuple(sorted(depends))))
    return tuple(sorted(made, key=lambda package: package.folder))


def _members(texts: Mapping[str, str]) -> list[str]:
    """The globs of `package.json` files that a workspace declares, `!` before those it excludes."""
    written = _pnpm(texts[PNPM]) if PNPM in texts else _npm(texts.get(MANIFEST, ""))
    globs = []
    for glob in written:
        sign = "!" if glob.startswith("!") else ""
        globs.append(f"{sign}{glob.removeprefix('!').rstrip('/')}/{MANIFEST}")
    return globs


def _pnpm(text: str) -> list[str]:
    from shipway.config.strict_yaml import parse  # noqa: PLC0415 - most checkouts need no YAML

    document = parse(text)
    match document.data:
        case {"packages": list(globs)}:
            return [glob for glob in globs if isinstance(glob, str)]
        case None if document.problems:
            problem = document.problems[0]
            raise WrongUsage(
                problem.message, hint="correct it", where=f"{PNPM}:{problem.line}:{problem.column}"
            )
        case _:
            return []


def _npm(text: str) -> list[str]:
    match _json(MANIFEST, text or "{}").get("workspaces"):
        case list(globs) | {"packages": list(globs)}:
            return [glob for glob in globs if isinstance(glob, str)]
        case _:
            return []


def _json(path: str, text: str) -> Mapping[str, object]:
    try:
        data: object = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as problem:
        raise WrongUsage(f"{path} is not JSON: {problem}", hint="correct it", where=path) from (
            problem
        )
    return data if isinstance(data, dict) else {}


def _depends(folder: str, data: Mapping[str, object], names: Mapping[str, str]) -> Iterator[str]:
    """The names that a manifest mentions, and those that its aliases and folders stand for."""
    for kind in _DEPENDENCIES:
        listed = data.get(kind)
        for name, wanted in listed.items() if isinstance(listed, dict) else ():
            yield name
            if not isinstance(wanted, str) or not wanted.startswith((*_LOCAL, "npm:")):
                continue
            target = wanted.partition(":")[2]
            yield target.rpartition("@")[0]  # an alias: `workspace:other@*`
            yield names.get(posixpath.normpath(posixpath.join(folder, target)), "")
