"""Ending everything an instance left behind, when its supervisor no longer can.

Used by the reaper at the supervisor's death, and by `up`, `down` and `reset` in case the reaper
died too. Touches only registered processes and Docker objects that carry the instance's label.
"""

from __future__ import annotations

import shutil
import signal
from functools import partial
from typing import TYPE_CHECKING, Final

from shipway.local import instance, register, runs
from shipway.local.processes import is_alive, run, send, wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipway.local.home import Home
    from shipway.local.processes import Identity

LABEL: Final = "dev.shipway.instance"
_KILLED: Final = 137
_DOCKER_TIMEOUT_S: Final = 60.0


def sweep(place: Home) -> None:
    """End the registered processes, then remove the containers and networks. Repeatable.

    Must only run while no supervisor does.
    """
    end_processes(place)
    shutil.rmtree(place.scratch, ignore_errors=True)
    record = instance.read(place)
    if record is not None:
        remove_docker_objects(record.instance)
        if record.pid is not None:
            instance.write(place, record.down("its supervisor was killed"))


def end_processes(place: Home) -> None:
    """Ask all registered processes to end, kill those that did not, and empty the register."""
    entries = register.read(place.processes)
    for entry in entries:
        send(entry.who, signal.SIGTERM, group=entry.group)
    for entry in entries:
        if not wait_until(partial(_is_gone, entry.who), timeout_s=entry.grace_s) or entry.group:
            send(entry.who, signal.SIGKILL, group=entry.group)
    for name in runs.unfinished(place):
        runs.finish(
            place, name, _KILLED, "interrupted: Shipway's supervisor was killed; push again"
        )
    place.processes.unlink(missing_ok=True)


def _is_gone(who: Identity) -> bool:
    return not is_alive(who)


def remove_docker_objects(instance_id: str) -> None:
    """Remove the containers, then the networks, that carry this instance's label.

    Silent when the engine does not answer or is not installed: there is nothing to do then.
    """
    only = f"label={LABEL}={instance_id}"
    _remove(["docker", "ps", "-aq", "--filter", only], ["docker", "rm", "-f", "-v"])
    _remove(["docker", "network", "ls", "-q", "--filter", only], ["docker", "network", "rm"])


def _remove(listing: Sequence[str], removal: Sequence[str]) -> None:
    try:
        found = run(listing, timeout_s=_DOCKER_TIMEOUT_S)
        if found.status == 0 and found.output.split():
            run([*removal, *found.output.split()], timeout_s=_DOCKER_TIMEOUT_S)
    except (FileNotFoundError, TimeoutError):
        return
