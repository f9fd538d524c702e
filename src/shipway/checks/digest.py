"""A failed check in a few lines: what, the first error, which tests, and how to see it again.

It looks at what the program printed, and refuses to judge: the verdict is given.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import PurePosixPath

from shipway.checks.junit import FailedTest, Tests
from shipway.checks.said import cut, plain
from shipway.checks.verdict import Ending, Verdict
from shipway.model.service import Check, CommandCheck, ComposeCheck

LAST_LINES, FAILED_TESTS, LABELS, WIDTH = 15, 10, 10, 160

# How a line begins that says what went wrong, in the words of the tool that writes it.
_ERROR = re.compile(
    r"\S.*(?:\(\d+,\d+\):| -) error TS\d+: "  # tsc, plain and pretty
    r"|\[warn\] \S*\.\w+$|\[error\] "  # prettier
    r"|\s*(?:FAIL|✖|✘|\u00d7)\s|FAILED |not ok \d+"  # vitest, jest, eslint, esbuild, pytest, TAP
    r"|(?:# |E +|Uncaught |\s*)[\w.]*(?:Error|Exception)(?: \[\w+\])?: "  # Node, Python
    r"|npm (?:ERR!|error) (?!A complete log)|\s*ERR_PNPM_\w+|\s*ELIFECYCLE\s"
    r"|#\d+ ERROR: |ERROR: |COPY failed: |failed to (?:solve|compute)|The command '.*' returned a "
    r"|(?:error|ERROR|Error|fatal|panic|FATAL)\b ?(?:\[\w+\])?: "
    r"|[^\s:]+: (?:\d+: |line \d+: )?.*(?:not found|No such file or directory|Permission denied)$"
)
_ESLINT = re.compile(r"\s+(\d+:\d+)\s+error\s+(.*)")
_OWN_PATH = frozenset({"node", "npm", "npx", "pnpm", "yarn", "corepack", "docker", "git"})


def digest(
    check: Check,
    verdict: Verdict,
    tests: Tests,
    last_lines: tuple[str, ...],
    log: str,
    *,
    ending: Ending | None = None,
    error: str = "",
) -> tuple[str, ...]:
    """Return the lines that tell of a failed check, the first of which names it and the reason.

    Args:
        check: what was run.
        verdict: why it failed, and its labels.
        tests: what its report says.
        last_lines: of its output, as they came; the last 15 are shown.
        log: path of its whole output; empty where there is none.
        ending: for the exit status, where a program ran.
        error: the first error of the whole output, where the caller looked (`first_error`); else
            it is looked for in `last_lines`.

    At most 10 tests and labels; every line but the commands is at most 160 characters wide.
    """
    shown = [line for line in map(plain, last_lines) if line][-LAST_LINES:]
    found = error or first_error(last_lines)
    lines = [f"{check.name}: {verdict.reason}{_status(ending, verdict)}"]
    lines += [f"  {label}" for label in _some(verdict.labels, LABELS)]
    lines += [f"  first error: {found}"] if found else []
    lines += [f"  failed test: {told}" for told in _some([_test(t) for t in tests.failures])]
    lines += ["  its last lines:", *(f"    | {line}" for line in shown)] if shown else []
    lines = [cut(line, WIDTH) for line in lines]
    lines += [f"  all of it: {log}"] if log else []
    return (*lines, f"  again: shipway run {check.name}", f"  by hand: {by_hand(check)}")


def first_error(lines: Iterable[str]) -> str:
    """Return the first line that looks like an error of a known tool; empty where none does.

    ESLint names the file in a line of its own: it is put before the error.
    """
    path = ""
    for raw in lines:
        line = plain(raw)
        style = _ESLINT.match(line)
        if style:
            return cut(f"{path}:{style[1]} {style[2]}" if path else line.strip(), WIDTH)
        if _ERROR.match(line):
            return cut(line.strip(), WIDTH)
        if line:
            path = line if _is_path(line) else ""
    return ""


def _is_path(line: str) -> bool:
    return "/" in line and " " not in line and not line.endswith("/")


def by_hand(check: Check) -> str:
    """Return one line for a shell in the root that runs the same, with secrets as `$NAME`."""
    values = [f"{name}={shlex.quote(value)}" for name, value in check.env]
    values += [f'{name}="${name}"' for name, _ in check.secrets]
    match check:
        case CommandCheck(command=command, cwd=cwd):
            words = (*_bins(command[0], cwd), *values, shlex.join(command))
            there = "" if cwd == "." else f"cd {shlex.quote(cwd)} && "
            return there + " ".join(words)
        case ComposeCheck(file=file, exit_code_from=service):
            command = ("docker-compose", "-f", file, "up", "--build", "--exit-code-from", service)
            return " ".join((*values, shlex.join(command)))


def _bins(program: str, cwd: str) -> tuple[str, ...]:
    """Return the search path as the check has it, for programs that may come from there."""
    if program in _OWN_PATH or "/" in program:
        return ()
    up = "/".join(".." for part in PurePosixPath(cwd).parts if part != ".")
    folders = ["$PWD/node_modules/.bin", *([f"$PWD/{up}/node_modules/.bin"] if up else [])]
    return (f'PATH="{":".join(folders)}:$PATH"',)


def _status(ending: Ending | None, verdict: Verdict) -> str:
    told = ending is None or ending.timed_out or ending.silent or ending.status == 0
    worded = "exit status" in verdict.reason or "killed by" in verdict.reason
    return "" if ending is None or told or worded else f" (exit status {ending.status})"


def _test(test: FailedTest) -> str:
    place = f" ({test.file}{f':{test.line}' if test.line else ''})" if test.file else ""
    return f"{test.name}{place}{': ' + test.message if test.message else ''}"


def _some(told: Iterable[str], limit: int = FAILED_TESTS) -> list[str]:
    each = list(told)
    more = [f"and {len(each) - limit} more"] if len(each) > limit else []
    return each[:limit] + more
