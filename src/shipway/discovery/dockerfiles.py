"""Which Dockerfile makes the image, and what it takes: build arguments, outputs of checks."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from shipway.discovery.draft import INSTALL, CheckDraft, ImageDraft
from shipway.discovery.seen import Seen
from shipway.model.lazy import dataclass

_FILE = re.compile(r"(Dockerfile|Containerfile)(\.[\w.-]+)?$|[\w.-]+\.[Dd]ockerfile$")
_ASIDE = re.compile(r"dev|test|local|debug|ci\b|e2e", re.IGNORECASE)
_TESTS = re.compile(r"tests?|integration(-tests?)?|e2e", re.IGNORECASE)
_GIVEN = frozenset({"COMMIT", "TARGETPLATFORM", "TARGETARCH", "TARGETOS", "BUILDPLATFORM"})
_BUILDS = re.compile(r"\b(build|compile|bundle|tsc|esbuild|nest build|next build|webpack|rollup)\b")


@dataclass(frozen=True, slots=True)
class Stage:
    """One `FROM` with what follows it, each instruction on one line, its word in capitals."""

    image: str
    name: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """`arguments` are those before the first `FROM`, with their defaults; empty where none."""

    path: str
    arguments: tuple[tuple[str, str], ...]
    stages: tuple[Stage, ...]

    def stage_of_tests(self) -> str:
        """Return the name of the stage that is made for tests; empty where there is none."""
        return next((s.name for s in self.stages if _TESTS.fullmatch(s.name)), "")

    def values(self, instruction: str) -> tuple[str, ...]:
        """Return what follows an instruction in the final stage."""
        lines = self.stages[-1].lines if self.stages else ()
        return tuple(rest for word, rest in lines if word == instruction)


def dockerfiles(seen: Seen) -> tuple[str, ...]:
    """Return the paths of all Dockerfiles, the likeliest first."""
    found = [p for p in seen.paths if _FILE.fullmatch(PurePosixPath(p).name)]
    return tuple(sorted(found, key=_unlikely))


def _unlikely(path: str) -> tuple[object, ...]:
    """Order Dockerfiles: not for development, plainly named, near the root."""
    name = PurePosixPath(path).name
    return (bool(_ASIDE.search(name)), path.count("/"), len(name), path)


def read(seen: Seen, path: str) -> Dockerfile:
    """Read a Dockerfile as far as it matters here."""
    text = re.sub(r"\\[ \t]*\n", " ", re.sub(r"^\s*#.*\n", "", seen.text(path), flags=re.MULTILINE))
    arguments: list[tuple[str, str]] = []
    stages: list[tuple[str, str, list[tuple[str, str]]]] = []
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        instruction, rest = word.upper(), rest.strip()
        if instruction == "FROM":
            bare = re.sub(r"--\S+\s+", "", rest)
            image, _, name = re.sub(r"\s+[aA][sS]\s+", " ", bare).partition(" ")
            stages.append((image, name.strip(), []))
        elif stages:
            stages[-1][2].append((instruction, rest))
        elif instruction == "ARG":
            name, _, default = rest.partition("=")
            arguments.append((name, default.strip("'\"")))
    made = tuple(Stage(image, name, tuple(lines)) for image, name, lines in stages)
    return Dockerfile(path, tuple(arguments), made)


def imaging(seen: Seen, folder: str, checks: tuple[CheckDraft, ...]) -> ImageDraft:
    """Say how the image is made; `folder` is the service's own, and its Dockerfile comes first."""
    found = dockerfiles(seen)
    own = [p for p in found if folder != "." and p.startswith(f"{folder}/")]
    if not found:
        note = (
            "There is no Dockerfile yet. The checks run without it; `shipway image` and all that"
            " follows need it."
        )
        return ImageDraft(notes=(note,))
    path = (own or found)[0]
    others = [p for p in found if p != path]
    notes = [f"Chosen among several: {', '.join(others[:5])} would be possible too."] * bool(others)
    file = read(seen, path)
    context = _context(seen, file)
    names = _arguments(file)
    secret = [name for name in names if re.search(r"TOKEN|PASSWORD|SECRET|_KEY$", name)]
    if secret:
        notes.append(
            f"{', '.join(secret)} stays readable in the image's history as a build argument: use"
            " `secrets` and `RUN --mount=type=secret`."
        )
    return ImageDraft(
        dockerfile=path,
        context=context,
        build_args=tuple(name for name in names if name not in secret),
        needs=_needs(file, context, checks),
        notes=tuple(notes),
    )


def _context(seen: Seen, file: Dockerfile) -> str:
    """Return the folder whose files it copies: its own only where more of them are there."""
    folder = str(PurePosixPath(file.path).parent)
    sources = [s for _, rest in _copies(file) for s in _sources(rest) if s not in {".", "./"}]
    if folder == "." or not sources:
        return "."

    def fitting(base: str) -> int:
        paths = [str(PurePosixPath(base) / s) for s in sources if "*" not in s and "$" not in s]
        return sum(seen.has(p) or bool(seen.under(p)) for p in paths)

    return folder if fitting(folder) > fitting(".") else "."


def _arguments(file: Dockerfile) -> tuple[str, ...]:
    """Return the build arguments that a caller may want to give: of `FROM`, and without default."""
    inner = [
        rest
        for stage in file.stages
        for word, rest in stage.lines
        if word == "ARG" and "=" not in rest
    ]
    names = [name for name, _ in file.arguments] + inner
    return tuple(n for n in dict.fromkeys(names) if n not in _GIVEN and re.fullmatch(r"\w+", n))


def _needs(file: Dockerfile, context: str, checks: tuple[CheckDraft, ...]) -> tuple[str, ...]:
    """Return the checks whose outputs it copies from the context and does not make itself."""
    copied = {
        str(PurePosixPath(context) / source)
        for _, rest in _copies(file)
        for source in _sources(rest)
    }
    found = [
        c.name
        for c in checks
        for output in c.outputs
        if any(path == output or path.startswith(f"{output}/") for path in copied)
    ]
    whole = context in copied and not _makes(file)
    started = " ".join((*file.values("CMD"), *file.values("ENTRYPOINT")))
    if whole:
        built = [c for c in checks if c.name != INSTALL]
        found += [
            c.name for c in built for o in c.outputs if re.search(rf"\b{re.escape(o)}/", started)
        ]
    return tuple(dict.fromkeys(found))


def _makes(file: Dockerfile) -> bool:
    return any(
        word == "RUN" and _BUILDS.search(rest)
        for stage in file.stages
        for word, rest in stage.lines
    )


def _copies(file: Dockerfile) -> list[tuple[str, str]]:
    """Return what is copied from the context, not from another stage."""
    return [
        (word, rest)
        for stage in file.stages
        for word, rest in stage.lines
        if word in {"COPY", "ADD"} and "--from=" not in rest
    ]


def _sources(rest: str) -> list[str]:
    """Return the sources of a COPY, written as words or as a list."""
    bare = re.sub(r"--\S+\s+", "", rest)
    words = re.findall(r'"([^"]+)"', bare) if bare.startswith("[") else bare.split()
    return [word.removeprefix("./").rstrip("/") or "." for word in words[:-1]]
