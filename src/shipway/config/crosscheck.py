"""What no single key can tell: names that must exist elsewhere, circles, outputs made twice.

It works on the raw data and forgives what the schema complains about, so that both kinds of
problem are told together.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from difflib import get_close_matches

from shipway.config.strategy import strategy_findings
from shipway.config.strict_yaml import Data, Path

Finding = tuple[Path, str]

REFERENCES = ("env:", "file:", "aws+sm://", "aws+ps://")
"""How a reference to a secret begins: an environment variable, a file, or AWS."""


_HTTP_ONLY = ("status", "method", "headers", "body", "latency", "answers", "retries")
_BOTH = 2


def suggestion(word: str, known: Iterator[str] | list[str]) -> str:
    """Return ` -> did you mean X?` for the closest known word, or nothing."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" -> did you mean {close[0]!r}?" if close else ""


def findings(data: Data) -> list[Finding]:
    """Return every contradiction between parts of the document, in no particular order."""
    root = _map(data)
    checks, groups = _map(root.get("checks")), _map(root.get("groups"))
    return [
        *_one_of(checks, ("checks",), ("run", "compose")),
        *_compose(checks),
        *_needs(checks),
        *_circles(checks),
        *_outputs(checks),
        *_secrets(checks, ("checks",)),
        *_image(_map(root.get("image")), checks),
        *_quarantines(checks),
        *_environments(_map(root.get("environments")), groups),
        *_migrations(root),
        *_strategies(_map(root.get("environments")), on_aws="aws" in root),
    ]


def _one_of(parts: dict[str, Data], path: Path, keys: tuple[str, ...]) -> Iterator[Finding]:
    for name, part in parts.items():
        given = [key for key in keys if key in _map(part)]
        at = (*path, name) if name else path
        if len(given) != 1:
            have = "both" if len(given) == _BOTH else "all" if given else "neither"
            known = f"{', '.join(map(repr, keys[:-1]))} or {keys[-1]!r}"
            yield at, f"needs either {known}, has {have}"
        elif _map(part)[given[0]] is None:
            yield (*at, given[0]), "has no value"


def _compose(checks: dict[str, Data]) -> Iterator[Finding]:
    for name, check in checks.items():
        keys = _map(check)
        if "compose" in keys and "exit_code_from" not in keys:
            yield (
                ("checks", name),
                "a compose check needs 'exit_code_from', the service whose exit code decides",
            )
        for key in ("per_package", "shell"):
            if "compose" in keys and keys.get(key) == "true":
                yield ("checks", name, key), "belongs to 'run', not to 'compose'"
        if "run" in keys and "exit_code_from" in keys:
            yield ("checks", name, "exit_code_from"), "belongs to 'compose', not to 'run'"


def _needs(checks: dict[str, Data]) -> Iterator[Finding]:
    for name, check in checks.items():
        everywhere = _map(check).get("per_package") == "true"
        for n, written in enumerate(_words(_map(check).get("needs"))):
            need = written.removeprefix("^") if everywhere else written
            if need not in checks:
                hint = suggestion(need, list(checks))
                yield ("checks", name, "needs", n), f"there is no check {need!r}{hint}"
            elif need != written and _map(checks[need]).get("per_package") != "true":
                yield (
                    ("checks", name, "needs", n),
                    f"{written!r} is for packages, but {need!r} is not per_package",
                )


def _circles(checks: dict[str, Data]) -> Iterator[Finding]:
    needs = {name: _words(_map(check).get("needs")) for name, check in checks.items()}
    done: set[str] = set()
    for start in needs:
        circle = _circle_from(start, needs, done, ())
        if circle:
            yield ("checks", circle[0], "needs"), f"needs itself: {' -> '.join(circle)}"
            done.update(circle)


def _circle_from(
    name: str, needs: dict[str, list[str]], done: set[str], trail: tuple[str, ...]
) -> tuple[str, ...]:
    if name in trail:
        return (*trail[trail.index(name) :], name)
    if name in done:
        return ()
    for need in needs.get(name, []):
        circle = _circle_from(need, needs, done, (*trail, name))
        if circle:
            return circle
    done.add(name)
    return ()


def _outputs(checks: dict[str, Data]) -> Iterator[Finding]:
    makers: dict[str, str] = {}
    for name, check in checks.items():
        for n, output in enumerate(_words(_map(check).get("outputs"))):
            first = makers.setdefault(output.rstrip("/"), name)
            if first != name:
                yield ("checks", name, "outputs", n), f"{output!r} is already made by {first!r}"


