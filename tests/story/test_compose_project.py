"""The name of a compose project: of one check and run alone, and within compose's limits."""

from __future__ import annotations

import re

from shipway.checks.compose import LONGEST, project


def test_it_says_whose_it_is() -> None:
    """Service, run and check can be read in it."""
    assert project("sender", "run-1", "integration") == "shipway-sender-run-1-integration"


def test_what_compose_would_change_is_changed_before() -> None:
    """Capitals, colons and slashes go, and names that differ in those alone still differ."""
    names = {project("s", "r", check) for check in ("Unit", "unit", "unit:a/b", "unit-a/b")}
    assert len(names) == 4
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name) for name in names)


def test_it_is_never_too_long() -> None:
    """A long name is cut, and two that begin alike still differ."""
    one, other = (project("s" * 64, "r" * 64, f"{'c' * 64}{n}") for n in (1, 2))
    assert len(one) == len(other) == LONGEST
    assert one != other
