"""How each test runner is told to write a JUnit report, and where reports may lie."""

from __future__ import annotations

from shipway.discovery import scripts
from shipway.discovery.project import Project
from shipway.discovery.runners import Runner, Tests
from shipway.discovery.seen import Seen
from shipway.model.lazy import dataclass

_IGNORED = ("reports", "test-results", "test-reports", "coverage")
_OWN = "Its own reporter is kept, so there is no JUnit report of single tests."


@dataclass(frozen=True, slots=True)
class Reporting:
    """What makes a runner write a report: flags, variables; `notes` say why there is none."""

    flags: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def written(self) -> bool:
        """Tell whether there will be a report."""
        return bool(self.flags or self.env)


def reporting(project: Project, tests: Tests, report: str) -> Reporting:
    """Return how these tests write `report`.

    Source: the reporters of vitest 3, jest-junit 16, mocha 11 and node 20; jest has none itself,
    and mocha's cannot be joined with another.
    """
    text = " ".join(tests.command) or project.root.scripts.get(tests.script, "")
    if not tests.command and not scripts.takes_arguments(text):
        return Reporting(
            notes=("It writes no report: a shell ends the script, so nothing fits on.",)
        )
    match tests.runner:
        case Runner.VITEST:
            found = ("--reporter=default", "--reporter=junit", f"--outputFile.junit={report}")
            return Reporting(found)
        case Runner.JEST:
            return _jest(project, report)
        case Runner.MOCHA:
            return _mocha(text, report)
        case Runner.NODE:
            return _node(tests, text, report)
        case None:
            return Reporting(notes=("Not known: the test runner, so it writes no report.",))


def _jest(project: Project, report: str) -> Reporting:
    if not project.root.has("jest-junit"):
        return Reporting(notes=("Jest writes no JUnit report itself: jest-junit would.",))
    flags = ("--reporters=default", "--reporters=jest-junit")
    return Reporting(flags, (("JEST_JUNIT_OUTPUT_FILE", report),))


def _mocha(text: str, report: str) -> Reporting:
    if "--reporter" in text or " -R " in text:
        return Reporting(notes=(_OWN,))
    note = "With this reporter mocha says nothing on the terminal; the report has it all."
    return Reporting(
        ("--reporter", "xunit", "--reporter-option", f"output={report}"), notes=(note,)
    )


def _node(tests: Tests, text: str, report: str) -> Reporting:
    if not tests.command:
        return Reporting(notes=("It writes no report: node's flags stand before the files.",))
    if "--test-reporter" in text:
        return Reporting(notes=(_OWN,))
    return Reporting(
        (
            "--test-reporter=spec",
            "--test-reporter-destination=stdout",
            "--test-reporter=junit",
            f"--test-reporter-destination={report}",
        )
    )


def with_flags(tests: Tests, flags: tuple[str, ...]) -> tuple[str, ...]:
    """Add flags to a command: for node they have to stand before the files."""
    if tests.runner is Runner.NODE and "--test" in tests.command:
        at = tests.command.index("--test") + 1
        return (*tests.command[:at], *flags, *tests.command[at:])
    return (*tests.command, *flags)


def reports_folder(seen: Seen) -> tuple[str, tuple[str, ...]]:
    """Return the folder for reports, one that git ignores if there is any, and what to say."""
    ignored = {line.strip().strip("/") for line in seen.text(".gitignore").splitlines()}
    found = next((name for name in _IGNORED if name in ignored or f"{name}/*" in ignored), "")
    if found:
        return found, ()
    return _IGNORED[0], ("Let git ignore reports/: only a clean checkout is delivered.",)
