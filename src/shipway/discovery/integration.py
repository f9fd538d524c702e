"""The check of integration tests in compose: by a file that exists, or one that is written anew."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import PurePosixPath

from shipway.discovery.backends import Backend, variables
from shipway.discovery.dockerfiles import Dockerfile
from shipway.discovery.draft import CheckDraft
from shipway.discovery.project import Project
from shipway.discovery.reports import Reporting, reporting, with_flags
from shipway.discovery.runners import Tests, integration_tests, unit_tests
from shipway.discovery.seen import mapping
from shipway.discovery.yaml_text import Layout
from shipway.model.lazy import dataclass

FILE = "docker-compose.integration.yml"
REPORT = "reports/integration.xml"
TESTS = "tests"
_COMPOSE = re.compile(r"(docker-)?compose.*\.ya?ml")
_MARKED = re.compile(r"integration|tests?\b|e2e|\bci\b")
_LIKE_TESTS = re.compile(r"(.+[-_])?(tests?|integration|e2e|sut|specs?)([-_](tests?|runner))?")
_NODE_IMAGE = re.compile(r"node:(\d+)")
_NODE = 22


def existing(project: Project) -> tuple[CheckDraft, ...]:
    """Return the check for a compose file that holds tests; none where there is no such."""
    found = [p for p in project.seen.paths if _COMPOSE.fullmatch(PurePosixPath(p).name)]
    marked = [p for p in found if _MARKED.search(PurePosixPath(p).name)]
    for path in marked:
        services = mapping(project.seen.yaml(path).get("services"))
        tests = next((name for name in services if _LIKE_TESTS.fullmatch(name)), None)
        if tests:
            return (_check(path, tests, project.prepared()),)
    return ()


def unfit(project: Project) -> str:
    """Return a compose file that is named for tests, though none of its services looks like any."""
    found = [p for p in project.seen.paths if _COMPOSE.fullmatch(PurePosixPath(p).name)]
    marked = [p for p in found if _MARKED.search(PurePosixPath(p).name)]
    return marked[0] if marked and not existing(project) else ""


def _check(file: str, tests: str, needs: tuple[str, ...]) -> CheckDraft:
    return CheckDraft(name="integration", compose=file, exit_code_from=tests, needs=needs)


@dataclass(frozen=True, slots=True)
class Written:
    """A new compose file, and the check that runs it."""

    text: str
    check: CheckDraft


def written(
    project: Project,
    found: tuple[Backend, ...],
    dockerfile: Dockerfile | None,
    style: Layout,
) -> Written | None:
    """Write the compose file in which the tests meet what the code talks to.

    None where there are no tests that it could run.
    """
    tests = integration_tests(project)
    notes: tuple[str, ...] = ()
    if tests is None:
        tests = unit_tests(project)
        notes = ("No test is marked as an integration test, so all of them run here.",)
    if tests is None:
        return None
    report = reporting(project, tests, REPORT)
    stage = dockerfile.stage_of_tests() if dockerfile else ""
    lines = [
        "# The integration tests and what they need, cut off from the outside. Drafted by",
        "# `shipway init`; each image can be replaced by setting its variable.",
        "services:",
        *_tests(project, found, style, _command(tests, report), dockerfile if stage else None),
    ]
    if report.env:
        lines = _with_env(lines, report.env, style)
    for backend in found:
        lines += ["", *_backend(backend, style)]
    one, two = " " * style.indent, " " * (2 * style.indent)
    lines += ["", "networks:", f"{one}inside:", f"{two}internal: true"]
    check = _check(FILE, TESTS, () if stage else project.prepared())
    junit = REPORT if report.written else ""
    check = replace(check, junit=junit, notes=(*notes, *tests.notes, *report.notes))
    return Written("\n".join(lines) + "\n", check)


def _command(tests: Tests, report: Reporting) -> str:
    """Return the line of shell that runs the tests inside the container, where npm is at hand."""
    if tests.command:
        first, *rest = with_flags(tests, report.flags)
        tool = first if first in {"node", "npm", "npx", "sh"} else f"node_modules/.bin/{first}"
        line = shlex.join((tool, *rest))
    else:
        dashes = ("--",) if report.flags else ()
        line = shlex.join(("npm", "run", tests.script, *dashes, *report.flags))
    return line.replace("$", "$$")  # compose puts variables in for a single one


def _tests(
    project: Project,
    found: tuple[Backend, ...],
    style: Layout,
    command: str,
    staged: Dockerfile | None,
) -> list[str]:
    pad = [" " * (style.indent * n) for n in range(6)]
    lines = [f"{pad[1]}{TESTS}:", *_origin(project, style, staged)]
    lines += style.comment(
        "What the tests write belongs to root: the reports are given to the checkout's owner.", 2
    )
    lines += [
        f"{pad[2]}command:",
        f"{pad[3]}- sh",
        f"{pad[3]}- -c",
        f"{pad[3]}- |",
        *(f"{pad[4]}{line}" for line in _script(command, staged)),
        f"{pad[2]}init: true",
        f"{pad[2]}environment:",
        *_environment(project, found, style),
        f"{pad[2]}volumes:",
        *(f"{pad[3]}- {style.scalar(volume)}" for volume in _volumes(staged)),
        f"{pad[2]}networks: [inside]",
        f"{pad[2]}depends_on:",
    ]
    for backend in found:
        lines += [f"{pad[3]}{backend.name}:", f"{pad[4]}condition: service_healthy"]
    return lines


def _script(command: str, staged: Dockerfile | None) -> tuple[str, ...]:
    """Return what the shell in the container does; `$$` is compose's way to write a `$`."""
    owner = "/checkout/package.json" if staged else "package.json"
    return (
        "mkdir -p reports",
        command,
        "status=$$?",
        f'chown -R "$$(stat -c %u:%g {owner})" reports',
        "exit $$status",
    )


