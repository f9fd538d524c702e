"""The check of the unit tests."""

from __future__ import annotations

from dataclasses import replace

from shipway.discovery.draft import CheckDraft
from shipway.discovery.linters import unique
from shipway.discovery.project import Project
from shipway.discovery.reports import reporting, reports_folder, with_flags
from shipway.discovery.runners import UNIT, Runner, Tests, integration_folder, unit_tests


def unit_testing(project: Project) -> tuple[CheckDraft, ...]:
    """Return the check of the unit tests; none where there are no tests."""
    draft = CheckDraft(
        name="unit",
        needs=project.prepared(),
        inputs=unique(*project.everything(), *project.nested_settings()),
    )
    if not project.script(*UNIT) and (shared := project.shared(*UNIT)):
        note = "Each package tests itself; their reports are not collected."
        return (replace(draft, run=project.manager.everywhere(shared), notes=(note,)),)
    tests = unit_tests(project)
    if tests is None:
        return ()
    apart = integration_folder(project.seen)
    if apart and tests.script in {"", "test", "test:ci"}:
        tests = _without(tests, apart)
    folder, folder_notes = reports_folder(project.seen)
    report = reporting(project, tests, f"{folder}/unit.xml")
    if tests.command:
        run = project.manager.tool(with_flags(tests, report.flags))
    else:
        run = project.manager.script(tests.script, *report.flags)
    if not report.written:
        return (replace(draft, run=run, notes=(*tests.notes, *report.notes)),)
    notes = (*tests.notes, *report.notes, *folder_notes)
    draft = replace(draft, run=run, junit=f"{folder}/unit.xml", env=report.env, notes=notes)
    if tests.runner is not Runner.NODE or project.seen.under(folder):
        return (draft,)
    # the others make the folder of their report, node ends where it is not there
    return (replace(draft, run=f"mkdir -p {folder} && {run}", through_shell=True),)


def _without(tests: Tests, folder: str) -> Tests:
    """Leave the tests of a folder out, where the runner can."""
    if not tests.command:
        return tests
    match tests.runner:
        case Runner.VITEST:
            more: tuple[str, ...] = ("--exclude", f"{folder}/**")
        case Runner.JEST:
            more = ("--testPathIgnorePatterns", f"/node_modules/|/{folder}/")
        case Runner.MOCHA:
            more = ("--ignore", f"{folder}/**")
        case _:
            note = f"Name the files: node:test cannot leave out those in {folder}/."
            return replace(tests, notes=(note,))
    return replace(tests, command=(*tests.command, *more))
