"""From a check as it is written to the check that is meant: words split, paths from the root."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import PurePosixPath

from shipway.config.check_schema import CheckPart
from shipway.config.strict_yaml import Document, Path, Problem
from shipway.model.service import CacheUse, Check, CommandCheck, ComposeCheck, Quarantine

_SHELL_WORDS = ("&&", "||", "|", ";", ">", "<", "&")


def check_of(name: str, part: CheckPart) -> Check:
    """Return a check, every path and glob from the root; those of a template stay as written."""
    cwd, run = str(PurePosixPath(part.cwd)), part.run or ""

    def place(path: str) -> str:
        return path if part.per_package else rooted(path, cwd)

    check: Check
    if part.compose is not None:
        file = rooted(part.compose, cwd)
        check = ComposeCheck(name=name, file=file, exit_code_from=part.exit_code_from or "")
    else:
        words = ("sh", "-c", run) if part.shell else tuple(shlex.split(run))
        check = CommandCheck(name=name, command=words, cwd=cwd, shell=part.shell)
    return replace(
        check,
        needs=tuple(part.needs),
        inputs=tuple(place(path) for path in part.inputs),
        outputs=tuple(place(path) for path in part.outputs),
        junit=place(part.junit) if part.junit else None,
        timeout_s=part.timeout,
        silence_s=part.silence,
        env=tuple(sorted(part.env.items())),
        secrets=tuple(sorted(part.secrets.items())),
        mutexes=tuple(part.mutex),
        retries=part.retries,
        cache=CacheUse(part.cache),
        quarantine=tuple(Quarantine(q.test, q.owner, q.reason, q.expires) for q in part.quarantine),
        per_package=part.per_package,
    )


def rooted(path: str, cwd: str) -> str:
    """Return a path or glob relative to the root; `!` before a glob, which excludes, stays."""
    sign = "!" if path.startswith("!") else ""
    bare = path.removeprefix("!")
    if bare.startswith("/"):
        return sign + str(PurePosixPath(bare.lstrip("/")))
    return sign + str(PurePosixPath(cwd) / bare)


def shell_problems(document: Document) -> list[Problem]:
    """Refuse what only a shell would understand, where a command runs without one."""
    problems = []
    checks = document.data.get("checks") if isinstance(document.data, dict) else None
    for name, check in checks.items() if isinstance(checks, dict) else ():
        run = check.get("run") if isinstance(check, dict) else None
        if not isinstance(run, str) or (isinstance(check, dict) and check.get("shell") == "true"):
            continue
        path: Path = ("checks", name, "run")
        try:
            words = shlex.split(run)
        except ValueError as error:
            problems.append(document.problem(path, f"cannot be split into words: {error}"))
            continue
        found = next((word for word in words if word in _SHELL_WORDS), None)
        if found:
            advice = "say `shell: true`, or put it into a script of package.json"
            problems.append(document.problem(path, f"{found!r} needs a shell -> {advice}"))
    return problems
