"""JUnit text to tests, recounted from the test cases, because summaries differ by tool.

It knows the shapes that vitest, jest-junit, mocha's xunit, mocha-junit-reporter, node:test and
pytest write. It refuses to believe any count that they write. Merging is in `merge`.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from shipway.checks.said import cut, plain, uncoloured
from shipway.model.lazy import dataclass

MESSAGE_WIDTH = 300
_LOOKED_AT = 20_000  # characters of a failure; some print whole pages
_FILE = r"(?:file://)?[\w./\\@+~-]{1,200}\.(?:[cm]?[jt]sx?|py|vue|svelte)"
_PLACE = re.compile(rf"(?P<file>{_FILE}):(?P<line>\d+)")
_FOREIGN = ("node_modules/", "node:internal", "site-packages/")

# What XML 1.0 forbids, raw or as a reference: node:test and jest-junit write it all the same.
# Named one by one: the complement of what is allowed takes 20 times as long to compile.
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));")
# Atomic, so that no prolog makes it slow. A "<!DOCTYPE" inside a failure's text is no matter.
_DOCTYPE = re.compile(r"\ufeff?(?>\s+|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FailedTest:
    """A test that failed: the first line of why, and where as far as the report tells.

    `file` is as the report writes it, empty where it does not.
    """

    name: str
    message: str
    file: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Tests:
    """What a JUnit file says; `failed` and `passed` hold names, in its order.

    `runner` is "jest", "mocha" or empty: the two whose exit status means something of its own.
    `seconds` is the sum over the cases, which may have run beside each other.
    """

    total: int
    skipped: int
    failed: tuple[str, ...]
    passed: tuple[str, ...] = ()
    failures: tuple[FailedTest, ...] = ()
    seconds: float = 0.0
    runner: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One test: `path` are the suites around it, `problem` is the failure or error, if any."""

    element: ET.Element
    path: tuple[str, ...]
    problem: ET.Element | None
    skipped: bool


def read(text: str) -> Tests:
    """Count the cases of a JUnit document.

    Raises:
        ValueError: when it is not XML, or declares a document type, which could expand entities.

    Source: reports of vitest 3, jest-junit 16, mocha 10 and 11, node 20 and pytest 9, as they are
    kept beside the tests.
    """
    root = parsed(text)
    cases = list(cases_of(root))
    failures = tuple(failure_of(c, c.problem) for c in cases if c.problem is not None)
    skipped = sum(c.skipped for c in cases)
    return Tests(
        total=len(cases),
        skipped=skipped,
        failed=tuple(f.name for f in failures),
        passed=tuple(name_of(c) for c in cases if c.problem is None and not c.skipped),
        failures=failures,
        seconds=round(sum(seconds_of(c.element) for c in cases), 3),
        runner=_RUNNERS.get(root.get("name", ""), ""),
    )


_RUNNERS = {"jest tests": "jest", "Mocha Tests": "mocha"}


def parsed(text: str) -> ET.Element:
    """Return the root of a report, whatever characters stand in it.

    Raises:
        ValueError: as `read`.
    """
    if _DOCTYPE.match(text):
        raise ValueError("not a JUnit file: it declares a document type")
    try:
        clean = _REFERENCE.sub(_legal_reference, legal(uncoloured(text)))
        return ET.fromstring(clean)  # noqa: S314 - it declares no entity, as seen above
    except (ET.ParseError, RecursionError) as error:
        raise ValueError(f"not a JUnit file: {error}") from error


def legal(text: str) -> str:
    """Return a text without the characters that XML 1.0 cannot hold."""
    return _ILLEGAL.sub("", text)


def _legal_reference(found: re.Match[str]) -> str:
    number = int(found[1], 16) if found[1] else int(found[2])
    return found[0] if number <= sys.maxunicode and not _ILLEGAL.match(chr(number)) else ""


def cases_of(root: ET.Element) -> Iterator[Case]:
    """Return the test cases in the order of the document, each once.

    A test that fails and then cannot be torn down stands twice in pytest's reports, and a suite
    that cannot be loaded twice in jest-junit's: once as a failure, once as an error.
    """
    before: tuple[str, str, str] | None = None
    for element, path in _walk(root):
        problem, skipped = _first(element, "failure", "error"), element.find("skipped") is not None
        kind = problem.tag if problem is not None else ""
        this = (element.get("classname", ""), element.get("name", ""), kind)
        twice = before is not None and this[:2] == before[:2] and {kind, before[2]} == _BOTH
        before = this
        if not twice:
            # node:test writes a failing `todo` as both; it fails no run
            yield Case(element, path, None if skipped else problem, skipped)


_BOTH = {"failure", "error"}


def _walk(root: ET.Element) -> Iterator[tuple[ET.Element, tuple[str, ...]]]:
    """Walk with a stack of our own: a report may nest deeper than Python calls."""
    stack: list[tuple[ET.Element, tuple[str, ...]]] = [(root, ())]
    while stack:
        element, path = stack.pop()
        if element.tag == "testcase":
            yield element, path
            continue
        inner = path
        if element.tag == "testsuite" and element.get("name"):
            inner = (*path, element.get("name", ""))
        stack.extend((child, inner) for child in reversed(element))


def _first(element: ET.Element, *tags: str) -> ET.Element | None:
    return next((child for child in element if child.tag in tags), None)


def name_of(case: Case) -> str:
    """Return the name that people know a test by.

    node:test calls every class "test" and names suites around it; jest-junit and
    mocha-junit-reporter repeat the name, or its end, as the class.
    """
    name = plain(case.element.get("name", "")).strip()
    owner = plain(case.element.get("classname", "")).strip()
    if owner == "test" and "file" not in case.element.attrib:
        return " > ".join((*case.path, name)).replace("&quot;", '"')  # node 20 escapes it twice
    return name if not owner or name.endswith(owner) else f"{owner} > {name}"


def failure_of(case: Case, problem: ET.Element) -> FailedTest:
    """Return the failure: its first line, and the first place in our own code that it names."""
    text = (problem.text or "")[:_LOOKED_AT]
    said = (problem.get("message") or "")[:_LOOKED_AT]
    lines = [plain(line).strip() for line in (*said.splitlines(), *text.splitlines())]
    message = next((line for line in lines if line), "")
    if "expect(received)" in message:  # jest's first line leaves out what it compared
        values = [line for line in lines if line.startswith(("Expected: ", "Received: "))]
        message = "; ".join((message.partition(" // ")[0], *values[:2]))
    file, line = _place(text)
    if not file:
        file, number = case.element.get("file", ""), case.element.get("line", "")
        line = int(number) if number.isascii() and number.isdigit() else None
    return FailedTest(name_of(case), cut(message, MESSAGE_WIDTH), plain(file), line)


def _place(text: str) -> tuple[str, int | None]:
    for found in _PLACE.finditer(text):
        if not any(word in found["file"] for word in _FOREIGN):
            return found["file"].removeprefix("file://"), int(found["line"][:9])
    return "", None


def seconds_of(element: ET.Element) -> float:
    """Return how long a case took; 0 where it does not say, or says nonsense."""
    try:
        seconds = float(element.get("time", "0").replace(",", ""))
    except ValueError:
        return 0.0
    return seconds if 0 <= seconds < _NO_TEST_TAKES else 0.0


_NO_TEST_TAKES = 1e6
