"""What need not run again does not, what has to run does, and what is kept can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scenarios.checking import CHAIN, SAY, Stage

ALL = ["build", "other", "prepare"]

INSTALL = """\
  install:
    run: say install node_modules/tool
    inputs: [src/first]
    outputs: [node_modules]
    cache: in-place
  lint: { run: say lint, needs: [install], inputs: [src/second] }
  unit: { run: say unit, needs: [install], inputs: [src/third] }
"""


def _ran_once(tmp_path: Path, checks: str = CHAIN) -> Stage:
    """Return a stage on which everything has passed once."""
    stage = Stage.fresh(tmp_path, checks)
    done = stage.shipway("run")
    assert done.status == 0, done
    assert len(stage.ran()) == 3
    return stage


def _input(stage: Stage) -> None:
    stage.write("src/first", "another\n")


def _env(stage: Stage) -> None:
    stage.declare(CHAIN.replace("MODE: fast", "MODE: slow"))


def _command(stage: Stage) -> None:
    stage.declare(CHAIN.replace("say build made/built", "say build made/built again"))


def _tool(stage: Stage) -> None:
    stage.program("say", SAY.replace("1.0.0", "1.10.0"))


CHANGES = [
    pytest.param(_input, ["build", "prepare"], "build", "needs prepare changed", id="input"),
    pytest.param(_env, ["build"], "build", "env MODE changed", id="env"),
    pytest.param(
        _command,
        ["build"],
        "build",
        "command: say build made/built -> say build made/built again",
        id="command",
    ),
    pytest.param(_tool, ALL, "other", "tool say: say 1.0.0 -> say 1.10.0", id="tool"),
]


def test_what_has_passed_is_not_run_again(tmp_path: Path) -> None:
    """A second run with nothing changed takes every result from the cache, and ends green."""
    stage = _ran_once(tmp_path)

    again = stage.shipway("run")

    assert again.status == 0
    assert stage.ran() == []
    assert again.err.count("cached (this machine)") >= 3


def test_a_result_from_the_cache_brings_its_log(tmp_path: Path) -> None:
    """The log file of a restored check holds what the check printed when it ran."""
    stage = _ran_once(tmp_path)

    stage.shipway("run")

    logs = [Path(check.log).read_text(encoding="utf-8") for check in stage.record().checks]
    assert logs == ["prepare was here\n", "build was here\n", "other was here\n"]


@pytest.mark.parametrize(("change", "runs", "check", "words"), CHANGES)
def test_a_change_runs_exactly_what_depends_on_it(
    tmp_path: Path, change: Callable[[Stage], None], runs: list[str], check: str, words: str
) -> None:
    """`--explain` names the part of the key that changed, and the run leaves out all the rest."""
    stage = _ran_once(tmp_path)
    change(stage)

    explained = stage.shipway("run", "--explain", check)
    assert words in explained.out
    assert "no result is kept under this key" in explained.out
    assert stage.ran() == []

    assert stage.shipway("run").status == 0
    assert stage.ran() == runs


def test_a_change_that_is_taken_back_costs_nothing(tmp_path: Path) -> None:
    """Results are kept by content, so the way back finds them all."""
    stage = _ran_once(tmp_path)
    _input(stage)
    stage.shipway("run")
    stage.ran()

    stage.git("checkout", "-q", "--", "src")

    assert stage.shipway("run").status == 0
    assert stage.ran() == []


def test_without_the_cache_everything_runs_and_is_kept(tmp_path: Path) -> None:
    """`--no-cache` takes nothing from the cache; the run after it finds what it kept."""
    stage = Stage.fresh(tmp_path, CHAIN)

    for _ in range(2):
        assert stage.shipway("run", "--no-cache").status == 0
        assert stage.ran() == ALL
    assert stage.shipway("run").status == 0
    assert stage.ran() == []


def test_outputs_that_were_deleted_come_back(tmp_path: Path) -> None:
    """A hit puts the files of the check where they were, byte for byte."""
    stage = _ran_once(tmp_path)
    made = stage.folder / "made" / "built"
    before = made.read_bytes()
    made.unlink()

    assert stage.shipway("run").status == 0

    assert stage.ran() == []
    assert made.read_bytes() == before


def test_a_corrupt_entry_is_not_used_and_said(tmp_path: Path) -> None:
    """With a byte flipped in every file of the cache, all runs again, and a warning tells why."""
    stage = _ran_once(tmp_path)
    entries = [path for path in stage.cache.rglob("*") if path.is_file()]
    for path in entries:
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 0xFF
        path.write_bytes(content)

    again = stage.shipway("run")

    assert len(entries) > 3
    assert again.status == 0, again
    assert stage.ran() == ALL
    assert "is not used: " in again.err


def test_a_corrupt_entry_makes_no_failure_green(tmp_path: Path) -> None:
    """What fails now fails, although an entry says that it passed once, if that is damaged."""
    stage = _ran_once(tmp_path)
    for path in (stage.cache / "steps").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-7])
    # the same version, so that the keys stay what they are
    stage.program("say", '#!/bin/sh\n[ "$1" = --version ] && echo "say 1.0.0" && exit\nexit 9\n')

    again = stage.shipway("run")

    assert again.status == 3
    assert "exit status 9" in again.err


def test_a_failure_is_never_kept(tmp_path: Path) -> None:
    """What failed runs again, with the same key."""
    stage = Stage.fresh(tmp_path, "  unit: { run: sh unit.sh, inputs: [unit.sh] }\n")
    stage.write("unit.sh", "say unit\nexit 3\n")

    for _ in range(2):
        assert stage.shipway("run").status == 3
        assert stage.ran() == ["unit"]


def test_a_quarantined_pass_is_never_kept(tmp_path: Path) -> None:
    """What passed only because somebody holds a test back is looked at anew each time."""
    stage = Stage.fresh(
        tmp_path,
        "  unit:\n"
        "    run: sh unit.sh\n"
        "    inputs: [unit.sh]\n"
        "    junit: made/report.xml\n"
        "    quarantine: [{ test: t, owner: dora, reason: broker, expires: 2099-01-01 }]\n",
    )
    report = "<testsuite><testcase name='t'><failure/></testcase></testsuite>"
    stage.write("unit.sh", f'mkdir -p made\necho "{report}" > made/report.xml\nsay unit\nexit 1\n')

    for _ in range(2):
        assert stage.shipway("run").status == 0
        assert stage.ran() == ["unit"]


CHANGING = """\
  build: { run: sh build.sh, inputs: [src/first], outputs: [made/built] }
  unit: { run: say unit, needs: [build], inputs: [src/second] }
