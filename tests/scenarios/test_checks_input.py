"""What somebody wrote wrong is told before anything runs: all of it at once, and where."""

from __future__ import annotations

from pathlib import Path

from tests.scenarios.checking import CHAIN, Stage


def test_all_that_is_wrong_between_checks_is_told_at_once(tmp_path: Path) -> None:
    """A circle, an unknown need and an output made twice are one exit 2, each with its line."""
    stage = Stage.fresh(
        tmp_path,
        "  a: { run: say a, needs: [b] }\n"
        "  b: { run: say b, needs: [a] }\n"
        "  lint: { run: say lint, outputs: [made] }\n"
        "  unit: { run: say unit, needs: [lnt] }\n"
        "  twice: { run: say twice, outputs: [made] }\n",
    )

    refused = stage.shipway("run")

    assert refused.status == 2
    assert "3 problems" in refused.err
    assert "shipway.yaml:4:" in refused.err
    assert "a -> b -> a" in refused.err
    assert "shipway.yaml:7:" in refused.err
    assert "there is no check 'lnt' -> did you mean 'lint'?" in refused.err
    assert "shipway.yaml:8:" in refused.err
    assert "'made' is already made by 'lint'" in refused.err
    assert stage.ran() == []


def test_an_input_that_matches_nothing_stops_the_run(tmp_path: Path) -> None:
    """The check and the glob are named with exit 2, and no other check has run."""
    stage = Stage.fresh(
        tmp_path,
        "  fine: { run: say fine }\n  unit: { run: say unit, inputs: [src/**, test/**/*.ts] }\n",
    )

    refused = stage.shipway("run")

    assert refused.status == 2
    assert "unit" in refused.err
    assert "'test/**/*.ts' matches no file" in refused.err
    assert stage.ran() == []


def test_inputs_that_hold_half_the_disk_are_warned_of(tmp_path: Path) -> None:
    """A folder of dependencies among the inputs is named, with the glob that leaves it out."""
    stage = Stage.fresh(tmp_path, '  lint: { run: say lint, inputs: ["**"] }\n')
    for number in range(1001):
        stage.write(f"node_modules/some/{number}", "")

    done = stage.shipway("run")

    assert done.status == 0
    assert "1,001 files in 'node_modules'" in done.err
    assert "!**/node_modules/**" in done.err


def test_a_tool_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A check whose program nobody installed is exit 2: nothing was wrong with the code."""
    stage = Stage.fresh(tmp_path, "  lint: { run: no-such-linter src }\n")

    refused = stage.shipway("run")

    assert refused.status == 2
    assert "'no-such-linter'" in refused.err
    assert "install it" in refused.err


def test_another_package_manager_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    """Both versions are told with exit 2, before the wrong one could write a lockfile."""
    stage = Stage.fresh(tmp_path, "  install: { run: pnpm install }\n  other: { run: say other }\n")
    stage.write("package.json", '{ "packageManager": "pnpm@10.34.9" }\n')
    stage.program("pnpm", '#!/bin/sh\necho "9.1.0"\n')

    refused = stage.shipway("run")

    assert refused.status == 2
    assert "9.1.0" in refused.err
    assert "10.34.9" in refused.err
    assert stage.ran() == []


def test_the_pinned_package_manager_is_taken(tmp_path: Path) -> None:
    """The version that package.json pins runs."""
    stage = Stage.fresh(tmp_path, "  install: { run: pnpm install }\n")
    stage.write("package.json", '{ "packageManager": "pnpm@10.34.9" }\n')
    stage.program("pnpm", '#!/bin/sh\necho "10.34.9"\n')

    assert stage.shipway("run").status == 0


def test_a_check_that_nobody_declared_is_answered_with_those_there_are(tmp_path: Path) -> None:
    """A misspelt name is exit 2 and shows the right ones."""
    stage = Stage.fresh(tmp_path, CHAIN)

    refused = stage.shipway("run", "biuld")

    assert refused.status == 2
    assert "biuld" in refused.err
    assert "prepare, build, other" in refused.err
    assert stage.ran() == []


def test_outside_of_git_everything_runs_and_that_is_said(tmp_path: Path) -> None:
    """Without a repository nothing can be cached; the checks run nonetheless."""
    stage = Stage.fresh(tmp_path, CHAIN)
    (stage.folder / ".git").rename(tmp_path / "git")

    for _ in range(2):
        done = stage.shipway("run")
        assert done.status == 0
        assert "nothing is cached" in done.err
        assert stage.ran() == ["build", "other", "prepare"]
