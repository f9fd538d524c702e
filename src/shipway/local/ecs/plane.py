"""The control plane as one thing to start and stop."""

from __future__ import annotations

import math
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shipway.local.ecs.agenda import next_moment
from shipway.local.ecs.clock import VirtualClock
from shipway.local.ecs.dispatch import Dispatcher
from shipway.local.ecs.engine import Engine
from shipway.local.ecs.faults import Faults
from shipway.local.ecs.runtime_virtual import VirtualRuntime
from shipway.local.ecs.server import Server
from shipway.local.ecs.world import World

if TYPE_CHECKING:
    from shipway.local.ecs.balancing import Balancer
    from shipway.local.ecs.clock import Clock
    from shipway.local.ecs.ports import TaskRuntime
    from shipway.local.ecs.settings import Settings
    from shipway.local.ecs.store import Store

BUSY_STEP_S, QUIET_STEP_S, LONG_STEP_S = 0.25, 2.0, 300.0
"""How far virtual time moves between two looks at the world, when nothing happens in it, and at
most when nothing is due."""
PROBLEM_PAUSE_S = 0.5
QUIET_AFTER = 8
"""After so many steps without a change of any record the world counts as quiet."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where clients reach a started plane."""

    url: str
    region: str
    account: str


class ControlPlane:
    """ECS and ELBv2 on one machine. `start` once, `stop` once; both from any thread.

    With a `VirtualClock` nothing moves until `advance` is called.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        runtime: TaskRuntime,
        balancer: Balancer,
        clock: Clock,
        store: Store,
    ) -> None:
        self._settings = settings
        self._runtime = runtime
        self._balancer = balancer
        self._clock = clock
        self._engine = Engine(settings, World(runtime, balancer, clock, store), store.load())
        self.faults = Faults()
        self._server: Server | None = None
        self.problems: deque[str] = deque(maxlen=20)
        """What went wrong in the loop lately, oldest first; empty when all is well."""
        self._ending = threading.Event()
        self._loop = threading.Thread(target=self._run, name="ecs-engine")

    def start(self) -> Endpoint:
        """Bind, start the balancer, bring back the services kept by the store, and serve."""
        server = Server(self._settings.port, Dispatcher(self._engine, self.faults).answer)
        # first the runtime, which removes whatever still carries our label
        self._runtime.open(self._engine.wake.set)
        try:
            self._balancer.start()
        except BaseException:
            self._runtime.close(0)
            server.abandon()
            raise
        self._engine.recover()
        self._engine.step()
        server.start()
        self._server = server
        if not self._clock.virtual:
            self._loop.start()
        url = f"http://127.0.0.1:{server.port}"
        return Endpoint(url, self._settings.region, self._settings.account)

    def stop(self) -> None:
        """Stop serving, all containers and the balancer; the state stays in the store.

        Returns when no container, process or thread of the plane is left. Safe to repeat.
        """
        if self._server is None:
            return
        self._server.close()
        self._server = None
        self._ending.set()
        self._engine.wake.set()
        if not self._clock.virtual:
            self._loop.join()
        self._engine.save()
        self._balancer.close()
        self._runtime.close(self._settings.shutdown_s)

    def advance(self, seconds: float) -> None:
        """Let virtual time pass, step by step; for planes on a `VirtualClock` only."""
        clock = self._clock
        if not isinstance(clock, VirtualClock):
            raise TypeError("only a virtual clock can be advanced")
        end = clock.now() + seconds
        self._engine.step()
        quiet = 0
        while clock.now() < end:
            step = BUSY_STEP_S if quiet < QUIET_AFTER else self._quiet_step(quiet - QUIET_AFTER)
            clock.move_to(min(end, clock.now() + step))
            before = self._engine.state.changes
            self._engine.step()
            quiet = quiet + 1 if self._engine.state.changes == before else 0

    def _quiet_step(self, quiet: int) -> float:
        """Return a long step, the longer the quieter, that jumps over nothing that is due."""
        if not isinstance(self._runtime, VirtualRuntime):
            return QUIET_STEP_S
        now, engine = self._clock.now(), self._engine
        due = next_moment(engine.state, self._settings, now)
        # A draining target's sessions end unannounced, so they are looked at often.
        longest = (
            QUIET_STEP_S if due <= now else min(LONG_STEP_S, QUIET_STEP_S * 2.0 ** min(quiet, 10))
        )
        until = min(self._runtime.next_change(), due if due > now else math.inf)
        return min(longest, until - now)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._clock.wait(self._engine.wake, self._settings.tick_s)
            self._engine.wake.clear()
            if not self._ending.is_set():
                self._step()

    def _step(self) -> None:
        """Step once; a port that fails now may work at the next step, so the loop goes on."""
        try:
            self._engine.step()
        except Exception as error:  # noqa: BLE001 - one failed step must not end the control plane
            self.problems.append(f"{type(error).__name__}: {error}")
            self._ending.wait(PROBLEM_PAUSE_S)
