"""What a change touches: packages, those that depend on them, and the checks that have to run.

Where it is in doubt, everything is touched: to run too much costs time, to run too little costs
trust.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from shipway.checks.globs import Globs
from shipway.checks.graph import narrowed
from shipway.checks.workspace import Package
from shipway.model.lazy import dataclass
from shipway.model.service import Check, ComposeCheck
from shipway.model.tree import Changes

LOCKS = frozenset(("pnpm-lock.yaml", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock"))


@dataclass(frozen=True, slots=True)
class Affected:
    """What a change touches.

    `folders` are those of packages, changed or dependants; `paths` is what changed. `everything`
    says why all has to be taken for touched, and then the others say nothing.
    """

    folders: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    everything: str = ""


def affected(members: tuple[Package, ...], changes: Changes) -> Affected:
    """Return what changes touch: each package that holds a changed path, and all its dependants.

    A path outside of every package (a lockfile, a shared configuration, a package that is gone)
    touches everything; so do changes that are not known. No changes touch nothing.

    Args:
        members: of the workspace, as it is now; none where there is no workspace.
        changes: paths relative to the same root.
    """
    if changes.everything:
        return Affected(everything=changes.everything)
    folders = {package.folder for package in members}
    touched: set[str] = set()
    for path in sorted(changes.paths):
        owner = _owner(path, folders)
        if owner is None:
            return Affected(everything=_why(path, workspace=bool(members)))
        touched.add(owner)
    return Affected(_with_dependants(members, touched), changes.paths)


def is_affected(folder: str, members: tuple[Package, ...], changes: Changes) -> bool:
    """Tell whether changes touch the service in a folder; of one that is no package nobody knows.

    Then any change touches it. The same holds for the root, `.`.
    """
    if not changes.paths and not changes.everything:
        return False
    found = affected(members, changes)
    own = [package.folder for package in members if _lies_in(package.folder, folder)]
    if found.everything or folder not in own:
        return True
    return not found.folders.isdisjoint(own)


def concerning(folder: str, members: tuple[Package, ...], paths: Sequence[str]) -> tuple[str, ...]:
    """Return the paths outside of a service's folder that may decide about it, as they stand.

    Those of packages that it depends on, however far, and those that lie in no package. Of a
    folder that is no package nobody knows what it needs: all of them.
    """
    own = next((package for package in members if package.folder == folder), None)
    outside = [path for path in paths if not _lies_in(path, folder)]
    if own is None:
        return tuple(outside)
    folders = {package.folder for package in members}
    onward: dict[str, list[str]] = {}
    by_name: dict[str, list[str]] = {}
    for package in members:
        by_name.setdefault(package.name, []).append(package.folder)
    for package in members:
        onward[package.folder] = [f for name in package.depends for f in by_name.get(name, ())]
    needed = _reached({folder}, onward)
    return tuple(path for path in outside if (_owner(path, folders) or folder) in needed)


def narrowed_to(checks: tuple[Check, ...], found: Affected) -> tuple[Check, ...]:
    """Return the checks that changes touch, with all that they need, as they are declared.

    Of a package, those whose package is touched. Of the root, those that declare no inputs, and
    those with an input among the changes. And each that needs one of these: an `install` that every
    check needs has to declare its inputs, or there is nothing to narrow.

    Args:
        checks: expanded over the packages, without circles.
        found: what `affected` returned.
    """
    if found.everything:
        return checks
    paths = sorted(found.paths)
    wanted = {check.name for check in checks if _is_touched(check, found, paths)}
    dependants: dict[str, list[str]] = {}
    for check in checks:
        for need in check.needs:
            dependants.setdefault(need, []).append(check.name)
    return narrowed(checks, tuple(_reached(wanted, dependants)))


def _is_touched(check: Check, found: Affected, paths: list[str]) -> bool:
    if check.package:
        return check.package in found.folders
    if not check.inputs:
        return bool(paths)
    own = (check.file,) if isinstance(check, ComposeCheck) else ()
    return bool(Globs((*check.inputs, *own)).select(paths))


def _owner(path: str, folders: set[str]) -> str | None:
    """The innermost package that a path lies in; a submodule may be one itself."""
    while path and path not in folders:
        path = posixpath.dirname(path)
    return path or None


def _why(path: str, *, workspace: bool) -> str:
    if not workspace:
        return f"{path} changed, and this is no workspace with packages"
    if path in LOCKS:
        return f"{path} changed, so any package may have other dependencies now"
    return f"{path} changed, which lies in no package"


def _with_dependants(members: tuple[Package, ...], touched: set[str]) -> frozenset[str]:
    dependants: dict[str, list[str]] = {}
    folders: dict[str, list[str]] = {}
    for package in members:
        folders.setdefault(package.name, []).append(package.folder)
    for package in members:
        for name in package.depends:
            for folder in folders.get(name, ()):
                dependants.setdefault(folder, []).append(package.folder)
    return _reached(touched, dependants)


def _reached(start: set[str], onward: dict[str, list[str]]) -> frozenset[str]:
    """Everything that can be reached from here, the start included."""
    found = set(start)
    todo = list(start)
    while todo:
        for name in onward.get(todo.pop(), ()):
            if name not in found:
                found.add(name)
                todo.append(name)
    return frozenset(found)


def _lies_in(path: str, folder: str) -> bool:
    return folder in {".", path} or path.startswith(f"{folder}/")
