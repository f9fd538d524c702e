"""How types are checked and how the service is built, and what a build leaves behind."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from shipway.discovery.draft import CheckDraft
from shipway.discovery.linters import unique
from shipway.discovery.project import Project
from shipway.discovery.seen import Seen, mapping

_TYPES = ("typecheck", "type-check", "types", "check:types", "check-types", "types:check", "tsc")
_BUILD = ("build", "compile", "bundle")
_FOLDER_FLAGS = ("--outDir", "--outdir", "--out-dir", "--dir", "-d")
_FILE_FLAGS = ("--outfile", "-o", "--output")
_TOOLS = {"next": ".next", "nest": "dist", "vite": "dist", "tsup": "dist", "nuxt": ".output"}
_IN_SETTINGS = re.compile(r"""\b(outdir|outDir|outfile|outFile|dir|file)["']?\s*:\s*["']([^"']+)""")
_FIRST_BUILDING_WITHOUT_EMIT = 5.6


def typing(project: Project) -> tuple[CheckDraft, ...]:
    """Return the check of types; none without TypeScript."""
    inputs = unique(*project.code(), *project.nested_settings(), *project.settings())
    if _resolves_json(project.seen):
        inputs = unique(*inputs, "**/*.json")
    named = project.script(*_TYPES)
    whole = project.whole(named) if named else None
    if named and not (whole and "--watch" in whole):
        run = project.manager.tool(whole) if whole else project.manager.script(named)
        return (_types(project, run, inputs, ()),)
    if not project.has("typescript"):
        return ()
    if project.seen.has("tsconfig.json"):
        command, notes = _compiler(project)
        return (_types(project, project.manager.tool(command), inputs, notes),) if command else ()
    shared = project.shared(*_TYPES)
    return (_types(project, project.manager.everywhere(shared), inputs, ()),) if shared else ()


def _types(
    project: Project, run: str, inputs: tuple[str, ...], notes: tuple[str, ...]
) -> CheckDraft:
    return CheckDraft(name="types", run=run, needs=project.prepared(), inputs=inputs, notes=notes)


def _compiler(project: Project) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the call of tsc that only looks, where there is one; empty where the build has to do.

    With project references it is `tsc -b`, to which `--noEmit` can be said since TypeScript 5.6,
    and only where no referenced project refers to another (error TS6310: a project that others
    refer to has to emit). Measured with TypeScript 5.5 and 5.9.
    """
    referenced = _references(project.seen, "tsconfig.json")
    if not referenced:
        return ("tsc", "--noEmit"), ()
    build = project.root.scripts.get("build", "")
    if re.search(r"\btsc (-b|--build)\b", build):
        return (), ()  # the build is this very check
    deeper = any(_references(project.seen, path) for path in referenced)
    version = project.version("typescript") or 0
    if version >= _FIRST_BUILDING_WITHOUT_EMIT and not deeper:
        return ("tsc", "-b", "--noEmit"), ()
    return ("tsc", "-b"), (
        "Between projects tsc has to write declarations: let git ignore them and .tsbuildinfo.",
    )


def _references(seen: Seen, path: str) -> tuple[str, ...]:
    """Return the tsconfig files that one refers to."""
    folder = PurePosixPath(path).parent
    listed = seen.data(path).get("references")
    found = [mapping(item).get("path") for item in listed] if isinstance(listed, list) else []
    paths = [str(folder / str(item)) for item in found if item]
    return tuple(p if p.endswith(".json") else f"{p}/tsconfig.json" for p in paths)


def _resolves_json(seen: Seen) -> bool:
    return "resolveJsonModule" in seen.text("tsconfig.json")


