"""Who may write to the team's cache, and when restoring an entry is worth it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.checks.economy import may_write, worth_restoring
from shipway.model.kept import Kept, Past
from shipway.model.service import RemoteCache

RULES = RemoteCache("bucket", "", "eu-central-1", "A" * 43 + "=", "env:KEY", ("main", "release"))
KEPT = Kept("ab" * 32, "install", 14.0, "r1", 1.0, (), size=412_000_000)
SLOW = ((100_000_000, 14.8), (200_000_000, 29.6), (50_000_000, 7.4))

sizes = st.integers(0, 2**30)
seconds = st.floats(0, 10_000)
restores = st.lists(st.tuples(sizes, seconds), max_size=20).map(tuple)
runs = st.lists(seconds, max_size=20).map(tuple)


def past(took: tuple[float, ...], restored: tuple[tuple[int, float], ...]) -> Past:
    """A past of passes."""
    return Past(took, ("passed",) * len(took), restored)


def worth(size: int, took: tuple[float, ...], restored: tuple[tuple[int, float], ...]) -> bool:
    """Tell whether an entry of that size is restored."""
    return worth_restoring(replace(KEPT, size=size), past(took, restored))[0]


def test_a_protected_branch_in_ci_may_write() -> None:
    """CI writes from each of the branches that the configuration names."""
    for branch in ("main", "release"):
        assert may_write(RULES, branch=branch, pull_request=False, ci=True) == ""


@pytest.mark.parametrize(
    ("rules", "branch", "pull_request", "ci", "why"),
    [
        (RULES, "main", True, True, "pull requests only read"),
        (RULES, "main", False, False, "only CI writes"),
        (RULES, "feature", False, True, "only main and release may write"),
        (RULES, "main2", False, True, "only main and release may write"),
        (RULES, "", False, True, "only main and release may write"),
        (replace(RULES, signing_key=None), "main", False, True, "no signing key is configured"),
    ],
)
def test_nobody_else_may_write(
    rules: RemoteCache, branch: str, pull_request: bool, ci: bool, why: str  # noqa: FBT001 - as above
) -> None:  # fmt: skip
    """Pull requests, people, other branches and whoever has no key only read, and hear why."""
    assert may_write(rules, branch=branch, pull_request=pull_request, ci=ci) == why


def test_history_says_when_running_is_cheaper() -> None:
    """Where restoring was measured to be slower than running, both figures are told."""
    said = worth_restoring(KEPT, past((15.0, 14.0, 13.0), SLOW))
    assert said == (False, "restoring 412 MB takes about 61 s, running it 14 s")


def test_without_history_restoring_is_tried() -> None:
    """Nothing, or a single measurement, is no reason to run again."""
    assert worth_restoring(KEPT, Past()) == (True, "")
    assert worth_restoring(KEPT, past((0.1,), SLOW[:1])) == (True, "")


def test_small_entries_say_nothing_about_large_ones() -> None:
    """The fixed cost of small restores is not multiplied by the size of a large one."""
    assert worth(400_000_000, (14.0,), ((100, 0.2), (200, 0.3), (300, 0.2)))


def test_a_slow_network_makes_even_small_entries_cost() -> None:
    """Where each restore takes seconds, a check of milliseconds runs."""
    assert not worth(500, (0.05,), ((100, 2.0), (200, 3.0)))


def test_failures_do_not_count_as_running_time() -> None:
    """A check that failed at once says nothing about how long it takes to pass."""
    failed = Past((0.1, 0.1, 100.0), ("failed", "aborted", "passed"), SLOW)
    assert worth_restoring(KEPT, failed)[0]


def test_a_check_that_never_ran_here_took_what_it_took_there() -> None:
    """Without passes on this machine the entry's own time counts."""
    assert not worth_restoring(KEPT, past((), SLOW))[0]
    assert worth_restoring(replace(KEPT, seconds=90.0), past((), SLOW))[0]


@given(sizes, sizes, runs, restores)
def test_a_smaller_entry_is_never_worth_less(
    one: int, other: int, took: tuple[float, ...], restored: tuple[tuple[int, float], ...]
) -> None:
    """If an entry is worth restoring, so is each smaller one of the same check."""
    assert worth(min(one, other), took, restored) >= worth(max(one, other), took, restored)


@given(sizes, runs, restores, st.floats(1, 100))
def test_a_slower_check_is_never_worth_less(
    size: int, took: tuple[float, ...], restored: tuple[tuple[int, float], ...], factor: float
) -> None:
    """If restoring beats a check, it beats the same check when that takes longer."""
    slower = tuple(each * factor for each in took)
    assert worth(size, slower, restored) >= worth(size, took, restored)


@given(sizes, runs, restores, st.floats(1, 100))
def test_slower_restores_are_never_worth_more(
    size: int, took: tuple[float, ...], restored: tuple[tuple[int, float], ...], factor: float
) -> None:
    """If restoring is not worth it, it is not when every restore took longer."""
    slower = tuple((length, each * factor) for length, each in restored)
    assert worth(size, took, slower) <= worth(size, took, restored)


@given(sizes, runs, restores)
def test_a_refusal_always_says_why(
    size: int, took: tuple[float, ...], restored: tuple[tuple[int, float], ...]
) -> None:
    """There is a sentence exactly where an entry is not restored."""
    restore, why = worth_restoring(replace(KEPT, size=size), past(took, restored))
    assert restore is (why == "")


@pytest.mark.parametrize(
    ("size", "told"),
    [(999, "999 bytes"), (1500, "1.5 kB"), (412_000_000, "412 MB"), (2_500_000_000, "2.5 GB")],
)
def test_sizes_are_told_for_people(size: int, told: str) -> None:
    """A size is told in the largest unit that fits, in three digits."""
    slow = ((100, 900.0), (200, 900.0))
    said = worth_restoring(replace(KEPT, size=size), past((0.5,), slow))[1]
    assert said.startswith(f"restoring {told} takes about 900 s, running it 0.5 s")
