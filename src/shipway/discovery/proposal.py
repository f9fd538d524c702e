"""From a repository, as it was seen, to all that `shipway init` would write about it."""

from __future__ import annotations

import re
from dataclasses import replace

from shipway.discovery import configuration, dockerfiles, integration, linters
from shipway.discovery.backends import backends
from shipway.discovery.compilers import building, typing
from shipway.discovery.configuration import Draft
from shipway.discovery.draft import CheckDraft, Proposal, Remark
from shipway.discovery.manifest import Manifest
from shipway.discovery.preparation import generating, installing
from shipway.discovery.project import Project, project
from shipway.discovery.seen import Seen, is_test
from shipway.discovery.serving import serving
from shipway.discovery.unit_tests import unit_testing
from shipway.discovery.yaml_text import layout

COMPOSE = integration.FILE
_FRAMEWORKS = ("express", "fastify", "@nestjs/core", "koa", "hono", "next", "@hapi/hapi")
_OWNERS = ("CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS")
_ENTRIES = ("server.js", "index.js", "app.js", "main.js", "src/server.js", "src/index.js")


def propose(seen: Seen) -> Proposal:
    """Draft a configuration that loads, and its compose file where the tests need one.

    The remarks are the notes of all keys, in the order of the file.
    """
    found = project(seen)
    service, service_notes = _service_package(found)
    style = layout(seen)
    files = dockerfiles.dockerfiles(seen)
    checks = _checks(found)
    image = dockerfiles.imaging(seen, service.folder, checks)
    dockerfile = dockerfiles.read(seen, image.dockerfile) if files else None
    compose, composed = "", integration.existing(found)
    needed = backends(found)
    if not composed and needed and not seen.has(COMPOSE):
        new = integration.written(found, needed, dockerfile, style)
        compose, composed = (new.text, (new.check,)) if new else ("", ())
    checks = (*checks, *composed)
    owner = _owner(seen)
    draft = Draft(
        service=_name(service.name or seen.name),
        service_notes=service_notes,
        owner=owner or "unknown",
        owner_notes=() if owner else ("Not known: the team that answers for it.",),
        branch=seen.branch if seen.branch and seen.branch != "main" else "",
        container=serving(seen, service.folder, dockerfile),
        checks=checks,
        checks_notes=_missing(found, checks),
        image=image,
    )
    return Proposal(configuration.configuration(draft, style), compose, _remarks(draft))


def _checks(found: Project) -> tuple[CheckDraft, ...]:
    checks = (
        *installing(found),
        *generating(found),
        *linters.linting(found),
        *linters.formatting(found),
        *typing(found),
        *unit_testing(found),
        *building(found),
    )
    if any(check.name not in {"install", "generate"} for check in checks):
        return _apart(found, checks)
    entry = found.seen.first(found.root.main, *_ENTRIES)
    syntax = CheckDraft(name="syntax", run=f"node --check {entry}", inputs=("**/*.js",))
    return (*checks, syntax) if entry and entry.endswith(".js") else checks


def _apart(found: Project, checks: tuple[CheckDraft, ...]) -> tuple[CheckDraft, ...]:
    """Let the build wait for the linter where that would look at what is being built."""
    files = found.seen.named(r".*eslint.*|\.?biome\.jsonc?")
    files += ("package.json",) if "eslintConfig" in found.root.keys else ()
    settings = " ".join(found.seen.text(path) for path in files)
    ignoring = re.search(r"gitignore|useIgnoreFile\"\s*:\s*true", settings, re.IGNORECASE)
    lint = next((c for c in checks if c.name == "lint" and re.search(r" \.( |$)", c.run)), None)
    if lint is None or ignoring:
        return checks

    def seen_by_linter(check: CheckDraft) -> bool:
        tops = [output.partition("/")[0] for output in check.outputs]
        hidden = all(re.search(rf"\b{re.escape(t)}\b", settings) or t[0] == "." for t in tops)
        return check.name == "build" and bool(tops) and not hidden

    note = "The linter would look at what is being built, so the build waits for it."
    return tuple(
        replace(c, needs=(*c.needs, lint.name), notes=(*c.notes, note)) if seen_by_linter(c) else c
        for c in checks
    )


def _service_package(found: Project) -> tuple[Manifest, tuple[str, ...]]:
    """Return the package that is the service: the root, or the likeliest of the workspace."""
    if not found.packages:
        return found.root, ()
    made = {path.rpartition("/")[0] for path in dockerfiles.dockerfiles(found.seen)}
    likely = [p for p in found.packages if p.folder in made]
    likely = likely or [p for p in found.packages if p.has(*_FRAMEWORKS)]
    likely = likely or [p for p in found.packages if "start" in p.scripts]
    if not likely:
        return found.root, ()
    others = ", ".join(p.folder for p in likely[1:4])
    note = (
        f"Chosen among several packages: {others} would be a service too, with a file of its own."
    )
    return likely[0], (note,) if others else ()


def _name(text: str) -> str:
    """Return a name that Shipway allows: lower case, digits and hyphens, from a letter on."""
    bare = re.sub(r"[^a-z0-9]+", "-", text.rpartition("/")[2].lower()).lstrip("-0123456789")
    return bare[:32].strip("-") or "service"


def _owner(seen: Seen) -> str:
    """Return the team that CODEOWNERS names for everything; empty where it names none."""
    path = seen.first(*_OWNERS)
    found = re.search(r"^\*\s+@(?:[\w.-]+/)?([\w.-]+)", seen.text(path or ""), re.MULTILINE)
    return found[1] if found else ""


def _missing(found: Project, checks: tuple[CheckDraft, ...]) -> tuple[str, ...]:
    """Say which checks were looked for and not found."""
    names = {check.name for check in checks}
    notes = []
    if not found.seen.complete:
        notes.append("The repository has more files than were looked at.")
    if not found.seen.has("package.json"):
        return (*notes, "There is no package.json: only Node's tools are known. Add your checks.")
    if "unit" not in names:
        tests = any(is_test(path) for path in found.seen.paths)
        what = "which runner starts the tests" if tests else "how to test this; no tests were found"
        notes.append(f"Not known: {what}.")
    if found.root.has("eslint") and "lint" not in names:
        notes.append("ESLint is installed, but no configuration of it was found.")
    unfit = integration.unfit(found)
    if unfit:
        notes.append(f"Not known: which service of {unfit} runs the tests, so it is no check.")
    elif "integration" not in names and (needed := backends(found)):
        titles = ", ".join(b.title for b in needed)
        notes.append(f"The code uses {titles}, but no tests were found that could meet it.")
    return tuple(notes)


def _remarks(draft: Draft) -> tuple[Remark, ...]:
    said = (
        ("service", draft.service_notes),
        ("owner", draft.owner_notes),
        ("container.port", draft.container.port_notes),
        ("container.health", draft.container.health_notes),
        ("checks", draft.checks_notes),
        *((f"checks.{check.name}", check.notes) for check in draft.checks),
        ("image.dockerfile", draft.image.notes),
        ("environments", configuration.UNKNOWN),
    )
    return tuple(Remark(key, text) for key, notes in said for text in notes)
