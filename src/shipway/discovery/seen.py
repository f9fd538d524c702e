"""A repository as `shipway init` sees it: the paths of its files, and the texts of some."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import PurePosixPath

import yaml

from shipway.model.lazy import dataclass

CODE = ("js", "cjs", "mjs", "jsx", "ts", "cts", "mts", "tsx", "vue", "svelte")
"""Endings of files that linters, compilers and test runners read."""

_TEST = re.compile(r"(^|/)(tests?|__tests__|e2e|spec)/|\.(test|spec|e2e-spec)\.[cm]?[jt]sx?$")
_COMMENT = re.compile(r"^\s*//.*$|/\*.*?\*/", re.MULTILINE | re.DOTALL)
_TRAILING = re.compile(r",(\s*[}\]])")


@dataclass(frozen=True, slots=True)
class Seen:
    """Paths are sorted, relative, with `/`; what git ignores is not among them.

    `name` is that of the folder, `branch` the one that is delivered, where git knows it. Not
    `complete` when there were more files than anybody wanted to look at.
    """

    name: str
    paths: tuple[str, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    branch: str | None = None
    complete: bool = True

    def has(self, path: str) -> bool:
        """Tell whether there is such a file."""
        return path in self.paths

    def text(self, path: str) -> str:
        """Return the text of a file; empty where it was not read."""
        return self.texts.get(path, "")

    def under(self, folder: str) -> tuple[str, ...]:
        """Return the paths in a folder and below; all of them for the root, `.`."""
        return tuple(p for p in self.paths if folder in {".", ""} or p.startswith(f"{folder}/"))

    def named(self, pattern: str, folder: str = ".") -> tuple[str, ...]:
        """Return the paths directly in a folder whose names fit a regular expression, whole."""
        fits = re.compile(pattern)
        return tuple(
            p
            for p in self.paths
            if str(PurePosixPath(p).parent) == folder and fits.fullmatch(PurePosixPath(p).name)
        )

    def first(self, *paths: str) -> str | None:
        """Return the first of these paths that is there."""
        return next((p for p in paths if p in self.paths), None)

    def data(self, path: str) -> Mapping[str, object]:
        """Return a JSON file as data, comments forgiven; empty where it is none."""
        return mapping(parsed(self.text(path)))

    def yaml(self, path: str) -> Mapping[str, object]:
        """Return a YAML file as data; empty where it is none."""
        try:
            return mapping(yaml.load(self.text(path), Loader=yaml.CSafeLoader))
        except yaml.YAMLError:
            return {}

    def folders(self) -> tuple[str, ...]:
        """Return the folders of the root that hold code, sorted."""
        found = {p.partition("/")[0] for p in self.paths if "/" in p and is_code(p)}
        return tuple(sorted(found))


def parsed(text: str) -> object:
    """Read JSON with comments and final commas, as TypeScript does; None where it is none."""
    for attempt in (text, _TRAILING.sub(r"\1", _COMMENT.sub("", text))):
        try:
            found: object = json.loads(attempt)
        except ValueError:
            continue
        return found
    return None


def mapping(value: object) -> Mapping[str, object]:
    """Return data as a mapping; empty where it is something else."""
    return value if isinstance(value, dict) else {}


def words(value: object) -> tuple[str, ...]:
    """Return the texts in a list; empty where it is something else."""
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()


def ending(path: str) -> str:
    """Return what follows the last dot of a file's name; empty where there is none."""
    return PurePosixPath(path).suffix.removeprefix(".")


def is_code(path: str) -> bool:
    """Tell whether linters and compilers read a file."""
    return ending(path) in CODE


def is_test(path: str) -> bool:
    """Tell whether a file is a test, or beside tests."""
    return _TEST.search(path) is not None
