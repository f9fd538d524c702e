"""Undocumented means red: the pages say what the code says, and everything in them leads somewhere.

Stale pages are written anew by `python docs/generate.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from urllib.parse import unquote

import pytest

from docs.generate import REFERENCE, commands, error_classes, pages
from shipway.config import reference
from shipway.config.load import load
from shipway.events.types import HistoryEvent, ProgressEvent
from tests.house.tree import ROOT

HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")
OUTSIDE = ("https://", "http://", "mailto:")


def written() -> tuple[Path, ...]:
    """Every Markdown page for people: those in the root, and those of docs."""
    return (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))


def headings(text: str) -> set[str]:
    """The headings of a page as they are written, without marks of code."""
    return {found.replace("`", "") for found in HEADING.findall(FENCE.sub("", text))}


def anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    slugs = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings(text))
    return {slug.strip().replace(" ", "-") for slug in slugs}


def links() -> Iterator[tuple[Path, str]]:
    """Each link inside the project, with the page that it stands on."""
    for page in written():
        for found in LINK.finditer(FENCE.sub("", page.read_text("utf-8"))):
            target = found[1] or found[2]
            if not target.startswith(OUTSIDE):
                yield page, unquote(target)


def configurations() -> Iterator[tuple[str, str]]:
    """Each example of a whole shipway.yaml, with the page that it stands on."""
    for page in written():
        for language, block in FENCE.findall(page.read_text("utf-8")):
            code = [line for line in block.splitlines() if not line.startswith("#")]
            if language == "yaml" and code and code[0].startswith("service:"):
                yield str(page.relative_to(ROOT)), block


@pytest.mark.parametrize("name", pages())
def test_reference_pages_are_those_of_the_code(name: str) -> None:
    """Each committed page of the reference is what the code says now."""
    path = REFERENCE / name
    committed = path.read_text("utf-8") if path.exists() else ""
    assert committed == pages()[name], f"docs/reference/{name} is stale: python docs/generate.py"


def test_no_page_of_the_reference_is_left_over() -> None:
    """What stands in docs/reference is generated, all of it."""
    assert {path.name for path in REFERENCE.iterdir()} == set(pages())


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("cli.md", {name for name, _ in commands()}),
        ("errors.md", {kind.code() for kind in error_classes()}),
        ("configuration.md", {key.path for key in reference.every_key()}),
        (
            "events.md",
            {kind.__name__ for kind in (*get_args(HistoryEvent), *get_args(ProgressEvent))},
        ),
    ],
)
def test_everything_has_its_heading(page: str, names: set[str]) -> None:
    """No command, error, key or event goes without a heading on its page."""
    assert names - headings((REFERENCE / page).read_text("utf-8")) == set()


def test_every_key_is_explained_and_shown() -> None:
    """Each key of shipway.yaml has words, and stands in the example that uses every key."""
    example = reference.annotated_example()
    unexplained = [key.path for key in reference.every_key() if not key.words]
    unshown = [key.path for key in reference.every_key() if f"# {key.words}" not in example]
    assert (unexplained, unshown) == ([], [])


def test_links_lead_somewhere() -> None:
    """Each link inside the project names a file that is there, and a heading that it has."""
    dead = []
    for page, target in links():
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file.read_text("utf-8"))):
            dead.append(f"{page.relative_to(ROOT)}: {target}")
    assert dead == []


def test_every_page_can_be_found() -> None:
    """From README.md, links lead to every page of docs."""
    reached, waiting = set[Path](), [ROOT / "README.md"]
    onward: dict[Path, set[Path]] = {}
    for page, target in links():
        onward.setdefault(page, set()).add((page.parent / target.partition("#")[0]).resolve())
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting += onward.get(page, ())
    lost = [str(p.relative_to(ROOT)) for p in written() if p not in reached]
    assert lost == []


def test_every_whole_configuration_loads() -> None:
    """Each shipway.yaml in the documentation is valid, and so is the sample's own."""
    found = dict(configurations())
    assert {"README.md", "docs/reference/configuration.md"} <= set(found)
    found["sample"] = (ROOT / "examples/sender/shipway.yaml").read_text("utf-8")
    for page, text in found.items():
        assert load(text, file=page).environments


def test_the_annotated_example_is_valid_for_editors_too() -> None:
    """The JSON Schema allows exactly the keys that the example and the page have."""
    schema = reference.json_schema()
    last = {key.path.rpartition(".")[2].removesuffix("[]") for key in reference.every_key()}
    assert {name for name in last if f'"{name}": {{' not in schema} == set()