"""
CHANGE_ONCE = """\
say build
[ -e "$STAGE/changed" ] || { touch "$STAGE/changed"; echo 'half of another' > src/first; }
mkdir -p made
cp src/first made/built
"""


def _changed_while_it_ran(tmp_path: Path) -> Stage:
    """Return a stage whose first input was another one while `build` ran, and is back now."""
    stage = Stage.fresh(tmp_path, CHANGING)
    stage.write("build.sh", CHANGE_ONCE)
    done = stage.shipway("run")
    assert done.status == 0
    assert "build: its inputs changed while it ran: not kept" in done.err
    assert "unit: inputs of 'build', which it needs, changed" in done.err
    assert stage.ran() == ["build", "unit"]
    stage.git("checkout", "-q", "--", "src")
    return stage


def test_what_changed_while_it_ran_is_not_kept(tmp_path: Path) -> None:
    """A result of mixed inputs is kept under no key, and neither is what was made from it."""
    stage = _changed_while_it_ran(tmp_path)

    assert stage.shipway("run").status == 0

    assert stage.ran() == ["build", "unit"]


def test_what_changed_while_it_ran_is_not_resumed_either(tmp_path: Path) -> None:
    """A pass over mixed inputs proves nothing to the run that resumes."""
    stage = _changed_while_it_ran(tmp_path)
    name = stage.record().run

    assert stage.shipway("resume", name).status == 0

    assert stage.ran() == ["build", "unit"]


def test_an_install_is_left_out_where_all_that_needs_it_is_cached(tmp_path: Path) -> None:
    """A fresh clone with the same cache installs nothing when no check is going to run."""
    clone = _ran_once(tmp_path, INSTALL).elsewhere("clone")

    done = clone.shipway("run")

    assert done.status == 0
    assert clone.ran() == []
    assert "cached (not needed)" in done.err
    assert not (clone.folder / "node_modules").exists()


def test_an_install_runs_where_one_check_needs_it(tmp_path: Path) -> None:
    """In a fresh clone in which one check has to run, what it needs runs before it."""
    clone = _ran_once(tmp_path, INSTALL).elsewhere("clone")
    clone.write("src/third", "another\n")

    assert clone.shipway("run").status == 0

    assert clone.ran() == ["install", "unit"]


def test_an_install_that_is_asked_for_runs(tmp_path: Path) -> None:
    """Whoever names it gets it, whatever is cached."""
    clone = _ran_once(tmp_path, INSTALL).elsewhere("clone")

    assert clone.shipway("run", "install").status == 0

    assert clone.ran() == ["install"]
    assert (clone.folder / "node_modules" / "tool").exists()


def test_as_in_ci_nothing_is_trusted_where_it_stands(tmp_path: Path) -> None:
    """With `--as-ci` results have keys of their own, and an install is not trusted in place."""
    stage = _ran_once(tmp_path, INSTALL)

    assert stage.shipway("run", "--as-ci").status == 0
    assert stage.ran() == ["install", "lint", "unit"]

    stage.write("src/second", "another\n")
    assert stage.shipway("run", "--as-ci").status == 0
    assert stage.ran() == ["install", "lint"]


def test_an_install_somebody_tampered_with_runs_again(tmp_path: Path) -> None:
    """What is trusted in place is trusted only as it was left."""
    stage = _ran_once(tmp_path, INSTALL)
    (stage.folder / "node_modules" / "tool").unlink()
    stage.write("src/second", "another\n")

    assert stage.shipway("run").status == 0

    assert stage.ran() == ["install", "lint"]


def test_a_cache_that_cannot_be_written_fails_nothing(tmp_path: Path) -> None:
    """A cache folder that is no folder costs the cache, which is said, and no check."""
    stage = Stage.fresh(tmp_path, CHAIN)
    stage.cache.write_text("not a folder", encoding="utf-8")

    done = stage.shipway("run")

    assert done.status == 0, done
    assert stage.ran() == ALL
    assert "results are not kept" in done.err
