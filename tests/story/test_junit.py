"""Reports of real test runners: read, recounted and merged, whatever stands in them.

The files in `junit/` were written by the runners themselves, over the same small suite: a test
that passes, one that fails, one skipped, one to do, and one that throws colours and a bell.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.checks import junit
from shipway.checks.junit import read
from shipway.checks.merge import merged

HERE = Path(__file__).parent / "junit"
TAGS = '"strings" & <tags>'


def report(name: str) -> str:
    """Return a report as its runner wrote it."""
    return (HERE / f"{name}.xml").read_bytes().decode()


def document(text: str) -> ET.Element:
    """Return the root of a document that must be well-formed."""
    return ET.fromstring(text)  # noqa: S314 - we wrote it ourselves


def counts(tests: junit.Tests) -> tuple[int, int, int, int]:
    """Return how many tests there are, passed, failed and were skipped."""
    return tests.total, len(tests.passed), len(tests.failed), tests.skipped


@pytest.mark.parametrize(
    ("runner", "expected"),
    [
        ("vitest", (5, 1, 2, 2)),
        ("vitest-broken", (6, 1, 3, 2)),
        ("jest-junit", (5, 2, 2, 1)),
        ("jest-junit-errors", (6, 2, 3, 1)),
        ("mocha-xunit", (6, 1, 3, 2)),
        ("mocha-junit-reporter", (4, 1, 3, 0)),
        ("node-test", (7, 2, 2, 3)),
        ("pytest", (8, 1, 5, 2)),
    ],
)
def test_every_runner_is_recounted_from_its_cases(
    runner: str, expected: tuple[int, int, int, int]
) -> None:
    """The counts of each runner's report are those of its test cases, each test counted once."""
    assert counts(read(report(runner))) == expected


@pytest.mark.parametrize(
    ("runner", "name", "file", "line"),
    [
        ("vitest", f"sum.test.mjs > sum > adds {TAGS}", "sum.test.mjs", 4),
        ("jest-junit", f"sum adds {TAGS}", "/app/j/sum.test.js", 3),
        ("mocha-xunit", f"sum > adds {TAGS}", "m/sum.test.js", 4),
        ("mocha-junit-reporter", f"sum adds {TAGS}", "m/sum.test.js", 4),
        ("node-test", f"sum > adds {TAGS}", "/app/n/sum.test.mjs", 5),
        ("pytest", "test_sum.TestSum > test_adds_strings", "test_sum.py", 9),
    ],
)
def test_a_failure_says_which_test_and_where(runner: str, name: str, file: str, line: int) -> None:
    """A failed test has the name that people know it by, and the line of our own code."""
    found = {f.name: f for f in read(report(runner)).failures}[name]
    assert (found.file, found.line) == (file, line)
    assert "3" in found.message


@pytest.mark.parametrize("runner", ["jest-junit", "node-test"])
def test_characters_that_xml_forbids_do_not_hide_a_report(runner: str) -> None:
    """A report that is no XML, because of a bell in a message, is read all the same."""
    with pytest.raises(ET.ParseError):
        document(report(runner))
    said = {f.name: f.message for f in read(report(runner)).failures}["throws"]
    assert said.endswith("red and a bell")
    assert said.isprintable()


def test_references_to_forbidden_characters_do_not_hide_a_report() -> None:
    """A reference to a character that XML forbids is left out, and one that it allows is kept."""
    text = "<testsuite><testcase name='a&#27;b&#x1b;c&#65;&#99999999;&#1114112;'/></testsuite>"
    with pytest.raises(ValueError, match="not a JUnit file"):
        read(text)  # eight digits are no reference that we know
    assert read(text.replace("&#99999999;", "")).passed == ("abcA",)


def test_a_todo_that_fails_is_no_failure() -> None:
    """A `todo` of node:test that fails counts as skipped: it fails no run either."""
    tests = read(report("node-test"))
    assert not [name for name in tests.failed if "not done" in name]


def test_a_document_type_is_refused_quickly() -> None:
    """Entities that would expand to gigabytes are refused with the document type, unexpanded."""
    laughs = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE t [<!ENTITY l0 "ha">{laughs}]><t>&l12;</t>'
    begun = time.perf_counter()
    with pytest.raises(ValueError, match="declares a document type"):
        read(bomb)
    with pytest.raises(ValueError, match="not a JUnit file"):
        read("<?a?><!-- -->" * 20_000)  # nor may looking for one take long
    assert time.perf_counter() - begun < 5


