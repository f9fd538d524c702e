"""Says why a check would run again, or need not: what changed in its key since it last ended."""

from __future__ import annotations

from contextlib import suppress

from shipway.apply.check_run import file_name
from shipway.apply.look import Known, is_meant, look
from shipway.apply.world import World
from shipway.checks.fingerprint import Fingerprint, decode, encode, explain
from shipway.errors import DiskIsFull, WrongUsage
from shipway.model.lazy import dataclass
from shipway.model.service import CacheUse
from shipway.plan.steps import RunChecks


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a check has the key that it has; `key` is empty where it cannot be cached.

    `held` says where a result stands under that key; empty where there is none.
    """

    check: str
    key: str
    held: str
    changes: tuple[str, ...]


def explained(step: RunChecks, world: World) -> tuple[Explanation, ...]:
    """Explain the checks that somebody asked for; nothing runs.

    Raises:
        WrongUsage: there is no such check.
    """
    known = look(step, world)
    names = [c.name for c in known.checks if is_meant(c.name, step.asked)]
    if not names:
        raise WrongUsage(f"there is no check {', '.join(step.asked)}")
    return tuple(_explained(name, known, world) for name in names)


def remember_keys(known: Known, names: frozenset[str], world: World) -> None:
    """Keep the keys of checks that have ended, for the next explanation, where there is room."""
    with suppress(DiskIsFull):
        for name in sorted(names):
            key = known.keys.get(name)
            if key is not None and _stored_key(name, world) != key.key:
                world.files.write(_path(name, world), f"{key.key}\n{encode(key)}")


def _explained(name: str, known: Known, world: World) -> Explanation:
    key = known.keys.get(name)
    if key is None:
        return Explanation(name, "", "", (f"it cannot be cached: {known.unkeyed[name]}",))
    check = next(c for c in known.checks if c.name == name)
    before = _stored(name, world)
    changes = explain(before, key)
    if check.cache is CacheUse.OFF:
        return Explanation(name, key.key, "", (*changes, "its results are not kept: cache: off"))
    if check.cache is CacheUse.IN_PLACE:
        there = world.cache.in_place(key.key, world.root, check.outputs)
        return Explanation(name, key.key, "in place" if there else "", changes)
    kept = world.cache.find(key.key)
    held = "" if kept is None else "the team" if kept.remote else "this machine"
    return Explanation(name, key.key, held, changes)


def _stored(name: str, world: World) -> Fingerprint | None:
    text = world.files.read(_path(name, world))
    return decode(text.partition("\n")[2]) if text else None


def _stored_key(name: str, world: World) -> str:
    text = world.files.read(_path(name, world))
    return text.partition("\n")[0] if text else ""


def _path(name: str, world: World) -> str:
    return f"{world.notes}/{file_name(name)}.key"
