"""What must not be in the tree: download hosts, places on somebody's machine, patched objects."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.tree import tracked_texts

HOSTS = re.compile(
    r"\b(?:pypi|pythonhosted|npmjs|yarnpkg|debian|ubuntu|docker)\.(?:org|com|net)/?(?!\w)"
    r"|\b(?:registry|mirrors?|proxy)\.[\w-]+\.(?:org|com|net|io|dev)\b"
    r"|\bpkg\.dev\b|\bjfrog\.io\b"
)
INDEXES = re.compile(r"--?(?:extra-)?index-url\b|--find-links\b|\b_authToken\b")
HOMES = re.compile(r"(?<![\w.$}])/(?:home/[a-z][\w-]*|Users/\w+|root)/")
PATCHES = re.compile(r"\bunittest\.mock\b|\bfrom unittest import\b|\bMagicMock\b|\bmocker\b")

# Addresses that are not downloads: a manual's page is named where the code follows it.
MANUALS = re.compile(r"https://(?:docs\.docker|docs\.npmjs|www\.debian|wiki\.debian)\.\w+/\S*")
OWN = "tests/house/test_tree.py"


def lines_with(pattern: re.Pattern[str], suffix: str = "") -> dict[str, list[str]]:
    """Lines of the tracked files that a pattern finds, by file; manuals' addresses left out."""
    found = {}
    for path, text in tracked_texts():
        if str(path) == OWN or not path.name.endswith(suffix):
            continue
        hits = [line for line in text.splitlines() if pattern.search(MANUALS.sub("", line))]
        if hits:
            found[str(path)] = hits
    return found


def test_no_download_host_is_named() -> None:
    """Nothing says where packages come from: that is each machine's own setting."""
    assert lines_with(HOSTS) == {}


def test_no_index_is_named_where_packages_are_pinned() -> None:
    """No lock file and no script chooses an index, a link page or a token."""
    assert lines_with(INDEXES) == {}


def test_no_file_knows_somebodys_home() -> None:
    """No absolute path into a person's home folder is written down."""
    assert lines_with(HOMES) == {}


def test_nothing_is_patched() -> None:
    """Tests use the fakes of shipway.testing, never a mock that agrees with everything."""
    assert lines_with(PATCHES, suffix=".py") == {}


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (HOSTS, "https://registry.example.org/x"),
        (HOSTS, "resolved: https://mirror.example.com/x"),
        (INDEXES, "--index-url https://example.test"),
        (HOMES, "/home/ada/shipway"),
        (PATCHES, "from unittest import mock"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: re.Pattern[str], line: str) -> None:
    """Each kind of leak is seen when it is there."""
    assert pattern.search(line)


def test_folders_made_by_tools_are_not_tracked() -> None:
    """No virtual environment, no node_modules and no cache is in the tree."""
    made = {".venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache"}
    assert [str(path) for path, _ in tracked_texts() if made & set(Path(path).parts)] == []
