r"""Which paths a list of globs means; it knows paths as texts and never looks at a disk.

A path is relative to the root, with `/`, and has no empty, `.` or `..` part. In a glob

    *       is any characters of one part, `?` one of them; both match a leading dot, too
    [a-z]   is one character of a set, [!a-z] one that is not in it; neither is ever `/`
    **      as a whole part is any number of parts, none included (elsewhere it is `*`)
    {a,b}   is one or the other, each a glob of its own; a `{` without its `}` is itself
    \*      is the character itself

and a glob whose last part holds none of these also means everything below a folder of that name
(`src`, `packages/*/src`); one that ends in `/` always does. `.` and `**` are everything. `*.ts` is
meant in the root alone, `**/*.ts` at any depth. A glob after `!` takes away what earlier ones gave:
the last one that fits decides.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from shipway.model.lazy import dataclass

_LAST = "\U0010ffff"
_SPECIAL = re.compile(r"[*?\[{\\]")


@dataclass(frozen=True, slots=True)
class Glob:
    """One glob: the text that each path it means begins with, and what `re` makes of the rest.

    `expression` is for what follows the folder that all globs of a list share.
    """

    written: str
    excludes: bool
    prefix: str
    expression: str

    def below(self, paths: Sequence[str]) -> range:
        """Return where in sorted paths those stand that begin as the glob does."""
        if not self.prefix:
            return range(len(paths))
        start = bisect_left(paths, self.prefix)
        return range(start, bisect_left(paths, self.prefix + _LAST, lo=start))


class Globs:
    """Globs, compiled once; the order counts where some exclude.

    The folder that all of them share is taken off first: what is left is the same for every
    package of a workspace, and so is compiled once for all of them.
    """

    __slots__ = ("_folder", "_match", "globs")

    def __init__(self, patterns: Sequence[str]) -> None:
        self._folder = _shared([_bare(pattern) for pattern in patterns])
        self.globs = tuple(_glob(pattern, len(self._folder)) for pattern in patterns)
        self._match = _compiled(_last_decides(self.globs)).fullmatch

    def match(self, path: str) -> bool:
        """Tell whether a path is meant."""
        if not path.startswith(self._folder):
            return False
        found = self._match(path, len(self._folder))
        return found is not None and found.lastindex is not None

    def select(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Return the paths that are meant; both are sorted and unique.

        Looks only at paths that begin as one of the globs does, so a list may be long.
        """
        match, start = self._match, len(self._folder)
        return tuple(
            path
            for part in self._ranges(paths)
            for path in paths[part.start : part.stop]
            if (found := match(path, start)) is not None and found.lastindex is not None
        )

    def unmatched(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Return each glob, as written, that fits none of these sorted paths.

        One that excludes need not fit anything. What a later glob takes away did fit.
        """
        return tuple(
            glob.written
            for glob in self.globs
            if not glob.excludes and not self._fits_any(glob, paths)
        )

    def _fits_any(self, glob: Glob, paths: Sequence[str]) -> bool:
        fits, start = _compiled(glob.expression).fullmatch, len(self._folder)
        return any(fits(paths[n], start) for n in glob.below(paths))

    def _ranges(self, paths: Sequence[str]) -> Iterator[range]:
        """The parts of the list that hold every path that could be meant, in order, disjoint."""
        found = [glob.below(paths) for glob in self.globs if not glob.excludes]
        end = 0
        for part in sorted(found, key=lambda r: (r.start, r.stop)):
            if part.stop > end:
                yield range(max(part.start, end), part.stop)
                end = part.stop


def _last_decides(globs: tuple[Glob, ...]) -> str:
    """One expression for all: its alternatives are tried in order, so the last glob comes first.

    The empty group behind those that include tells which kind it was.
    """
    kinds = [
        f"(?:{g.expression})" if g.excludes else f"(?:{g.expression})()" for g in reversed(globs)
    ]
    return "|".join(kinds) or "(?!)"


@lru_cache(maxsize=4096)
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.DOTALL)


def _bare(written: str) -> str:
    """A glob without its signs and without what means nothing in it."""
    parts = written.removeprefix("!").split("/")
    return "/".join(part for part in parts if part not in {"", "."})


def _shared(bare: list[str]) -> str:
    """The folder, with its final `/`, that each of these globs begins with; empty for the root."""
    literal = [_literal(glob).rpartition("/") for glob in bare]
    if not literal:
        return ""
    folders = [folder + slash for folder, slash, _ in literal]
    low, high = min(folders), max(folders)
    same = next((n for n, char in enumerate(low) if char != high[n]), len(low))
    return low[: low.rfind("/", 0, same) + 1]


def _literal(bare: str) -> str:
    special = _SPECIAL.search(bare)
    return bare[: special.start()] if special else bare


def _glob(written: str, shared: int) -> Glob:
    bare, below = _bare(written), written.endswith("/")
    expression = _whole_expression(bare[shared:], below=below)
    return Glob(written, written.startswith("!"), _literal(bare), expression)


@lru_cache(maxsize=4096)
def _whole_expression(glob: str, *, below: bool) -> str:
    if glob in {"", "**"}:
        return ".+"
    special = _SPECIAL.search(glob.rpartition("/")[2])
    rest = "/.+" if below else "" if special else "(?:/.+)?"
    return "|".join(_expression(one) + rest for one in _alternatives(glob))


def _alternatives(glob: str) -> Iterator[str]:
    """Write out the first pair of braces, and so each after it: `a{b,c}` is `ab` and `ac`."""
    found = _braces(glob)
    if found is None:
        yield glob
        return
    start, commas, end = found
    edges = [start, *commas, end]
    for left, right in pairwise(edges):
        yield from _alternatives(glob[:start] + glob[left + 1 : right] + glob[end + 1 :])


def _braces(glob: str) -> tuple[int, list[int], int] | None:
    """Where the first whole pair of braces begins, has its commas, and ends."""
    opened: list[tuple[int, list[int]]] = []
    whole: list[tuple[int, list[int], int]] = []
    at = 0
    while at < len(glob):
        match glob[at]:
            case "\\":
                at += 1
            case "[":
                at = _set_end(glob, at) or at
            case "{":
                opened.append((at, []))
            case "," if opened:
                opened[-1][1].append(at)
            case "}" if opened:
                start, commas = opened.pop()
                whole.append((start, commas, at))
            case _:
                pass
        at += 1
    return min(whole, default=None, key=lambda pair: pair[0])


def _set_end(glob: str, start: int) -> int | None:
    """Where the `]` of a set stands; None when it is no set: a `]` that stands first is in it."""
    first = start + 2 if glob[start + 1 : start + 2] in {"!", "^"} else start + 1
    end = glob.find("]", first + 1)
    return end if end > 0 and "/" not in glob[start:end] else None


def _expression(glob: str) -> str:
    """One glob without braces, part by part."""
    written = ""
    parts = glob.split("/")
    for n, part in enumerate(parts):
        final = n == len(parts) - 1
        if part == "**":
            written += ".+" if final else "(?:.+/)?"
        else:
            written += _part(part) + ("" if final else "/")
    return written


def _part(part: str) -> str:
    written, at = "", 0
    while at < len(part):
        char = part[at]
        end = _set_end(part, at) if char == "[" else None
        if char == "*":
            written += "" if part[at - 1 : at] == "*" else "[^/]*"
        elif char == "?":
            written += "[^/]"
        elif end is not None:
            written += _set(part[at + 1 : end])
            at = end
        elif char == "\\" and at + 1 < len(part):
            at += 1
            written += re.escape(part[at])
        else:
            written += re.escape(char)
        at += 1
    return written


def _set(inside: str) -> str:
    """A set of characters; a range that runs backwards is taken as its characters."""
    negated = inside[0] in "!^"
    chars = inside[1:] if negated else inside
    written, at = "", 0
    while at < len(chars):
        low, dash, high = chars[at], chars[at + 1 : at + 2], chars[at + 2 : at + 3]
        if dash == "-" and high >= low:  # no character at all is less than any
            written += f"{re.escape(low)}-{re.escape(high)}"
            at += 3
        else:
            written += re.escape(low)
            at += 1
    return f"(?!/)[{'^' if negated else ''}{written}]"