def building(project: Project) -> tuple[CheckDraft, ...]:
    """Return the check that builds; none where no script does."""
    name = project.script(*_BUILD)
    if name is not None:
        whole = project.whole(name)
        run = project.manager.tool(whole) if whole else project.manager.script(name)
        outputs = _outputs(project, project.root.scripts[name])
    elif shared := project.shared(*_BUILD):
        run = project.manager.everywhere(shared)
        outputs = tuple(
            f"{p.folder}/{found}"
            for p in project.packages
            if p.scripts.get(shared)
            for found in _outputs(project, p.scripts[shared], p.folder)
        )
    else:
        return ()
    unknown = "Not known: the folder that it writes, so it runs every time. Name it in `outputs`."
    return (
        CheckDraft(
            name="build",
            run=run,
            needs=project.prepared(),
            # a result without outputs would be restored as nothing
            inputs=unique(*project.everything(), *project.nested_settings()) if outputs else (),
            outputs=outputs,
            cache="" if outputs else "off",
            notes=() if outputs else (unknown,),
        ),
    )


def _outputs(project: Project, script: str, folder: str = ".") -> tuple[str, ...]:
    """Return the folder or file that a build writes, relative to its package; empty if unknown."""
    seen, words = project.seen, script.split()
    for tool, usual in _TOOLS.items():
        if re.search(rf"\b{tool} build\b|^{tool}\b", script) and not _flag(words, _FOLDER_FLAGS):
            return (_set_up(seen, tool, folder) or usual,)
    given = _flag(words, _FOLDER_FLAGS)
    if given:
        return (_clean(given),)
    if file := _flag(words, _FILE_FLAGS):
        return (_clean(file.rpartition("/")[0] or file),)
    if re.search(r"\btsc\b", script):
        return _compiled(seen, folder, _flag(words, ("-p", "--project")) or "tsconfig.json")
    for path in _called_files(script):
        text = seen.text(path if folder == "." else f"{folder}/{path}")
        if found := _IN_SETTINGS.search(text):
            return (_made(found),)
    main = _clean(project.root.main) if folder == "." else ""
    first = main.partition("/")[0]
    return (first,) if "/" in main and not seen.under(first) else ()


def _set_up(seen: Seen, tool: str, folder: str) -> str:
    """Return the folder that a tool's own settings name, where they do."""
    names = seen.named(rf"{tool}\.config\.\w+|tsconfig(\.build)?\.json", folder)
    wanted = r"distDir|outDir" if tool in {"next", "vite", "nest", "tsup"} else r"outDir"
    for path in names:
        if tool == "nest" or not path.endswith(".json"):
            found = re.search(rf"""\b(?:{wanted})["']?\s*:\s*["']([^"']+)""", seen.text(path))
            if found:
                return _clean(found[1])
    return ""


def _compiled(seen: Seen, folder: str, settings: str) -> tuple[str, ...]:
    """Return the `outDir` of a tsconfig, or of the one that it extends."""
    path = settings if folder == "." else f"{folder}/{settings}"
    path = path if path.endswith(".json") else f"{path}/tsconfig.json"
    for _ in range(5):
        data = seen.data(str(PurePosixPath(path)))
        out = mapping(data.get("compilerOptions")).get("outDir")
        if out:
            return (_clean(str(out)),)
        parent = data.get("extends")
        if not isinstance(parent, str) or not parent.startswith("."):
            return ()
        path = str(PurePosixPath(path).parent / (parent if "json" in parent else f"{parent}.json"))
    return ()


def _made(found: re.Match[str]) -> str:
    """Return the folder of what a bundler's settings name; they may name a single file."""
    path = _clean(found[2])
    return path.rpartition("/")[0] or path if "file" in found[1].lower() else path


def _called_files(script: str) -> list[str]:
    """Return the scripts and settings that a command names, and those that bundlers read."""
    usual = ("esbuild.config.js", "esbuild.config.mjs", "rollup.config.js", "rollup.config.mjs")
    named = [_clean(w) for w in script.split() if re.search(r"\.[cm]?[jt]s$", w)]
    return [*named, *(u for u in usual if u.partition(".")[0] in script)]


def _flag(words: list[str], names: tuple[str, ...]) -> str:
    """Return the value of the first of these flags, written `--x y` or `--x=y`."""
    for n, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            following = words[n + 1] if n + 1 < len(words) else ""
            return (value if equals else following).strip("'\"")
    return ""


def _clean(path: str) -> str:
    return str(PurePosixPath(path.strip("'\"")))
