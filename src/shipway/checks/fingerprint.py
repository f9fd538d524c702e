"""What decides the result of a check, as a key; and, of two keys, what makes them differ.

It knows the check, its files by content, its tools and what it needs. It refuses to know values of
secrets: their names are part of a key, so that declaring one is noticed, and nothing else of them.

Not part of a key, since only a check that passed is kept and these decide when one may pass, not
what it then says: time-outs, silence, retries, mutexes. Nor is its name: what is called otherwise
and does the same is the same.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from shipway.checks.globs import Globs
from shipway.errors import InputsAreMissing
from shipway.model.lazy import dataclass
from shipway.model.service import Check, CommandCheck, ComposeCheck
from shipway.model.tree import Listing

FORMAT = "1"
"""Version of all that stands here: a new meaning of a part needs a new one."""

MOST_FILES = 20_000
"""Inputs of one check beyond which somebody probably meant less."""

_TOLD = 20
_OPEN = ("tool ", "platform", "cwd", "command", "junit", "compose", "exit code from", "format")
_HEAP = re.compile(
    r"(?:^|/)(\.git|\.next|\.pnpm-store|\.turbo|\.venv|\.yarn|bower_components|coverage"
    r"|node_modules|target|vendor)/"
)
_HEAP_FILES = 1000

Part = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A key (SHA-256, hexadecimal) and all that it is made of: name and value, sorted, unique.

    Names are `command`, `cwd`, `env TZ`, `input src/a.ts`, `needs install`, `tool node` and so on.
    """

    key: str
    parts: tuple[Part, ...]


def fingerprint(
    check: Check,
    *,
    inputs: Mapping[str, str],
    tools: Mapping[str, str],
    needs: Mapping[str, str],
    platform: str,
    today: str = "",
    around: str = "",
) -> Fingerprint:
    """Return the key of a check.

    Args:
        check: expanded, if it is one of a package.
        inputs: path to content id, as `selected` returns them.
        tools: program to version, of each program that the check runs outside the checkout.
        needs: name to key, of each check that it needs.
        platform: operating system and processor.
        today: ISO 8601 date; a quarantine that has expired by then is none, so that no result
            outlives it. Without a date all of them count.
        around: stands for the rest of the repository, where the checkout is a folder of it.
    """
    return _of(
        (
            ("format", FORMAT),
            ("platform", platform),
            *((("the rest of the repository", around),) if around else ()),
            *_rules(check, today),
            *_what(check),
            *((f"input {path}", content) for path, content in inputs.items()),
            *((f"needs {name}", key) for name, key in needs.items()),
            *((f"tool {program}", version) for program, version in tools.items()),
        )
    )


def selected(check: Check, listing: Listing, paths: Sequence[str] = ()) -> Mapping[str, str]:
    """Return the inputs of a check, path to content id, sorted; a compose file is one of them.

    Empty for a check that declares none. `paths` are the listing's, sorted: who asks for many
    checks sorts them once.

    Raises:
        InputsAreMissing: naming each glob that fits no file, or when nothing is left of them.
    """
    if not check.inputs:
        return {}
    files = listing.files
    listed = paths or sorted(files)
    more = (check.file,) if isinstance(check, ComposeCheck) else ()
    written = (*check.inputs, *(path for path in more if path not in check.inputs))
    globs = Globs(written)
    if missing := globs.unmatched(listed):
        raise _missing(check, " and ".join(f"{glob!r} matches no file" for glob in missing))
    chosen = globs.select(listed)
    if not chosen:
        raise _missing(check, "its inputs exclude every file")
    return {path: files[path] for path in chosen}


def too_broad(inputs: Mapping[str, str], total: int) -> str:
    """Return a warning where inputs hold more than anybody means, else nothing.

    Args:
        inputs: as `selected` returns them.
        total: how many files the checkout has.
    """
    if len(inputs) <= _HEAP_FILES:
        return ""
    heaps = Counter(found[1] for found in map(_HEAP.search, inputs) if found)
    for heap, held in heaps.most_common(1):
        if held > _HEAP_FILES:
            return (
                f"its inputs hold {held:,} files in {heap!r}, which git does not ignore: "
                f"ignore them, or exclude them with '!**/{heap}/**'"
            )
    if len(inputs) > MOST_FILES:
        return (
            f"its inputs are {len(inputs):,} of {total:,} files, so nearly any change runs it "
            "again: name the folders that it reads"
        )
    return ""


def explain(before: Fingerprint | None, after: Fingerprint) -> tuple[str, ...]:
    """Return what changed between two keys, a sentence each, the most telling first, at most 21.

    `before` is None where no earlier one is known.
    """
    if before is None:
        return ("there is nothing to compare it with: no earlier run is known",)
    old, new = dict(before.parts), dict(after.parts)
    names = sorted(
        (name for name in old.keys() | new.keys() if old.get(name) != new.get(name)),
        key=lambda name: (name.startswith("input "), name),
    )
    if not names:
        return ("nothing changed",)
    told = [_difference(name, old.get(name), new.get(name)) for name in names[:_TOLD]]
    left = len(names) - len(told)
    return (*told, *((f"and {left} more",) if left else ()))


def encode(known: Fingerprint) -> str:
    """Return a fingerprint as one line of text."""
    return json.dumps((known.key, dict(known.parts)), separators=(",", ":"))


def decode(text: str) -> Fingerprint | None:
    """Return the fingerprint that a text holds; None where it is damaged, or of another format."""
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    match data:
        case [str(key), dict(parts)] if all(isinstance(value, str) for value in parts.values()):
            known = _of(tuple(parts.items()))
            return known if known.key == key else None
        case _:
            return None


def _of(parts: tuple[Part, ...]) -> Fingerprint:
    """JSON makes the text injective: no two lists of parts are written alike, whatever is in them.

    A path that is no UTF-8 is a text with lone surrogates, which pass as they are.
    """
    ordered = tuple(sorted(parts))
    text = json.dumps(ordered, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
    return Fingerprint(digest.hexdigest(), ordered)


def _rules(check: Check, today: str) -> Iterator[Part]:
    """What checks of all kinds have."""
    yield "junit", check.junit or ""
    yield "package", check.package
    for name, value in check.env:
        yield f"env {name}", value
    for name, _ in check.secrets:
        yield f"secret {name}", "declared"
    for path in set(check.outputs):
        yield f"output {path}", "declared"
    for test in {q.test for q in check.quarantine}:
        # who owns it and why changes no verdict
        ends = sorted(q.expires for q in check.quarantine if q.test == test and q.expires > today)
        if ends:
            yield f"quarantine {test}", ends[-1]


def _what(check: Check) -> Iterator[Part]:
    match check:
        case CommandCheck():
            yield "command", json.dumps(check.command)
            yield "cwd", check.cwd
            yield "shell", str(check.shell).lower()
        case ComposeCheck():
            yield "compose", check.file
            yield "exit code from", check.exit_code_from


def _difference(name: str, old: str | None, new: str | None) -> str:
    if old is None:
        return f"{name} was added"
    if new is None:
        return f"{name} is gone"
    if name.startswith(_OPEN):
        return f"{name}: {_shown(name, old)} -> {_shown(name, new)}"
    return f"{name} changed"


def _shown(name: str, value: str) -> str:
    if name == "command":
        return shlex.join(json.loads(value))
    return value or "none"


def _missing(check: Check, fact: str) -> InputsAreMissing:
    return InputsAreMissing(
        f"check {check.name!r}: {fact}",
        hint="correct `inputs`; what git ignores is no input, and what another check makes is "
        "covered by `needs`",
        where=f"checks.{check.name}.inputs",
    )
