"""Turning pushes into deliveries: one queue per service, one delivery at a time in each.

Which pushes are delivered, and how, is decided by the command it runs; here only a deleted ref is
told apart, because there is nothing to check out.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Final

from shipway.errors import ShipwayError
from shipway.local import runs
from shipway.local.processes import start, wait_until
from shipway.local.register import Entry
from shipway.local.repository import clean_environment
from shipway.local.sweep import LABEL
from shipway.local.workspace import check_out, prune

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipway.local.home import Home
    from shipway.local.processes import Child
    from shipway.local.register import Register
    from shipway.local.runs import Pushed

STOP_GRACE_S: Final = 15.0
_TERMINATED: Final = 143
_BUG: Final = 1


class Deliveries:
    """Runs `command --push "<old> <new> <ref>"` in a checkout of each pushed commit.

    `accept` may be called from any thread; `stop` once.
    """

    def __init__(
        self, place: Home, instance_id: str, command: Sequence[str], register: Register
    ) -> None:
        self._place = place
        self._instance_id = instance_id
        self._command = tuple(command)
        self._register = register
        self._queues: dict[str, queue.Queue[tuple[str, Pushed]]] = {}
        self._running: dict[str, Child | None] = {}  # None while checking out
        self._stopping = False
        self._lock = threading.Lock()

    def accept(self, pushed: Pushed) -> str:
        """Queue the delivery and return the name of its run, at once."""
        with self._lock:
            name = runs.create(self._place, pushed)
            if self._stopping:
                runs.finish(self._place, name, _TERMINATED, "not started: Shipway is going down")
                return name
            waiting = self._queues.get(pushed.service)
            if waiting is None:
                waiting = self._queues[pushed.service] = queue.Queue()
                threading.Thread(target=self._work, args=(waiting,), daemon=True).start()
            waiting.put((name, pushed))
        return name

    def running(self) -> tuple[str, ...]:
        """Return the runs that are being worked on now, oldest first."""
        with self._lock:
            return tuple(sorted(self._running))

    def stop(self) -> None:
        """End what runs (15 s of grace, then a kill) and refuse what waits. Returns when done."""
        with self._lock:
            self._stopping = True
            children = [child for child in self._running.values() if child is not None]
        for child in children:
            child.terminate()
        wait_until(lambda: not self.running(), timeout_s=STOP_GRACE_S)
        for child in children:
            child.stop(0)
        wait_until(lambda: not self.running(), timeout_s=STOP_GRACE_S)
        for name in runs.unfinished(self._place):
            why = "not started: Shipway went down first; `shipway local up`, then push again"
            runs.finish(self._place, name, _TERMINATED, why)

    def _work(self, waiting: queue.Queue[tuple[str, Pushed]]) -> None:
        # This thread outlives each child it starts, as a tethered process needs.
        while True:
            name, pushed = waiting.get()
            with self._lock:
                if self._stopping:
                    return
                self._running[name] = None
            try:
                self._deliver(name, pushed)
            finally:
                with self._lock:
                    del self._running[name]

    def _deliver(self, name: str, pushed: Pushed) -> None:
        try:
            status = self._run(name, pushed)
        except ShipwayError as problem:
            runs.finish(self._place, name, problem.exit_status, problem.message)
        except OSError as problem:  # a full disk, say: this run is lost, the queue goes on
            runs.finish(self._place, name, _BUG, f"the delivery could not be started: {problem}")
        else:
            runs.finish(self._place, name, status)
        prune(self._place, pushed.service)

    def _run(self, name: str, pushed: Pushed) -> int:
        folder = check_out(self._place, pushed, name)
        env = clean_environment() | {
            "SHIPWAY_STATE": str(self._place.state),
            "SHIPWAY_CACHE": str(self._place.cache),
            "SHIPWAY_RUN": name,
            "SHIPWAY_LABEL": f"{LABEL}={self._instance_id}",
            "PYTHONUNBUFFERED": "1",  # the pusher watches the log grow
        }
        with self._lock:
            if self._stopping:
                return _TERMINATED
            child = start(
                [*self._command, "--push", pushed.line],
                log=runs.log(self._place, name),
                env=env,
                cwd=folder,
                group=True,
            )
            self._running[name] = child
            self._register.add(
                Entry(f"delivery {name}", child.identity, group=True, grace_s=STOP_GRACE_S)
            )
        status = child.wait()
        child.stop(0)  # whatever it left in its process group
        self._register.remove(child.identity)
        return _BUG if status is None else status
