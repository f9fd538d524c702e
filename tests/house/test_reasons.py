"""Each exception to a rule says why, and each test says what it promises."""

from __future__ import annotations

import ast
import re

import pytest

from tests.house.tree import ROOT, functions, python_files

# In form: "noqa: S603 - the command is ours", "type: ignore[arg-type]  # boto3 has no type for it"
BARE_NOQA = re.compile(r"#\s*noqa\b(?!:\s*[A-Z]+[0-9]+(?:,\s*[A-Z]+[0-9]+)*\s*[-—:#(]+\s*\w+)")
BARE_IGNORE = re.compile(r"#\s*type:\s*ignore\b(?!\[[a-z-]+(?:,\s*[a-z-]+)*\]\s*#\s*\w+)")
RULE = re.compile(r'"[A-Z]{1,4}[0-9]{3,4}"')
VAGUE = re.compile(r"^(?:Test|Check|Verify|Ensure)s?\s(?:that|if|whether|the)\b|\bshould\b")


def unexplained(text: str) -> list[str]:
    """Lines that silence a linter or the type checker without a reason."""
    return [
        line.strip()
        for line in text.splitlines()
        if BARE_NOQA.search(line) or BARE_IGNORE.search(line)
    ]


@pytest.mark.parametrize(
    ("line", "reasoned"),
    [
        ("x()  # noqa: S603 - the command is ours", True),
        ("x()  # noqa: S603, S607 - the command is ours", True),
        ("x()  # noqa: S603", False),
        ("x()  # noqa", False),
        ("x()  # type: ignore[arg-type]  # boto3 has no type for it", True),
        ("x()  # type: ignore[arg-type]", False),
        ("x()  # type: ignore", False),
    ],
)
def test_a_reason_is_told_from_none(line: str, reasoned: bool) -> None:  # noqa: FBT001 - a table
    """A silencing comment counts as explained when it names its rules and then gives a reason."""
    assert (unexplained(line) == []) is reasoned


def test_every_silenced_rule_has_its_reason() -> None:
    """Each `noqa` and each `type: ignore` names its rule and says why it does not hold there."""
    found = [
        f"{file.relative_to(ROOT)}: {line}"
        for file in python_files("src", "tests", "bench", "examples")
        if file.name != "test_reasons.py"
        for line in unexplained(file.read_text("utf-8"))
    ]
    assert not found, "\n".join(found)


def test_every_rule_left_out_has_its_reason() -> None:
    """Each rule that pyproject.toml leaves out, anywhere, carries a comment on its line."""
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    assert [line for line in lines if RULE.search(line) and "#" not in line] == []


def test_every_test_states_its_promise() -> None:
    """Each test has a docstring, in the present tense: what holds, not what is looked at."""
    silent = [
        f"{file.relative_to(ROOT)}::{function.name}"
        for file in python_files("tests")
        for function in functions(file)
        if function.name.startswith("test_")
        and (not (promise := ast.get_docstring(function) or "") or VAGUE.search(promise))
    ]
    assert silent == []
