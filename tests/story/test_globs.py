"""A list of globs means exactly the paths that its words promise."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.checks.globs import Globs

NAMES = st.text("ab.", min_size=1, max_size=3).filter(lambda name: name.strip("."))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PARTS = st.one_of(st.just("**"), st.text("ab.*?", min_size=1, max_size=3), NAMES).filter(
    lambda part: part not in {".", ".."}
)
GLOBS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)


def naive(glob: str, path: str) -> bool:
    """The words of the module again, part by part, as slow as it may be."""
    globs, parts = glob.split("/"), path.split("/")
    if not any(char in globs[-1] for char in "*?"):
        return any(fits_parts(globs, parts[:n]) for n in range(1, len(parts) + 1))
    return fits_parts(globs, parts)


def fits_parts(globs: list[str], parts: list[str]) -> bool:
    """Whether parts of a glob fit parts of a path, all of both."""
    if not globs:
        return not parts
    if globs[0] == "**":
        if len(globs) == 1:
            return bool(parts)
        return any(fits_parts(globs[1:], parts[n:]) for n in range(len(parts) + 1))
    return bool(parts) and fits_text(globs[0], parts[0]) and fits_parts(globs[1:], parts[1:])


def fits_text(glob: str, text: str) -> bool:
    """Whether one part of a glob fits one part of a path."""
    if not glob:
        return not text
    if glob[0] == "*":
        return any(fits_text(glob[1:], text[n:]) for n in range(len(text) + 1))
    return bool(text) and glob[0] in {"?", text[0]} and fits_text(glob[1:], text[1:])


@given(glob=GLOBS, path=PATHS)
def test_a_glob_means_what_its_words_say(glob: str, path: str) -> None:
    """Stars, question marks and folders fit exactly what a slow reading of the words fits."""
    assert Globs((glob,)).match(path) == naive(glob, path)


@given(globs=st.lists(st.tuples(st.booleans(), GLOBS), max_size=4), path=PATHS)
def test_the_last_glob_that_fits_decides(globs: list[tuple[bool, str]], path: str) -> None:
    """A path is meant when the last glob that fits it does not exclude it."""
    meant = False
    for excludes, glob in globs:
        meant = not excludes if naive(glob, path) else meant
    written = [f"!{glob}" if excludes else glob for excludes, glob in globs]
    assert Globs(written).match(path) == meant


@given(globs=st.lists(st.one_of(GLOBS, GLOBS.map("!{}".format)), max_size=4), paths=st.sets(PATHS))
def test_a_selection_is_what_matches(globs: list[str], paths: set[str]) -> None:
    """Selecting from a sorted list finds each path that matches, in order, once."""
    listed = sorted(paths)
    chosen = Globs(globs)
    assert chosen.select(listed) == tuple(path for path in listed if chosen.match(path))


@given(text=st.text(max_size=12), path=PATHS)
def test_any_text_is_a_glob(text: str, path: str) -> None:
    """Whatever somebody writes is compiled without an error or a warning."""
    Globs((text,)).match(path)


@given(name=st.text(min_size=1, max_size=5).filter(lambda t: "/" not in t and t not in {".", ".."}))
def test_a_backslash_makes_a_character_plain(name: str) -> None:
    """With a backslash before each character a glob is that name and no other."""
    globs = Globs(("".join(f"\\{char}" for char in name),))
    assert globs.match(name)
    assert not globs.match(f"x{name}")


@pytest.mark.parametrize(
    ("glob", "fits", "fails"),
    [
        ("src", ("src", "src/a", "src/a/b.ts"), ("src2", "a/src", "sr")),
        ("src/", ("src/a", "src/a/b"), ("src",)),
        ("src/*", ("src/a", "src/.a"), ("src/a/b", "src")),
        ("src/*/", ("src/a/b",), ("src/a",)),
        ("src/**", ("src/a", "src/a/b"), ("src", "srcs/a")),
        ("*.ts", ("a.ts", ".ts"), ("src/a.ts", "a.tsx")),
        ("**/*.ts", ("a.ts", "src/x/a.ts"), ("a.js",)),
        ("**/test/**", ("test/a", "x/y/test/z/a"), ("tests/a", "test")),
        (".", ("a", "a/b"), ()),
        ("**", ("a", "a/b", ".a/.b"), ()),
        ("./src//a/./*.ts", ("src/a/b.ts",), ("src/b.ts",)),
        ("*.{ts,tsx}", ("a.ts", "a.tsx"), ("a.js", "a.{ts,tsx}")),
        ("{a,b/{c,d}}/x", ("a/x", "b/c/x", "b/d/x/y"), ("b/x", "c/x")),
        ("{src,test}/**/*.ts", ("src/a.ts", "test/b/a.ts"), ("lib/a.ts",)),
        ("a{,b}", ("a", "ab"), ("b", "abb")),
        ("a{b", ("a{b",), ("ab",)),
        ("[ab]c", ("ac", "bc"), ("cc", "[ab]c")),
        ("[!ab]c", ("cc",), ("ac", "/c")),
        ("x[a-c]", ("xb",), ("xd", "x-")),
        ("x[c-a]", ("xc", "x-", "xa"), ("xb",)),
        ("x[]]", ("x]",), ("x",)),
        ("x[", ("x[",), ("x",)),
        ("x[^a]y", ("xby",), ("xay", "x/y")),
        (r"a\*b", ("a*b",), ("axb",)),
        ("with space/é*", ("with space/école",), ("with space/ecole",)),
    ],
)
def test_each_sign_has_its_meaning(
    glob: str, fits: tuple[str, ...], fails: tuple[str, ...]
) -> None:
    """Every sign means what the table beside it shows."""
    globs = Globs((glob,))
    assert [path for path in fits if not globs.match(path)] == []
    assert [path for path in fails if globs.match(path)] == []


def test_a_glob_that_fits_nothing_is_named() -> None:
    """Each glob without any path is told as it was written, unless it excludes."""
    globs = Globs(("src/**", "tset/**", "!docs/**", "*.toml"))
    assert globs.unmatched(("a.toml", "src/a")) == ("tset/**",)


def test_many_globs_over_many_paths_are_quick() -> None:
    """A thousand lists of globs over 40,000 paths look only where each could fit."""
    paths = sorted(f"packages/p{n // 40}/src/f{n}.ts" for n in range(40_000))
    start = time.monotonic()
    for n in range(1000):
        assert len(Globs((f"packages/p{n}/src/**/*.ts", "!**/*.md")).select(paths)) == 40
    assert time.monotonic() - start < 5
