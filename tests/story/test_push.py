"""What git says was pushed, and what that asks for."""

from __future__ import annotations

import pytest

from shipway.errors import WrongUsage
from shipway.push import (
    BranchDeleted,
    BranchPushed,
    Deliver,
    Ignore,
    OtherRefPushed,
    Push,
    TagDeleted,
    TagPushed,
    asks_for,
    parse_hook_line,
)
from shipway.testing.builders import a_commit

OLD, NEW, ZERO = a_commit("old"), a_commit("new"), "0" * 40


@pytest.mark.parametrize(
    ("line", "push"),
    [
        (f"{OLD} {NEW} refs/heads/main", BranchPushed("main", NEW, created=False)),
        (f"{ZERO} {NEW} refs/heads/main\n", BranchPushed("main", NEW, created=True)),
        (f"{OLD} {NEW} refs/heads/feature/x", BranchPushed("feature/x", NEW, created=False)),
        (f"{OLD} {ZERO} refs/heads/main", BranchDeleted("main")),
        (f"{ZERO} {NEW} refs/tags/v1", TagPushed("v1", NEW)),
        (f"{OLD} {ZERO} refs/tags/v1", TagDeleted("v1")),
        (f"{OLD} {NEW} refs/notes/commits", OtherRefPushed("refs/notes/commits")),
        (f"{OLD} {NEW} refs/pull/7/head", OtherRefPushed("refs/pull/7/head")),
        (f"{'0' * 64} {'a' * 64} refs/heads/m", BranchPushed("m", "a" * 64, created=True)),  # type: ignore[arg-type]  # a plain text equals a Commit
    ],
)
def test_a_line_of_the_hook_is_told_apart(line: str, push: Push) -> None:
    """Branches, tags, deletions and other refs each have their own meaning."""
    assert parse_hook_line(line) == push


@pytest.mark.parametrize(
    "line",
    ["", "main", f"{OLD} {NEW}", f"{OLD} {NEW} main", f"{OLD[:7]} {NEW} refs/heads/m", "a b c d"],
)
def test_a_malformed_line_is_wrong_usage(line: str) -> None:
    """What git would never say is refused, with the shape that is expected."""
    with pytest.raises(WrongUsage) as found:
        parse_hook_line(line)
    assert "<old commit> <new commit> refs/" in found.value.hint


def test_a_push_to_the_delivered_branch_is_delivered() -> None:
    """The branch that the service names is delivered, at the new commit."""
    pushed = BranchPushed("main", NEW, created=False)
    assert asks_for(pushed, delivered_branch="main") == Deliver("main", NEW)


@pytest.mark.parametrize(
    ("push", "why"),
    [
        (BranchPushed("topic", NEW, created=True), "branch 'topic' is not delivered, 'main' is"),
        (BranchDeleted("main"), "branch 'main' was deleted"),
        (TagPushed("v1", NEW), "tag 'v1' was pushed; only branch 'main' is delivered"),
        (TagDeleted("v1"), "tag 'v1' was deleted"),
        (OtherRefPushed("refs/notes/x"), "'refs/notes/x' is neither a branch nor a tag"),
    ],
)
def test_every_other_push_is_ignored_with_its_reason(push: Push, why: str) -> None:
    """What is not delivered says why."""
    assert asks_for(push, delivered_branch="main") == Ignore(why)
