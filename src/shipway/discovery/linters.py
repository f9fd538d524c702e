"""How a repository is linted and formatted: ESLint, Biome, Prettier, or what its scripts say."""

from __future__ import annotations

import shlex
from dataclasses import replace

from shipway.discovery import scripts
from shipway.discovery.draft import CheckDraft
from shipway.discovery.project import CHANGING, Project, harmless

_LINT = ("lint:check", "lint:ci", "lint", "eslint", "biome", "check")
_FORMAT = ("format:check", "check:format", "format-check", "prettier:check", "prettier", "format")
_FLAT = r"eslint\.config\.[cm]?[jt]s"
_LEGACY = r"\.eslintrc(\.(js|cjs|json|ya?ml))?"
_BIOME = r"\.?biome\.jsonc?"
_PRETTIER = r"\.prettierrc(\..+)?|prettier\.config\.\w+"
_TELLING = ("--check", "-c", "--list-different", "-l")


def linting(project: Project) -> tuple[CheckDraft, ...]:
    """Return the check that lints; none where nothing says how."""
    for tool in ("biome", "eslint"):
        found = project.part(tool, *_LINT)
        if found:
            return (_lint(project, project.manager.tool(harmless(found)), _changed(found)),)
    named = project.script(*_LINT[:3])
    if named:
        return (_by_script(project, named),)
    if project.seen.named(_BIOME) or project.root.has("@biomejs/biome"):
        return (_lint(project, project.manager.tool(("biome", "ci", ".")), ()),)
    if project.root.has("eslint"):
        return _eslint(project)
    shared = project.shared(*_LINT[:3])
    return (_lint(project, project.manager.everywhere(shared), ()),) if shared else ()


def _lint(project: Project, run: str, notes: tuple[str, ...]) -> CheckDraft:
    json = "biome" in run and any(p.endswith(".json") for p in project.seen.paths)
    inputs = (*project.code(), *(("**/*.json",) if json else ()))
    nested = () if json else project.nested_settings()
    rules: tuple[str, ...] = (_LEGACY, r"\.eslintignore", _BIOME)
    rules += (_PRETTIER,) if project.root.has("eslint-plugin-prettier") else ()
    return CheckDraft(
        name="lint",
        run=run,
        inputs=unique(*inputs, *nested, *project.settings(*rules)) if inputs else (),
        notes=notes,
    )


def _by_script(project: Project, name: str) -> CheckDraft:
    text = project.root.scripts[name]
    whole = project.whole(name)
    notes: tuple[str, ...] = ()
    if whole:
        return _lint(project, project.manager.tool(harmless(whole)), _changed(whole))
    if scripts.calls(text, *CHANGING):
        notes = (f"The script `{name}` changes files: give Shipway one that only looks.",)
    return _lint(project, project.manager.script(name), notes)


def _eslint(project: Project) -> tuple[CheckDraft, ...]:
    """Return the check for an ESLint that no script calls; it needs a configuration."""
    version = project.version("eslint")
    if project.seen.named(_FLAT):
        return (_lint(project, project.manager.tool(("eslint", ".")), ()),)
    if project.seen.named(_LEGACY) or "eslintConfig" in project.root.keys:
        typed = [glob.rpartition("*")[2] for glob in project.code() if "ts" in glob]
        extensions = ("--ext", ",".join((".js", *typed))) if typed else ()
        run = project.manager.tool(("eslint", ".", *extensions))
        old = version is not None and version >= 9  # noqa: PLR2004 - the first to need a flat one
        draft = _lint(project, run, ())
        return (replace(draft, env=(("ESLINT_USE_FLAT_CONFIG", "false"),)) if old else draft,)
    return ()


def formatting(project: Project) -> tuple[CheckDraft, ...]:
    """Return the check of the formatting; none without Prettier (Biome's lint does it)."""
    found = project.part("prettier", *_FORMAT)
    if found:
        run = _telling(found)
        return (_format(project, run, _changed(found)),)
    named = project.script(*_FORMAT[:4])
    if named:
        run_script = project.manager.script(named)
        return (CheckDraft(name="format", run=run_script, inputs=("**",)),)
    set_up = project.seen.named(_PRETTIER) or "prettier" in project.root.keys
    if project.root.has("prettier") and set_up:
        note = "No script says which files; these are all that Prettier knows."
        return (_format(project, ("prettier", "--check", "."), (note,)),)
    return ()


def _format(project: Project, run: tuple[str, ...], notes: tuple[str, ...]) -> CheckDraft:
    # Prettier reads nearly every kind of file: whatever changes may be something for it
    return CheckDraft(name="format", run=project.manager.tool(run), inputs=("**",), notes=notes)


def _telling(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return a Prettier command that looks and does not write, at the same files."""
    kept = harmless(command)
    if any(word in _TELLING for word in kept):
        return kept
    return (kept[0], "--check", *kept[1:])


def _changed(command: tuple[str, ...]) -> tuple[str, ...]:
    """Say it where a command of the repository changes files, and ours does not."""
    text = f"`{shlex.join(command)}` changes files; this only looks."
    return (text,) if harmless(command) != command else ()


def unique(*items: str) -> tuple[str, ...]:
    """Return items in their order, each once."""
    return tuple(dict.fromkeys(items))