def _origin(project: Project, style: Layout, staged: Dockerfile | None) -> list[str]:
    """Say what the tests run in: a stage of the Dockerfile, or a Node image with the checkout."""
    if staged:
        return _build(staged, style)
    pad = " " * (2 * style.indent)
    return [
        *style.comment("The checkout, with the node_modules of the check `install`.", 2),
        f"{pad}image: ${{TESTS_IMAGE:-node:{_node(project)}-slim}}",
        f"{pad}working_dir: /app",
    ]


def _volumes(staged: Dockerfile | None) -> tuple[str, ...]:
    if staged is None:
        return (".:/app",)
    folders = (rest for s in staged.stages for word, rest in s.lines if word == "WORKDIR")
    home = next((f.rstrip("/") for f in folders if re.fullmatch(r"/[\w./-]+", f)), "/app")
    return (f"./reports:{home}/reports", "./package.json:/checkout/package.json:ro")


def _build(file: Dockerfile, style: Layout) -> list[str]:
    lines = [f"{' ' * (2 * style.indent)}build:", style.entry("context", ".", 3)]
    if file.path != "Dockerfile":
        lines.append(style.entry("dockerfile", file.path, 3))
    lines.append(style.entry("target", file.stage_of_tests(), 3))
    named = [(name, usual) for name, usual in file.arguments if re.fullmatch(r"\w+", name)]
    if named:
        lines.append(f"{' ' * (3 * style.indent)}args:")
        lines += [style.entry(name, f"${{{name}:-{usual}}}", 4) for name, usual in named]
    return lines


def _environment(project: Project, found: tuple[Backend, ...], style: Layout) -> list[str]:
    lines = []
    for backend in found:
        named = variables(project, backend)
        if not named:
            unknown = f"Not known: under which name the code looks for {backend.title}."
            lines += style.comment(unknown, 3)
            named = ((backend.usual, backend.address),)
        lines += [style.entry(name, value, 3) for name, value in named]
    return lines


def _with_env(lines: list[str], env: tuple[tuple[str, str], ...], style: Layout) -> list[str]:
    at = lines.index(f"{' ' * (2 * style.indent)}environment:") + 1
    return [*lines[:at], *(style.entry(name, value, 3) for name, value in env), *lines[at:]]


def _backend(backend: Backend, style: Layout) -> list[str]:
    two, three = " " * (2 * style.indent), " " * (3 * style.indent)
    lines = [
        f"{' ' * style.indent}{backend.name}:",
        f"{two}image: ${{{backend.image_variable}:-{backend.image}}}",
        f"{two}init: true",
        f"{two}networks: [inside]",
    ]
    if backend.env:
        lines += [f"{two}environment:", *(style.entry(k, v, 3) for k, v in backend.env)]
    return [
        *lines,
        f"{two}healthcheck:",
        f"{three}test: {backend.test}",
        f"{three}interval: 1s",
        f"{three}timeout: 5s",
        f"{three}retries: {backend.retries}",
    ]


def _node(project: Project) -> str:
    """Return the major version of Node that the Dockerfiles name, or a usual one."""
    texts = (project.seen.text(p) for p in project.seen.paths if "ockerfile" in p)
    found = next((m[1] for text in texts if (m := _NODE_IMAGE.search(text))), None)
    return found or str(_NODE)