def test_a_test_about_document_types_is_read() -> None:
    """A failure that quotes a page with a document type is an ordinary failure."""
    page = "<![CDATA[<!DOCTYPE html><p>]]>"
    text = f"<testsuite><testcase name='page'><failure>{page}</failure></testcase></testsuite>"
    assert read(text).failures[0].message == "<!DOCTYPE html><p>"


@pytest.mark.parametrize("text", ["", "not xml", "<testsuite><testcase name='a'/>"])
def test_what_is_no_report_is_refused(text: str) -> None:
    """An empty file, a file of something else and half a report are refused."""
    with pytest.raises(ValueError, match="not a JUnit file"):
        read(text)


def test_deep_nesting_is_read() -> None:
    """A report whose suites nest deeper than Python calls is read."""
    depth = 3_000
    text = "<testsuite>" * depth + "<testcase name='deep'/>" + "</testsuite>" * depth
    assert read(text).passed == ("deep",)


def test_all_reports_become_one_with_right_counts() -> None:
    """The merged document has every case once, and counts that agree with its cases."""
    inputs = {file.stem: report(file.stem) for file in sorted(HERE.glob("*.xml"))}
    root = document(merged(inputs))
    singles = [read(text) for text in inputs.values()]
    assert root.get("tests") == str(sum(t.total for t in singles))
    assert root.get("skipped") == str(sum(t.skipped for t in singles))
    bad = int(root.get("failures", "")) + int(root.get("errors", ""))
    assert bad == sum(len(t.failed) for t in singles)
    for suite in root:
        assert suite.get("tests") == str(len(suite.findall("testcase")))


def test_suites_carry_the_name_of_their_check() -> None:
    """A suite is named `check / suite`, and cases outside of any suite stand under the check."""
    root = document(merged({"unit": report("node-test"), "api": report("pytest")}))
    assert [suite.get("name") for suite in root] == ["unit / sum", "unit", "api / pytest"]


def test_a_report_that_cannot_be_read_is_an_error_in_the_merged_one() -> None:
    """Half a report never vanishes: it stands in the merged document as a test that errored."""
    root = document(merged({"unit": "<testsuite><testcase", "lint": report("vitest")}))
    assert (root.get("tests"), root.get("errors")) == ("6", "1")
    assert root[0].get("name") == "unit"


def test_a_huge_message_is_cut() -> None:
    """A failure that prints megabytes is read, and takes 20,000 characters in the merged one."""
    text = f"<a><testcase name='big'><failure>{'x' * 5_000_000}</failure></testcase></a>"
    assert len(read(text).failures[0].message) == 300
    assert len(merged({"unit": text})) < 21_000


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=200), max_size=3))
def test_any_text_becomes_a_document(reports: dict[str, str]) -> None:
    """Whatever text stands for a report or a name, the merged document is well-formed."""
    root = document(merged(reports))
    assert root.get("errors") == str(len(reports))


@given(st.text(max_size=100))
def test_any_message_survives(message: str) -> None:
    """Whatever a test prints, its failure is counted, in its own report and in the merged one."""
    held = message.replace("]]>", "").replace("\x1b", "").replace("\x9b", "")
    text = f"<a><testcase name='t'><failure><![CDATA[{held}]]></failure></testcase></a>"
    assert read(text).failed == ("t",)
    assert read(merged({"unit": text})).failed == ("t",)


def test_pytest_of_today_is_read(tmp_path: Path) -> None:
    """The report of the pytest that is installed here is read."""
    code = "import pytest\ndef test_a(): pass\ndef test_b(): assert 1 == 2\n"
    (tmp_path / "test_it.py").write_text(code)
    command = (sys.executable, "-m", "pytest", "-q", "--junitxml=out.xml", "-p", "no:randomly")
    subprocess.run(command, cwd=tmp_path, check=False, capture_output=True)
    tests = read((tmp_path / "out.xml").read_text())
    assert counts(tests) == (2, 1, 1, 0)
    assert (tests.failures[0].file, tests.failures[0].line) == ("test_it.py", 3)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on this machine")
def test_node_of_today_is_read(tmp_path: Path) -> None:
    """The report of the node that is installed here is read."""
    code = "const {test} = require('node:test')\ntest('a', () => {})\n"
    (tmp_path / "it.test.js").write_text(code + "test('b', () => { throw new Error('no') })\n")
    command = ("node", "--test", "--test-reporter=junit", "--test-reporter-destination=out.xml")
    subprocess.run((*command, "it.test.js"), cwd=tmp_path, check=False, capture_output=True)
    tests = read((tmp_path / "out.xml").read_text())
    assert (tests.passed, tests.failed) == (("a",), ("b",))
    assert tests.failures[0].line == 3
