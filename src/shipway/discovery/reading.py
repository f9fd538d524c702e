"""Which files of a repository are worth reading, and how much of each."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from shipway.discovery.seen import is_code, is_test

SOURCES, TESTS, SETTINGS = 150, 20, 300
"""How many files of each kind are read at most."""

_SETTINGS_BYTES, _SOURCE_BYTES, _LOCK_BYTES = 262_144, 65_536, 256
_SETTINGS = re.compile(
    r"package\.json|pnpm-workspace\.yaml|\.yarnrc\.yml|[\w.-]*\.config\.\w+|[jt]sconfig[\w.-]*\.json"
    r"|\.\w+rc(\.\w+)?|nest-cli\.json|\.(git|docker)ignore|\.editorconfig|CODEOWNERS|\.nvmrc"
    r"|\.env\.\w+|.*Dockerfile(\.[\w.-]+)?|[\w.-]+\.dockerfile|Containerfile"
    r"|(docker-)?compose.*\.ya?ml|esbuild\.[\w.-]+|build\.[cm]?[jt]s|\w+\.prisma"
)
_LIKELY = re.compile(
    r"(^|[/.-])(main|index|server|app|www|health\w*|status|config|settings|env|environment)\b"
)
_FOREIGN = re.compile(r"(^|/)(node_modules|vendor|third_party|dist|build|fixtures?)/|\.d\.[cm]?ts$")


def worth_reading(paths: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """Return paths and how many bytes of each: settings, then the likeliest sources, some tests."""
    own = [path for path in paths if not _FOREIGN.search(path)]
    settings = [p for p in own if _SETTINGS.fullmatch(PurePosixPath(p).name)]
    code = [p for p in own if is_code(p) and p not in settings]
    sources = sorted((p for p in code if not is_test(p)), key=_unlikely)
    tests = sorted((p for p in code if is_test(p)), key=_unlikely)
    locks = [path for path in paths if path == "yarn.lock"]
    near = sorted(settings, key=lambda p: (p.count("/"), p))
    return (
        *((path, _SETTINGS_BYTES) for path in near[:SETTINGS]),
        *((path, _SOURCE_BYTES) for path in (*sources[:SOURCES], *tests[:TESTS])),
        *((path, _LOCK_BYTES) for path in locks),
    )


def _unlikely(path: str) -> tuple[bool, int, str]:
    """Order sources: those first that may listen, read the environment, or answer for health."""
    return (_LIKELY.search(path) is None, path.count("/"), path)
