"""A failed check in a few lines, from what the real tools print."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shipway.checks import junit
from shipway.checks.digest import by_hand, digest, first_error
from shipway.checks.verdict import Ending, Verdict
from shipway.model.outcome import Outcome
from shipway.model.service import CommandCheck, ComposeCheck

NONE = junit.Tests(total=0, skipped=0, failed=())
LINT = CommandCheck(name="lint", command=("eslint", "."))
FAILED = Verdict(Outcome.FAILED, "exit status 1")

ESLINT = """
/app/src/ok.ts
  1:1  warning  Unexpected console statement  no-console

/app/src/bad.ts
  2:7  error  'unused' is assigned a value but never used  no-unused-vars

✖ 2 problems (1 error, 1 warning)
"""
PRETTIER = """Checking formatting...
[warn] src/app.ts
[warn] Code style issues found in the above file. Run Prettier with --write to fix.
"""
TSC = "src/bad.ts(1,14): error TS2322: Type 'string' is not assignable to type 'number'.\n"
PRETTY = (
    "\x1b[96msrc/bad.ts\x1b[0m:\x1b[93m1\x1b[0m:\x1b[93m14\x1b[0m - \x1b[91merror\x1b[0m\x1b[90m"
    " TS2322: \x1b[0mType 'string' is not assignable to type 'number'.\n"
)
VITEST = """ ✓ |unit| test/unit/messages.test.ts (11 tests) 1690ms
   ✓ throws Error: on nonsense  637ms
 FAIL  |unit| test/unit/backends.test.ts > reconnects
