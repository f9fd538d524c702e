"""The bench harness judges figures by their limits, and never invents one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench import sample
from bench.__main__ import main, names, table
from bench.checks import makefile, sequence
from bench.harness import ROOT, Figure, NotMeasured, medians, program
from shipway.config.load import load
from shipway.model.service import CommandCheck


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


def test_what_comes_before_a_contestant_is_not_timed() -> None:
    """What a contestant needs first is done each round, before its own clock and no other's."""
    order: list[str] = []
    contestants = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    medians(contestants, rounds=1, before={"b": lambda: order.append("before b")})
    assert order == ["a", "before b", "b"] * 2


def test_shipway_is_measured_with_byte_code() -> None:
    """Whatever this machine's settings are, no contestant goes without the package's byte code."""
    asked = "import sys; sys.exit(sys.flags.dont_write_bytecode)"
    code = f"""if True:
        import subprocess, sys
        from pathlib import Path
        from bench.harness import as_installed
        import shipway, importlib.util
        as_installed()
        assert Path(importlib.util.cache_from_source(shipway.__file__)).exists()
        sys.exit(subprocess.call((sys.executable, "-c", "{asked}")))"""
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    assert (
        subprocess.run((sys.executable, "-c", code), cwd=ROOT, env=env, check=False).returncode == 0
    )


def test_the_peers_run_what_the_sample_declares() -> None:
    """The Makefile and the script hold the commands of the sample's own five checks."""
    checks = load((sample.SENDER / "shipway.yaml").read_text(encoding="utf-8")).checks
    found = {c.name: " ".join(c.command) for c in checks if isinstance(c, CommandCheck)}
    assert {name: found[name] for name in sample.CHECKS} == sample.COMMANDS
    for command in sample.COMMANDS.values():
        assert f"\t{command}\n" in makefile()
        assert f"\n{command}" in sequence()


def test_every_measurement_of_the_checks_is_a_bench() -> None:
    """What `./dev bench` runs holds the checks, the CI part and turbo, and none of their parts."""
    assert {"checks", "ci_part", "turbo"} <= set(names())
    assert not {"harness", "sample", "__main__"} & set(names())


def test_a_program_that_fails_gives_no_figure() -> None:
    """A command that does not exit 0 is not measured: failing fast is no speed."""
    with pytest.raises(NotMeasured, match="exit 1"):
        program(("/bin/sh", "-c", "exit 1"))()


def test_an_unknown_bench_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped name exits 2 and lists the benches there are."""
    assert main(["no-such-bench"]) == 2
    assert "startup" in capsys.readouterr().out