def _secrets(parts: dict[str, Data], path: Path) -> Iterator[Finding]:
    for name, part in parts.items():
        for variable, reference in _map(_map(part).get("secrets")).items():
            if isinstance(reference, str) and not reference.startswith(REFERENCES):
                known = ", ".join(REFERENCES)
                yield (
                    (*path, name, "secrets", variable),
                    f"is not a reference, which begins with one of {known} -> never a value",
                )


def _image(image: dict[str, Data], checks: dict[str, Data]) -> Iterator[Finding]:
    for n, need in enumerate(_words(image.get("needs"))):
        if need not in checks:
            hint = suggestion(need, list(checks))
            yield ("image", "needs", n), f"there is no check {need!r}{hint}"
    for path, message in _secrets({"": {"secrets": image.get("secrets")}}, ("image",)):
        yield tuple(part for part in path if part), message


def _quarantines(checks: dict[str, Data]) -> Iterator[Finding]:
    for name, check in checks.items():
        if _map(check).get("quarantine") and not _map(check).get("junit"):
            message = "needs 'junit': a test is known by its name in a report"
            yield ("checks", name, "quarantine"), message


def _environments(environments: dict[str, Data], groups: dict[str, Data]) -> Iterator[Finding]:
    above: list[str] = []
    for name, environment in environments.items():
        keys, path = _map(environment), ("environments", name)
        yield from _after(keys.get("after"), path, above, list(environments))
        yield from _gate(_map(keys.get("gate")), path, groups)
        probes = keys.get("verify")
        for n, probe in enumerate(probes if isinstance(probes, list) else []):
            yield from _one_of({"": probe}, (*path, "verify", n), ("http", "run", "alarm"))
            yield from _http_only(_map(probe), (*path, "verify", n))
        above.append(name)


def _migrations(root: dict[str, Data]) -> Iterator[Finding]:
    places: list[tuple[Data, Path]] = [(root.get("migrate"), ("migrate",))]
    for name, environment in _map(root.get("environments")).items():
        places.append((_map(environment).get("migrate"), ("environments", name, "migrate")))
    for part, path in places:
        command = _map(part).get("run")
        try:
            shlex.split(command if isinstance(command, str) else "")
        except ValueError as error:
            yield (*path, "run"), f"cannot be split into words: {error}"


def _strategies(environments: dict[str, Data], *, on_aws: bool) -> Iterator[Finding]:
    for name, environment in environments.items():
        keys, path = _map(environment), ("environments", name, "strategy")
        if "strategy" in keys:
            yield from strategy_findings(keys["strategy"], path, on_aws=on_aws)


def _http_only(probe: dict[str, Data], path: Path) -> Iterator[Finding]:
    for key in _HTTP_ONLY if "http" not in probe else ():
        if key in probe:
            yield (*path, key), "belongs to 'http'"
    body = _map(probe.get("body"))
    pattern = body.get("matches")
    try:
        re.compile(pattern if isinstance(pattern, str) else "")
    except re.error as problem:
        yield (*path, "body", "matches"), f"is no regular expression: {problem}"
    for pointer in _map(body.get("equals")):
        if pointer and not pointer.startswith("/"):
            yield (*path, "body", "equals", pointer), "is no JSON pointer, which begins with '/'"


def _after(after: Data, path: Path, above: list[str], known: list[str]) -> Iterator[Finding]:
    if not isinstance(after, str) or after in above:
        return
    if after in known:
        yield (*path, "after"), f"{after!r} must stand above, since a release passes it first"
    else:
        hint = suggestion(after, known)
        yield (*path, "after"), f"there is no environment {after!r}{hint}"


def _gate(gate: dict[str, Data], path: Path, groups: dict[str, Data]) -> Iterator[Finding]:
    wanted = _words(gate.get("groups"))
    for n, group in enumerate(wanted):
        if group not in groups:
            hint = suggestion(group, list(groups))
            yield (*path, "gate", "groups", n), f"there is no group {group!r}{hint}"
    people = {who for group in wanted for who in _words(groups.get(group))}
    approvals = gate.get("approvals", "1")
    if (
        people
        and isinstance(approvals, str)
        and approvals.isdigit()
        and int(approvals) > len(people)
    ):
        message = f"asks for {approvals} approvals, but its groups have {len(people)} people"
        yield (*path, "gate", "approvals"), message


def _map(data: Data) -> dict[str, Data]:
    return data if isinstance(data, dict) else {}


def _words(data: Data) -> list[str]:
    if isinstance(data, str):
        return [data]
    return [word for word in data if isinstance(word, str)] if isinstance(data, list) else []
