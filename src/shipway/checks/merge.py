"""The reports of all checks as one JUnit document, with counts that are right.

It is well-formed whatever went in, and never says less than its inputs: a report that cannot be
read becomes a test that errored.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping

from shipway.checks.junit import Case, cases_of, legal, parsed, seconds_of
from shipway.checks.said import cut

MESSAGE, TEXT, NAME = 1_000, 20_000, 500


def merged(reports: Mapping[str, str]) -> str:
    """Return one document of all reports, which are given by the name of their check.

    Suites are named `check / suite`, in the order of the reports; messages longer than 1,000
    characters and texts longer than 20,000 are cut.
    """
    root = ET.Element("testsuites", name="shipway")
    for check, text in reports.items():
        try:
            cases = list(cases_of(parsed(text)))
        except ValueError as problem:
            _unreadable(root, check, str(problem))
            continue
        suites: dict[str, list[Case]] = {}
        for case in cases:
            suites.setdefault(" / ".join((check, *case.path)), []).append(case)
        for name, members in suites.items():
            _suite(root, name, members)
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in root):.3f}")
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _suite(root: ET.Element, name: str, cases: list[Case]) -> None:
    tags = [c.problem.tag for c in cases if c.problem is not None]
    suite = ET.SubElement(
        root,
        "testsuite",
        name=_fit(name, NAME),
        tests=str(len(cases)),
        failures=str(tags.count("failure")),
        errors=str(tags.count("error")),
        skipped=str(sum(c.skipped for c in cases)),
        time=f"{sum(seconds_of(c.element) for c in cases):.3f}",
    )
    for case in cases:
        _case(suite, case)


def _case(suite: ET.Element, case: Case) -> None:
    told = {"classname": "", "name": "", "file": None, "line": None}
    found = {key: case.element.get(key, default) for key, default in told.items()}
    written = ET.SubElement(
        suite,
        "testcase",
        {key: _fit(value, NAME) for key, value in found.items() if value is not None},
        time=f"{seconds_of(case.element):.3f}",
    )
    mark = case.element.find("skipped") if case.skipped else case.problem
    if mark is None:
        return
    why = ET.SubElement(written, mark.tag)
    for key in ("message", "type"):
        if mark.get(key):
            why.set(key, _fit(mark.get(key, ""), MESSAGE))
    why.text = _fit(mark.text or "", TEXT) or None


def _unreadable(root: ET.Element, check: str, problem: str) -> None:
    suite = ET.SubElement(
        root, "testsuite", name=_fit(check, NAME), tests="1", failures="0", errors="1", skipped="0"
    )
    suite.set("time", "0.000")
    case = ET.SubElement(suite, "testcase", classname=_fit(check, NAME), name="its report")
    ET.SubElement(case, "error", message=_fit(problem, MESSAGE))


def _fit(text: str, width: int) -> str:
    return cut(legal(text), width)