AssertionError: expected 1 to be 2
"""
JEST = "PASS j/ok.test.js\nFAIL j/sum.test.js\n  ● sum \u203a adds\n"
NODE = "TAP version 13\n# ReferenceError: require is not defined in ES module scope\nnot ok 1 - x\n"
PYTEST = ">       assert 1 == 2\nE       AssertionError: no\nFAILED test_it.py::test_b\n"
LEGACY = "Step 2/2 : COPY nothere /x\nCOPY failed: file not found in build context\n"
BUILDKIT = '#4 [1/1] COPY nothere /x\n#4 ERROR: "/nothere" not found: not found\n------\n'
NPM = "npm error code ELIFECYCLE\nnpm error A complete log of this run can be found in: x\n"


@pytest.mark.parametrize(
    ("output", "error"),
    [
        (ESLINT, "/app/src/bad.ts:2:7 'unused' is assigned a value but never used  no-unused-vars"),
        (PRETTIER, "[warn] src/app.ts"),
        (TSC, TSC.strip()),
        (
            PRETTY,
            "src/bad.ts:1:14 - error TS2322: Type 'string' is not assignable to type 'number'.",
        ),
        (VITEST, "FAIL  |unit| test/unit/backends.test.ts > reconnects"),
        (JEST, "FAIL j/sum.test.js"),
        (NODE, "# ReferenceError: require is not defined in ES module scope"),
        (PYTEST, "E       AssertionError: no"),
        (LEGACY, "COPY failed: file not found in build context"),
        (BUILDKIT, '#4 ERROR: "/nothere" not found: not found'),
        (NPM, "npm error code ELIFECYCLE"),
        (
            '✘ [ERROR] Could not resolve "nope.js"\n\n1 error\n',
            '✘ [ERROR] Could not resolve "nope.js"',
        ),
        ("> b\nsh: 1: eslint: not found\n", "sh: 1: eslint: not found"),
        ("TypeError [ERR_X]: no\n", "TypeError [ERR_X]: no"),
    ],
)
def test_the_first_error_is_found_in_what_tools_print(output: str, error: str) -> None:
    """The first error is the first line in which a tool says what is wrong, not a later one."""
    assert first_error(output.splitlines()) == error


@pytest.mark.parametrize(
    "output", ["", "all is well\n0 errors\n", " ✓ throws Error: on nonsense\nok 1 - Error: x\n"]
)
def test_what_is_no_error_is_not_shown_as_one(output: str) -> None:
    """Lines that pass, or only speak of errors, are no first error."""
    assert first_error(output.splitlines()) == ""


def test_a_digest_says_all_that_is_needed() -> None:
    """A digest has the reason, the first error, the tests, the last lines, the log and two ways."""
    failures = (junit.FailedTest("queue > reconnects", "expected 1 to be 2", "queue.test.ts", 7),)
    tests = junit.Tests(total=3, skipped=0, failed=("queue > reconnects",), failures=failures)
    verdict = Verdict(Outcome.FAILED, "1 of 3 tests failed", ("flaky: queue > reconnects",))
    unit = CommandCheck(name="unit", command=("vitest", "run"))
    told = digest(
        unit, verdict, tests, tuple(VITEST.splitlines()), "runs/1/unit.log", ending=Ending(1)
    )
    assert told == (
        "unit: 1 of 3 tests failed (exit status 1)",
        "  flaky: queue > reconnects",
        "  first error: FAIL  |unit| test/unit/backends.test.ts > reconnects",
        "  failed test: queue > reconnects (queue.test.ts:7): expected 1 to be 2",
        "  its last lines:",
        *(f"    | {line}" for line in VITEST.splitlines()),
        "  all of it: runs/1/unit.log",
        "  again: shipway run unit",
        '  by hand: PATH="$PWD/node_modules/.bin:$PATH" vitest run',
    )


def test_an_error_of_the_whole_output_stands_before_one_of_its_end() -> None:
    """The first error that was found in the whole log is shown, whatever the last lines say."""
    told = digest(LINT, FAILED, NONE, ("Error: late",), "", error="Error: early")
    assert "  first error: Error: early" in told


def test_a_digest_is_bounded() -> None:
    """A hundred failing tests and endless lines make at most 43 lines of 160 characters."""
    failures = tuple(junit.FailedTest(f"t{n}", "m" * 300) for n in range(100))
    tests = junit.Tests(100, 0, tuple(f.name for f in failures), failures=failures)
    verdict = Verdict(Outcome.FAILED, "r" * 999, tuple(f"flaky: t{n}" for n in range(100)))
    told = digest(LINT, verdict, tests, ("y" * 99_999,) * 100, "lint.log")
    assert len(told) <= 43
    assert max(map(len, told)) <= 160
    assert "  failed test: and 90 more" in told


def test_escapes_never_reach_the_digest() -> None:
    """Colours, titles, links, progress bars and bells of the output are not in the digest."""
    output = (
        "\x1b[31mred\x1b[0m",
        "\x1b]0;title\x07kept",
        "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
        " 10 %\r 50 %\r100 %",
        "bell\x07\x9b31m",
        "a\tb",
    )
    told = digest(LINT, FAILED, NONE, output, "")
    shown = [line.removeprefix("    | ") for line in told if line.startswith("    | ")]
    assert shown == ["red", "kept", "link", "100 %", "bell", "a   b"]


def test_by_hand_has_the_environment_and_names_secrets_only() -> None:
    """The line to copy has folder and variables, and of a secret the name of its variable."""
    check = CommandCheck(
        name="lint",
        command=("eslint", "."),
        cwd="packages/api",
        env=(("TZ", "UTC"), ("WORDS", "a b")),
        secrets=(("TOKEN", "aws+sm://lint/token"),),
    )
    assert by_hand(check) == (
        'cd packages/api && PATH="$PWD/node_modules/.bin:$PWD/../../node_modules/.bin:$PATH" '
        "TZ=UTC WORDS='a b' TOKEN=\"$TOKEN\" eslint ."
    )


@pytest.mark.parametrize("command", [("npm", "test"), ("./lint", "it's")])
def test_what_needs_no_search_path_gets_none(command: tuple[str, ...]) -> None:
    """Package managers, and programs with a path, stand in the line as they are."""
    line = by_hand(CommandCheck(name="lint", command=command))
    assert line in {"npm test", "./lint 'it'\"'\"'s'"}


def test_by_hand_of_compose_is_compose() -> None:
    """A compose check is run again with compose itself."""
    check = ComposeCheck(name="it", file="it.yml", exit_code_from="tests", env=(("A", "1"),))
    assert by_hand(check) == "A=1 docker-compose -f it.yml up --build --exit-code-from tests"


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_by_hand_runs_the_same(tmp_path: Path, shell: str) -> None:
    """The line, pasted into a shell in the root, runs the package's tool with its variables."""
    for folder, says in (("node_modules/.bin", "root"), ("packages/api/node_modules/.bin", "api")):
        tool = tmp_path / folder / "lint-it"
        tool.parent.mkdir(parents=True)
        tool.write_text(f'#!/bin/sh\necho {says} "$WORDS" "$TOKEN" "$1" "${{PWD##*/}}"; exit 3\n')
        tool.chmod(0o755)
    check = CommandCheck(
        name="lint",
        command=("lint-it", "it's"),
        cwd="packages/api",
        env=(("WORDS", "a  b"),),
        secrets=(("TOKEN", "env:TOKEN"),),
    )
    found = subprocess.run(
        (shell, "-c", by_hand(check)),
        cwd=tmp_path,
        env={"PATH": f"/usr/bin:/bin:{Path(sys.executable).parent}", "TOKEN": "s3cret"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout) == (3, "api a  b s3cret it's api\n")
