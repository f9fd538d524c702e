"""Which tests there are and what starts them: vitest, jest, mocha or node:test."""

from __future__ import annotations

import re
from enum import Enum

from shipway.discovery import scripts
from shipway.discovery.project import Project, harmless
from shipway.discovery.seen import Seen, is_test
from shipway.model.lazy import dataclass

UNIT = ("test:unit", "unit", "test:ci", "test")
_INTEGRATION = ("test:integration", "test:int", "integration", "test:e2e", "e2e")
_FOLDERS = re.compile(r"^((?:[\w.-]+/)*(?:integration|e2e))/")


class Runner(Enum):
    """The test runners that are known, by what starts them."""

    VITEST = "vitest"
    JEST = "jest"
    MOCHA = "mocha"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class Tests:
    """Some tests and how they are started: `command` is empty where only `script` can."""

    runner: Runner | None
    command: tuple[str, ...]
    script: str = ""
    notes: tuple[str, ...] = ()


def unit_tests(project: Project) -> Tests | None:
    """Return the unit tests; None where the root has none."""
    name = project.script(*UNIT)
    return _of_script(project, name) if name else _of_dependencies(project)


def integration_tests(project: Project) -> Tests | None:
    """Return the tests that need other services; None where nothing marks any as such."""
    name = project.script(*_INTEGRATION)
    if name:
        return _of_script(project, name)
    folder = integration_folder(project.seen)
    tests = unit_tests(project)
    if not folder or tests is None or not tests.runner:
        return None
    match tests.runner:
        case Runner.VITEST:
            command: tuple[str, ...] = ("vitest", "run", f"{folder}/")
        case Runner.JEST:
            command = ("jest", f"{folder}/")
        case Runner.MOCHA:
            command = ("mocha", "--recursive", folder)
        case Runner.NODE:
            command = ("node", "--test", f"{folder}/")
    return Tests(tests.runner, command)


def all_tests(project: Project) -> Tests | None:
    """Return all tests that there are; None where there are none."""
    name = project.script("test", *UNIT)
    return _of_script(project, name) if name else _of_dependencies(project)


def integration_folder(seen: Seen) -> str:
    """Return the folder of tests that are named for integration; empty where there is none."""
    found = (m[1] for p in seen.paths if is_test(p) and (m := _FOLDERS.match(p)))
    return next(found, "")


def _of_script(project: Project, name: str) -> Tests:
    text = project.root.scripts[name]
    runner = next((r for r in Runner if scripts.calls(text, r.value)), None)
    if runner is Runner.NODE and "--test" not in text:
        runner = None
    whole = project.whole(name)
    if whole is None and runner:
        # linting and the like, joined with `&&`, is a check of its own
        last = scripts.plain(scripts.parts(text)[-1])
        others = scripts.parts(text)[:-1]
        if last and all(_is_other_check(project, part) for part in others):
            whole = last if f"pre{name}" not in project.root.scripts else None
    command = _once(harmless(whole), runner) if whole else ()
    return Tests(runner, command, name)


def _is_other_check(project: Project, text: str) -> bool:
    known = ("eslint", "prettier", "tsc", "biome")
    script = re.match(r"(?:npm|pnpm|yarn)(?: run)? (lint|format:check|types|typecheck)$", text)
    return text.partition(" ")[0] in known or bool(script and script[1] in project.root.scripts)


def _once(command: tuple[str, ...], runner: Runner | None) -> tuple[str, ...]:
    """Return a command that ends: vitest waits for changes unless told to run."""
    if runner is Runner.VITEST and command[0] == "vitest" and "run" not in command[1:2]:
        rest = command[2:] if command[1:2] == ("watch",) else command[1:]
        return ("vitest", "run", *(w for w in rest if w != "--run"))
    return command


def _of_dependencies(project: Project) -> Tests | None:
    """Return the tests of a runner that no script starts."""
    if not any(is_test(path) for path in project.seen.paths):
        return None
    for runner, command in (
        (Runner.VITEST, ("vitest", "run")),
        (Runner.JEST, ("jest",)),
        (Runner.MOCHA, ("mocha",)),
    ):
        if project.root.has(runner.value):
            return Tests(runner, command)
    sources = (p for p in project.seen.paths if is_test(p))
    if any("node:test" in project.seen.text(path) for path in sources):
        return Tests(Runner.NODE, ("node", "--test"))
    return None
