"""The order of checks: what may start now, given what has passed. No processes, no clock."""

from __future__ import annotations

from shipway.model.service import Check, ComposeCheck


def ready(
    checks: tuple[Check, ...], passed: frozenset[str], started: frozenset[str]
) -> tuple[Check, ...]:
    """Return the checks that may start, waiting work (compose) first, then as declared.

    Compose mostly waits for containers, so starting it first overlaps it with work that is bound
    by the CPU.
    """
    free = [c for c in checks if c.name not in started and passed.issuperset(c.needs)]
    return tuple(sorted(free, key=lambda c: not isinstance(c, ComposeCheck)))


def narrowed(checks: tuple[Check, ...], wanted: tuple[str, ...]) -> tuple[Check, ...]:
    """Return the wanted checks and all that they need, in the order of their declaration.

    Raises:
        KeyError: with the name of a wanted check that is not declared.
    """
    by_name = {c.name: c for c in checks}
    keep: set[str] = set()
    todo = list(wanted)
    while todo:
        name = todo.pop()
        if name not in keep:
            todo.extend(by_name[name].needs)
            keep.add(name)
    return tuple(c for c in checks if c.name in keep)
