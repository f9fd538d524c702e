"""What is kept and said of a project's services when the check did not pass."""

from __future__ import annotations

from collections.abc import Callable

from shipway.adapters.compose.engine import Container, Engine
from shipway.adapters.files import DiskFiles

LOG_BYTES = 4 * 1024 * 1024
"""The most that is kept of what one service said: the end of it."""

TOLD_LINES = 15


def keep_logs(
    engine: Engine, containers: tuple[Container, ...], folder: str, clean: Callable[[bytes], bytes]
) -> None:
    """Write what each service said to `<folder>/<service>.log`; nothing for what never ran.

    Raises:
        DiskIsFull: there is no room.
    """
    ran = [c for c in containers if c.status != "created"]
    for service in dict.fromkeys(c.service for c in ran):
        log = DiskFiles().open_log(f"{folder}/{service}.log")
        try:
            for one in ran:
                if one.service == service:
                    log.write(clean(engine.log(one.id, LOG_BYTES)))
        finally:
            log.close()


def complaints(engine: Engine, containers: tuple[Container, ...], decisive: str) -> list[str]:
    """Return what is wrong with services, each with the last lines of it; may be empty.

    Of the deciding one only what its own output cannot say.
    """
    found = []
    for one in containers:
        wrong = _wrong(one, decides=one.service == decisive)
        if wrong:
            found.append(f"shipway: service {one.service} {wrong}")
        if wrong and one.service != decisive:
            found += [f"  {line}" for line in engine.last_lines(one.id, TOLD_LINES)]
    return found


def _wrong(one: Container, *, decides: bool) -> str:
    if one.out_of_memory:
        return "was killed: out of memory; it said last:"
    if decides:
        return ""
    if one.health == "unhealthy" or (one.health == "starting" and not one.has_ended):
        checked = f" ({one.said.splitlines()[-1]})" if one.said else ""
        return f"is not healthy{checked}; it said last:"
    if one.has_ended and one.exit_code != 0:
        return f"ended with exit status {one.exit_code}; it said last:"
    return ""
