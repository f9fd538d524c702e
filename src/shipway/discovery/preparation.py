"""What has to be done before anything can be checked: installing, and generating code."""

from __future__ import annotations

from shipway.discovery.draft import INSTALL, CheckDraft
from shipway.discovery.package_managers import Kind
from shipway.discovery.project import GENERATE, Project

_GENERATING = ("generate", "prisma:generate", "db:generate", "codegen", "gen", "graphql:codegen")


def installing(project: Project) -> tuple[CheckDraft, ...]:
    """Return the check that installs the dependencies; none where there are none."""
    manager, seen = project.manager, project.seen
    everybody = (project.root, *project.packages)
    if not any(package.dependencies for package in everybody):
        return ()
    files = (
        "package.json",
        manager.lock,
        "pnpm-workspace.yaml",
        ".npmrc",
        ".pnpmfile.cjs",
        ".yarnrc",
        ".yarnrc.yml",
        "prisma/schema.prisma",
    )
    inputs = [path for path in files if path and seen.has(path)]
    inputs += [f"{package.folder}/package.json" for package in project.packages]
    inputs += [f"{folder}/**" for folder in ("patches", ".yarn/patches") if seen.under(folder)]
    notes = list(manager.notes)
    if manager.linked:
        notes.append(
            "Yarn's Plug'n'Play keeps packages outside of the checkout, so it is asked every time."
        )
    in_place = bool(manager.lock) and not manager.linked
    return (
        CheckDraft(
            name=INSTALL,
            run=manager.install(),
            needs=(),
            inputs=tuple(inputs) if in_place else (),
            outputs=() if manager.linked else _folders(project),
            cache="in-place" if in_place else "off",
            notes=tuple(notes),
        ),
    )


def _folders(project: Project) -> tuple[str, ...]:
    """Return the folders that are installed into: with pnpm, each package has its own."""
    own = [
        f"{package.folder}/node_modules"
        for package in project.packages
        if project.manager.kind is Kind.PNPM and package.dependencies
    ]
    return ("node_modules", *own)


def generating(project: Project) -> tuple[CheckDraft, ...]:
    """Return the check that generates code, where a script says how, or Prisma is used."""
    name = project.script(*_GENERATING)
    if name is not None:
        whole = project.whole(name)
        run = project.manager.tool(whole) if whole else project.manager.script(name)
    elif project.root.has("prisma"):
        run = project.manager.tool(("prisma", "generate"))
    else:
        return ()
    note = "Not known: what it reads and writes, so it runs every time. Give it inputs and outputs."
    return (CheckDraft(name=GENERATE, run=run, notes=(note,)),)
