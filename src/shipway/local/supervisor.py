"""The one background process of an instance: starts its parts, keeps them, ends them.

It does not know why anybody wants them; `verbs` starts it and reads what it reports.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from shipway.errors import LeaseIsHeld, OutsideDidNotAnswer
from shipway.local import instance, ministack, runs
from shipway.local.control import Control, Pulse
from shipway.local.deliveries import Deliveries
from shipway.local.locks import take
from shipway.local.ports import free_port
from shipway.local.processes import start_watcher
from shipway.local.reaper import FAREWELL
from shipway.local.register import Entry, Register
from shipway.local.sweep import remove_docker_objects

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shipway.local.home import Home
    from shipway.local.instance import Instance, Ports
    from shipway.local.processes import Child
    from shipway.local.runs import Pushed

_LOCK_TIMEOUT_S: Final = 2.0  # a passer-by may hold it for an instant, to see whether it is held
_REAPER_GRACE_S: Final = 10.0
_ATTEMPTS: Final = 3
_LONGEST_SCRATCH: Final = 55


class Plane(Protocol):
    """The ECS control plane, as far as the supervisor cares."""

    @property
    def port(self) -> int:
        """The loopback port on which it answers."""

    def stop(self) -> None:
        """End its tasks and its data plane, keeping its state on disk."""


class StartPlane(Protocol):
    """Starts the control plane of an instance."""

    def __call__(self, place: Home, record: Instance) -> Plane:
        """Start it, on the port that the record remembers when that is free.

        Ministack answers already, at the record's address. Called in a thread that lives as long
        as the process.
        """


@dataclass(frozen=True, slots=True)
class Parts:
    """What the supervisor runs; a test, or a later edition, brings others."""

    python: Path  # the interpreter that can run ministack
    load_plane: Callable[[], StartPlane]  # slow at first: it imports botocore
    deliver: tuple[str, ...]  # the command that delivers a push, without its options


class Supervisor:
    """Runs one instance, from `run`'s begin to its end. Used once, in the main thread."""

    def __init__(self, place: Home, parts: Parts, report: Callable[[str], None]) -> None:
        self._place = place
        self._parts = parts
        self._report = report
        self._register = Register(place.processes)
        self._ended = threading.Event()
        self._because = ""
        self._aws_port = 0
        self._deliveries: Deliveries | None = None

    def run(self, ready: Callable[[], None]) -> None:
        """Start all parts, call `ready`, and return after a signal or the death of a part.

        Whatever was started is ended again, in reverse order, also when starting fails.

        Raises:
            LeaseIsHeld: another supervisor runs this instance.
            OutsideDidNotAnswer: a part did not start.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ended.set())
        lock = take(self._place.lock("supervisor"), timeout_s=_LOCK_TIMEOUT_S)
        if lock is None:
            raise LeaseIsHeld("this instance is already running", hint="shipway local status")
        with ExitStack() as undo:
            undo.callback(lock.release)
            lock.write(f"{os.getpid()}\n")
            self._run(undo, ready)

    def _run(self, undo: ExitStack, ready: Callable[[], None]) -> None:
        record = instance.read_or_new(self._place)
        instance.write(self._place, record.down())
        for name in runs.unfinished(self._place):
            runs.finish(self._place, name, 137, "interrupted: Shipway was killed; push again")
        self._use_scratch()
        undo.callback(self._start_reaper())
        undo.callback(remove_docker_objects, record.instance)

        wanted = record.ports()
        ports = replace(wanted, aws=self._start_ministack(undo, wanted.aws))
        start_plane = self._parts.load_plane()
        plane = start_plane(self._place, record.running(os.getpid(), ports))
        undo.callback(plane.stop)
        self._deliveries = Deliveries(
            self._place, record.instance, self._parts.deliver, self._register
        )
        undo.callback(self._deliveries.stop)
        control = self._listen(wanted.control)
        control.start()
        undo.callback(control.stop)

        ports = replace(ports, ecs=plane.port, control=control.port)
        self._tell_changes(wanted, ports)
        record = record.running(os.getpid(), ports)
        instance.write(self._place, record)
        undo.callback(lambda: instance.write(self._place, record.down(self._because)))
        ready()
        self._ended.wait()

    def accept(self, pushed: Pushed) -> str:
        """Queue a delivery; return its run."""
        if self._deliveries is None:
            raise RuntimeError("a push before the deliveries exist")
        return self._deliveries.accept(pushed)

    def pulse(self) -> Pulse:
        """Return how the parts are."""
        running = self._deliveries.running() if self._deliveries else ()
        return Pulse(ministack.answers(self._aws_port), running)

    def _use_scratch(self) -> None:
        # HAProxy's folder of sockets would survive a kill in the system's temporary folder. A
        # socket's path has at most 107 bytes: below a long state folder there is no room.
        if len(str(self._place.scratch)) <= _LONGEST_SCRATCH:
            self._place.scratch.mkdir(mode=0o700, exist_ok=True)
            tempfile.tempdir = str(self._place.scratch)

    def _tell_changes(self, before: Ports, after: Ports) -> None:
        for name, old, new in (
            ("aws and the registry", before.aws, after.aws),
            ("ecs", before.ecs, after.ecs),
            ("control", before.control, after.control),
        ):
            if old and old != new:
                self._report(f"port {old} is taken: {name} moved to {new}")

    def _listen(self, preferred: int) -> Control:
        try:
            return Control(self._place, preferred, self)
        except OSError:
            return Control(self._place, 0, self)

    def _start_ministack(self, undo: ExitStack, preferred: int) -> int:
        """Return the port on which it answers; a port lost to a faster program is replaced."""
        for attempt in range(_ATTEMPTS):
            port = free_port(preferred if attempt == 0 else 0)
            child = ministack.launch(self._parts.python, self._place, port)
            grace_s = ministack.STOP_GRACE_S
            self._register.add(Entry("ministack", child.identity, group=False, grace_s=grace_s))
            self._parts.load_plane()  # while ministack starts: half a second less for the user
            try:
                ministack.wait_until_ready(child, self._place, port)
            except OutsideDidNotAnswer:
                child.stop(grace_s)
                self._register.remove(child.identity)
                if attempt == _ATTEMPTS - 1 or free_port(port) == port:
                    raise  # the port is free, so it was not the port
                continue
            undo.callback(self._stop_ministack, child)
            watch = threading.Thread(target=self._watch_ministack, args=(child,), daemon=True)
            watch.start()
            self._aws_port = port
            break
        return self._aws_port

    def _watch_ministack(self, child: Child) -> None:
        status = child.wait()
        if not self._ended.is_set():
            # Not started anew: it would come back without what changed since its start, and
            # nobody would notice that the ledger names images that are gone.
            self._because = f"ministack ended by itself, with status {status}"
            self._report(self._because)
            self._ended.set()

    def _stop_ministack(self, child: Child) -> None:
        self._ended.set()  # from here on its end is no surprise
        child.stop(ministack.STOP_GRACE_S)
        self._register.remove(child.identity)

    def _start_reaper(self) -> Callable[[], None]:
        """Start the reaper; return what ends it, to be called when all else has ended."""
        command = [sys.executable, "-P", "-m", "shipway.local.reaper"]
        env = os.environ | {
            "SHIPWAY_STATE": str(self._place.state),
            "SHIPWAY_CACHE": str(self._place.cache),
        }
        child, pipe = start_watcher(command, log=self._place.log("reaper"), env=env)

        def dismiss() -> None:
            try:
                os.write(pipe, FAREWELL)
            finally:
                os.close(pipe)
            if child.wait(_REAPER_GRACE_S) is None:
                child.stop(0)

        return dismiss
