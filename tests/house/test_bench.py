"""The bench harness judges figures by their limits, and never invents one."""

from __future__ import annotations

import pytest

from bench.__main__ import main, table
from bench.harness import Figure, NotMeasured, medians, program


def figure(value: float, *, more_is_better: bool = False, ratio: float | None = None) -> Figure:
    """A figure whose limit is 10 and whose peer took 5."""
    return Figure("x", value, "ms", 10, "peer", 5, ratio_limit=ratio, more_is_better=more_is_better)


def test_a_figure_on_its_limit_holds() -> None:
    """The limit itself still holds; anything past it falls short, in the figure's own direction."""
    assert figure(10).holds
    assert not figure(10.1).holds
    assert figure(10, more_is_better=True).holds
    assert not figure(9.9, more_is_better=True).holds


def test_a_ratio_is_a_limit_too() -> None:
    """A value within its limit falls short when it is too many times its peer's."""
    assert figure(9, ratio=2).holds is True
    assert figure(9, ratio=1.5).holds is False


def test_the_table_says_which_figure_falls_short() -> None:
    """Each figure stands beside its limit and its peer, and a short one is called so."""
    first, second = table([figure(1), figure(11)]).splitlines()[1:]
    assert first.split() == ["x", "1.0", "ms", "≤", "10", "ms", "peer", "5.0", "ms", "0.20x", "ok"]
    assert second.endswith("FALLS SHORT")


def test_contestants_run_in_turns() -> None:
    """Everyone runs once a round, warm-up included, so a busy moment hits all alike."""
    order: list[str] = []
    medians({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=5)
    assert order == ["a", "b"] * 6


def test_a_program_that_fails_gives_no_figure() -> None:
    """A command that does not exit 0 is not measured: failing fast is no speed."""
    with pytest.raises(NotMeasured, match="exit 1"):
        program(("/bin/sh", "-c", "exit 1"))()


def test_an_unknown_bench_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped name exits 2 and lists the benches there are."""
    assert main(["no-such-bench"]) == 2
    assert "startup" in capsys.readouterr().out
