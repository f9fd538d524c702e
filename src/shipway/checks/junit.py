"""JUnit text to counts, recounted from the test cases, because summaries differ by tool."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tests:
    """What a JUnit file says; `failed` holds the names of failed and errored cases."""

    total: int
    skipped: int
    failed: tuple[str, ...]


def read(text: str) -> Tests:
    """Count the cases of a JUnit document.

    Raises:
        ValueError: when it is not XML.

    Source: the shapes that vitest, jest-junit, mocha, node:test and pytest write.
    """
    try:
        root = ET.fromstring(text)  # noqa: S314 - our own check wrote it
    except ET.ParseError as error:
        raise ValueError(f"not a JUnit file: {error}") from error
    cases = list(root.iter("testcase"))
    failed = tuple(
        _name(case)
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    )
    skipped = sum(case.find("skipped") is not None for case in cases)
    return Tests(total=len(cases), skipped=skipped, failed=failed)


def _name(case: ET.Element) -> str:
    return " > ".join(part for part in (case.get("classname"), case.get("name")) if part)
