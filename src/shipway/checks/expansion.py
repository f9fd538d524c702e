"""Checks that run in each package of a workspace: which there are, and what each of them needs."""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from shipway.checks.globs import Globs
from shipway.checks.workspace import Package
from shipway.errors import ConfigurationIsInvalid, InputsAreMissing
from shipway.model.service import Check, CommandCheck, ComposeCheck


def expanded(
    checks: tuple[Check, ...], members: tuple[Package, ...], paths: Sequence[str]
) -> tuple[Check, ...]:
    """Put one check for each package in the place of every `per_package` one.

    It is called `lint:packages/api`, runs in the package's folder, and keeps those of its globs
    that fit something there; a package in which none does has no such check. A path or glob that
    begins with `/` is meant from the root. It needs, for `x`, the package's own `x`; for `^x`, the
    `x` of the packages that this one depends on; a check of the root needs `x` of all packages.
    Where a package has no `x`, what `x` would have needed there takes its place, so that a chain
    of dependencies is not cut by a package that has nothing to check.

    Args:
        checks: as they are declared.
        members: of the workspace.
        paths: of the checkout, sorted.

    Raises:
        InputsAreMissing: a check has nothing to do in any package.
        ConfigurationIsInvalid: checks need each other in a circle, since packages do.
    """
    templates = {c.name: c for c in checks if c.per_package}
    if not templates:
        return checks
    folders = {name: _folders(check, members, paths) for name, check in templates.items()}
    plan = _Plan(checks, members, folders)
    made: list[Check] = []
    for check in checks:
        if check.per_package:
            made += (
                _placed(check, folder, lost, plan.needs(check, folder))
                for folder, lost in folders[check.name].items()
            )
        else:
            made.append(replace(check, needs=plan.root_needs(check)))
    _refuse_circles(made)
    return tuple(made)


def named(check: str, folder: str) -> str:
    """Return the name of a check in a package."""
    return f"{check}:{folder}"


class _Plan:
    """Who needs whom, once it is known which packages have which checks."""

    def __init__(
        self,
        checks: tuple[Check, ...],
        members: tuple[Package, ...],
        folders: Mapping[str, Mapping[str, set[str]]],
    ) -> None:
        self._checks = {check.name: check for check in checks}
        self._folders = folders
        by_name: dict[str, list[str]] = {}
        for package in members:
            by_name.setdefault(package.name, []).append(package.folder)
        self._depends = {
            package.folder: [folder for name in package.depends for folder in by_name[name]]
            for package in members
        }

    def root_needs(self, check: Check) -> tuple[str, ...]:
        """The needs of a check that runs once."""
        return tuple(
            each
            for need in check.needs
            for each in (
                (named(need, folder) for folder in self._folders[need])
                if need in self._folders
                else (need,)
            )
        )

    def needs(self, check: Check, folder: str) -> tuple[str, ...]:
        """The needs of a check in a package; unique, in the order in which they are found."""
        found: dict[str, None] = {}
        seen: set[tuple[str, str]] = set()
        todo = deque(self._wanted(check, folder))
        while todo:
            name, place = todo.popleft()
            if name not in self._folders:
                found[name] = None
            elif place in self._folders[name]:
                found[named(name, place)] = None
            elif (name, place) not in seen:
                seen.add((name, place))
                todo += self._wanted(self._checks[name], place)
        return tuple(found)

    def _wanted(self, check: Check, folder: str) -> Iterator[tuple[str, str]]:
        for need in check.needs:
            name = need.removeprefix("^")
            for place in self._depends[folder] if need != name else (folder,):
                yield name, place


def _folders(
    check: Check, members: tuple[Package, ...], paths: Sequence[str]
) -> dict[str, set[str]]:
    """The folders of packages that have something for a check, and those globs that fit nothing."""
    found = {}
    lost = {glob for glob in check.inputs if not glob.startswith("!")}
    for package in members:
        lost_here = _lost(check, package.folder, paths)
        lost &= lost_here
        if not lost_here or any(_is_own(g) and g not in lost_here for g in check.inputs):
            found[package.folder] = lost_here
    if lost or not found:
        what = " and ".join(f"{glob!r} matches no file of any" for glob in sorted(lost))
        raise InputsAreMissing(
            f"check {check.name!r}: {what or 'there is no'} package",
            hint="correct `inputs`, or take `per_package` away where there is no workspace",
            where=f"checks.{check.name}.inputs",
        )
    return found


def _lost(check: Check, folder: str, paths: Sequence[str]) -> set[str]:
    """The globs of a check, as they are written, that fit nothing in a package."""
    placed = {_glob_in(folder, glob): glob for glob in check.inputs}
    return {placed[glob] for glob in Globs(tuple(placed)).unmatched(paths)}


def _is_own(glob: str) -> bool:
    """Tell whether a glob looks for files of the package itself."""
    return not glob.startswith(("!", "/", ".."))


def _placed(check: Check, folder: str, lost: set[str], needs: tuple[str, ...]) -> Check:
    """The check as it is in a package."""
    placed = replace(
        check,
        name=named(check.name, folder),
        package=folder,
        per_package=False,
        needs=needs,
        inputs=tuple(_glob_in(folder, glob) for glob in check.inputs if glob not in lost),
        outputs=tuple(_path_in(folder, path) for path in check.outputs),
        junit=_path_in(folder, check.junit) if check.junit else None,
    )
    match placed:
        case CommandCheck():
            return replace(placed, cwd=_path_in(folder, placed.cwd))
        case ComposeCheck():
            return replace(placed, file=_path_in(folder, placed.file))


def _glob_in(folder: str, glob: str) -> str:
    sign = "!" if glob.startswith("!") else ""
    end = "/" if glob.endswith("/") else ""
    return sign + _path_in(folder, glob.removeprefix("!")) + end


def _path_in(folder: str, path: str) -> str:
    if path == ".":
        return folder
    if path.startswith("/"):
        return posixpath.normpath(path).lstrip("/")
    return posixpath.normpath(posixpath.join(folder, path))


def _refuse_circles(checks: list[Check]) -> None:
    """Walk down the needs, iteratively: a chain may be as long as the workspace is large."""
    needs = {check.name: check.needs for check in checks}
    done: set[str] = set()
    for start, first in needs.items():
        trail: dict[str, Iterator[str]] = {} if start in done else {start: iter(first)}
        while trail:
            name = next(reversed(trail))
            need = next(trail[name], None)
            if need is None:
                done.add(name)
                del trail[name]
            elif need in trail:
                names = list(trail)
                circle = " -> ".join((*names[names.index(need) :], need))
                raise ConfigurationIsInvalid(
                    (f"checks.{need.partition(':')[0]}.needs: needs itself: {circle}",),
                    hint="these packages depend on each other: break that circle, or take `^` away",
                )
            elif need not in done:
                trail[need] = iter(needs.get(need, ()))
