"""On which port the service listens, and which of its routes tells that it is well."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shipway.discovery.dockerfiles import Dockerfile
from shipway.discovery.draft import ContainerDraft
from shipway.discovery.seen import Seen, is_code, is_test

PORT, HEALTH = 3000, "/healthz"
_HEALTHY = r"health[-_]?check|healthz?|livez?|liveness|alive|readyz?|readiness|ping|status"
_ROUTE = re.compile(
    rf"""(?:\.(?:get|all|route|use)\(\s*|\burl:\s*|\bpath:\s*|\bpathname\s*===?\s*|\burl\s*===?\s*"""
    rf"""|\bpath\s*===?\s*|\bcase\s+)[`"'](/(?:[\w.-]+/)*(?:{_HEALTHY}))[`"']""",
    re.IGNORECASE,
)
_NEST = re.compile(r"@Controller\(\s*(?:[`\"']/?([\w/-]*)[`\"'])?\s*\)")
_NEST_GET = re.compile(
    rf"@Get\(\s*(?:[`\"']/?((?:[\w-]+/)*(?:{_HEALTHY})?)[`\"'])?\s*\)", re.IGNORECASE
)
_PREFIX = re.compile(r"setGlobalPrefix\(\s*[`\"']/?([\w/-]+)[`\"']")
_NEXT = re.compile(rf"^(?:.*/)?(?:app|pages)/((?:[\w.-]+/)*(?:{_HEALTHY}))(?:/route)?\.[jt]sx?$")
_PORTS = (
    re.compile(r"\bPORT\b[\"'\])]*\s*(?:\?\?|\|\|)\s*[\"'`]?(\d{2,5})\b"),
    re.compile(r"\bPORT\b[^\n]{0,40}?\.default\(\s*[\"'`]?(\d{2,5})\b"),
    re.compile(r"\bPORT\s*=\s*[\"'`]?(\d{2,5})\b"),
    re.compile(r"\.listen\(\s*(\d{2,5})\b"),
    re.compile(r"\.listen\(\s*\{[^}]{0,120}?\bport:\s*(\d{2,5})\b", re.DOTALL),
    re.compile(r"\bport:\s*(\d{4,5})\b"),
    re.compile(r"\bport\s*=\s*(\d{4,5})\b"),
)
_ORDER = ("healthz", "health", "healthcheck", "readyz", "ready", "readiness", "livez", "live")


def serving(seen: Seen, folder: str, dockerfile: Dockerfile | None) -> ContainerDraft:
    """Say what the container listens on and answers; `folder` is the service's own."""
    port, port_notes = _port(seen, folder, dockerfile)
    routes = sorted(_routes(seen, folder), key=_rank)
    if not routes:
        note = (
            f"Not known: no route that tells health was found. The service has to answer 200 at"
            f" {HEALTH}, or name another path."
        )
        return ContainerDraft(port, HEALTH, port_notes, (note,))
    health, path = routes[0]
    where = f"Found in {path}; a prefix that is set elsewhere is not seen."
    others = list(dict.fromkeys(route for route, _ in routes if route != health))
    also = [f"Also there: {', '.join(others[:4])}."] * bool(others)
    return ContainerDraft(port, health, port_notes, (where, *also))


def sources(seen: Seen, folder: str) -> tuple[str, ...]:
    """Return the code of the service that was read, tests left out, nearest to the root first."""
    found = [p for p in seen.under(folder) if p in seen.texts and is_code(p) and not is_test(p)]
    return tuple(sorted(found, key=lambda p: (p.count("/"), p)))


def _port(seen: Seen, folder: str, dockerfile: Dockerfile | None) -> tuple[int, tuple[str, ...]]:
    exposed = _exposed(dockerfile) if dockerfile else None
    coded = next(_coded(seen, folder), None)
    if exposed and coded and exposed != coded[0]:
        note = f"The Dockerfile exposes {exposed}, but {coded[1]} says {coded[0]}: which is it?"
        return exposed, (note,)
    if exposed or coded:
        return exposed or (coded[0] if coded else PORT), ()
    return PORT, (
        f"Not known: the port. Neither a Dockerfile nor the code says it; {PORT} is usual.",
    )


def _exposed(file: Dockerfile) -> int | None:
    for stage in reversed(file.stages):
        for word, rest in stage.lines:
            said = r"(\d+)" if word == "EXPOSE" else r".*\bPORT[= ](\d+)"
            if word in {"EXPOSE", "ENV"} and (found := re.match(said, rest)):
                return int(found[1])
    return None


def _coded(seen: Seen, folder: str) -> Iterator[tuple[int, str]]:
    for pattern in _PORTS:
        for path in sources(seen, folder):
            for found in pattern.finditer(seen.text(path)):
                if 0 < int(found[1]) < 65536:  # noqa: PLR2004 - what a port can be
                    yield int(found[1]), path
    if seen.named(r"next\.config\.\w+", folder):
        yield PORT, "Next"


def _routes(seen: Seen, folder: str) -> Iterator[tuple[str, str]]:
    prefix = "".join(
        f"/{m[1]}" for p in sources(seen, folder) for m in _PREFIX.finditer(seen.text(p))
    )
    for path in sources(seen, folder):
        text = seen.text(path)
        for found in _ROUTE.finditer(text):
            yield found[1], path
        for controller in _NEST.finditer(text):
            for get in _NEST_GET.finditer(text, controller.end()):
                route = "/".join(w for w in (controller[1], get[1]) if w)
                if re.search(rf"(?:^|/)(?:{_HEALTHY})$", route, re.IGNORECASE):
                    yield f"{prefix}/{route}", path
    for path in seen.under(folder):
        if route_file := _NEXT.match(path):
            yield f"/{route_file[1]}", path


def _rank(found: tuple[str, str]) -> tuple[int, int, str]:
    """Order routes: the ones that load balancers are usually given first, then the shortest."""
    word = found[0].rpartition("/")[2].lower().replace("-", "")
    return (_ORDER.index(word) if word in _ORDER else len(_ORDER), len(found[0]), found[0])
