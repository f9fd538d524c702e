"""Modules and functions stay small enough to be read at once, or say why not."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from tests.house.tree import ROOT, Function, functions, python_files

MODULE_LINES = 300
FUNCTION_LINES = 40  # without the docstring: what the types cannot say may take its room

# What is longer, how long it may be, and why it reads better so.
LONGER_MODULES: dict[str, tuple[int, str]] = {}
LONGER_FUNCTIONS: dict[str, tuple[int, str]] = {  # "path::name"
    "src/shipway/wiring/worlds.py::world": (57, "one line for each port of a run"),
    "src/shipway/testing/builders.py::world": (51, "one line for each port of a run"),
}


def length(function: Function) -> int:
    """Lines of a function from its `def` on, its docstring not counted."""
    end = function.end_lineno or function.lineno
    first = function.body[0]
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno or 0) - first.lineno + 1 if told else 0
    return end - function.lineno + 1 - docstring


@cache
def measured() -> tuple[dict[str, int], dict[str, int]]:
    """Lines of every module and of every function, by path and by path::name."""
    modules: dict[str, int] = {}
    parts: dict[str, int] = {}
    for file in python_files("src", "bench"):
        path = str(Path(file).relative_to(ROOT))
        modules[path] = len(file.read_text(encoding="utf-8").splitlines())
        for function in functions(file):
            name = f"{path}::{function.name}"
            parts[name] = max(length(function), parts.get(name, 0))
    return modules, parts


def test_modules_fit_on_a_few_screens() -> None:
    """No module is longer than 300 lines, except those named here with their reason."""
    modules, _ = measured()
    allowed = {name: limit for name, (limit, _) in LONGER_MODULES.items()}
    assert {m: n for m, n in modules.items() if n > allowed.get(m, MODULE_LINES)} == {}


def test_functions_fit_on_one_screen() -> None:
    """No function is longer than 40 lines, except those named here with their reason."""
    _, parts = measured()
    allowed = {name: limit for name, (limit, _) in LONGER_FUNCTIONS.items()}
    assert {f: n for f, n in parts.items() if n > allowed.get(f, FUNCTION_LINES)} == {}


def test_an_exception_is_still_needed() -> None:
    """What is short again leaves the table of exceptions, and each entry says why it is there."""
    modules, parts = measured()
    for name, (_, reason) in LONGER_MODULES.items():
        assert modules.get(name, 0) > MODULE_LINES, f"{name} needs no exception"
        assert reason
    for name, (_, reason) in LONGER_FUNCTIONS.items():
        assert parts.get(name, 0) > FUNCTION_LINES, f"{name} needs no exception"
        assert reason
