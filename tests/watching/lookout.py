"""The real ECS adapter on a plane whose time passes when the watcher waits, request by request."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from shipway.adapters.aws.ecs import EcsOrchestrator
from shipway.adapters.aws.session import Endpoints, Session
from shipway.apply.following import Watched, follow
from shipway.local.ecs.runtime_virtual import Script
from shipway.model.observed import DeploymentArn
from shipway.testing.builders import Stage as Fakes
from shipway.testing.builders import an_environment
from tests.local_ecs.ecs_stage import make_virtual

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.apply.world import World
    from shipway.environments.health import Ended
    from shipway.events.types import Event
    from shipway.model.service import Environment
    from tests.local_ecs.ecs_stage import Running, Stage


@dataclass(slots=True)
class PlaneClock:
    """`ports.Clock` of whoever watches a plane: to wait is to let its time pass."""

    stage: Stage
    skew_s: float = 0.0

    def now(self) -> float:
        """Return a time that no clock of AWS agrees with."""
        return self.stage.clock.now() + self.skew_s

    def monotonic(self) -> float:
        """Return the plane's own seconds."""
        return self.stage.clock.now()

    def wait(self, seconds: float) -> None:
        """Let the plane's time pass."""
        self.stage.plane.advance(seconds)


@dataclass(slots=True)
class Lookout:
    """A plane, the adapter that reads it, and every request that it made."""

    stage: Stage = field(default_factory=make_virtual)
    requests: list[str] = field(default_factory=list)
    ends: dict[str, Ended] = field(default_factory=dict)
    lags: list[float] = field(default_factory=list)
    fakes: Fakes = field(default_factory=Fakes)
    ecs: EcsOrchestrator = field(init=False)
    clock: PlaneClock = field(init=False)
    skew_s: float = 0.0

    def __post_init__(self) -> None:
        """Connect, and count from now on."""
        url = self.stage.endpoint.url
        session = Session("eu-central-1", lambda: Endpoints(url, url, ""))
        for client in (session.ecs, session.elbv2, session.logs):
            client.meta.events.register("before-send", self._count)
        self.clock = PlaneClock(self.stage)
        self.ecs = EcsOrchestrator(session, self.clock)

    def close(self) -> None:
        """Stop the plane."""
        self.stage.close()

    def script(self, name: str, script: Script) -> None:
        """Let tasks of an image of that name behave so."""
        assert self.stage.runtime is not None
        self.stage.runtime.scripts[name] = script

    def world(self, chance: Callable[[], float] = lambda: 0.5) -> World:
        """A world whose orchestrator and clock are the plane's, else of fakes."""
        return replace(self.fakes.world(), orchestrator=self.ecs, clock=self.clock, chance=chance)

    def update(self, service: Running, behaviour: str, **more: Any) -> Watched:  # noqa: ANN401 - boto3's own parameters
        """Deploy to a service; return what there is to watch."""
        service.update(taskDefinition=self.stage.register(behaviour), **more)
        arn = service.service()["currentServiceDeployment"]
        return Watched(self.place(service), DeploymentArn(arn))

    def place(self, service: Running) -> Environment:
        """The environment that the service is."""
        return replace(
            an_environment(), name=service.name, cluster="main", ecs_service=service.name
        )

    def watch(
        self, *watched: Watched, within_s: float = 3600, chance: Callable[[], float] = lambda: 0.5
    ) -> tuple[Watched, ...]:
        """Follow to the end; note each end, and how long after it happened it was noticed."""

        def on_end(one: Watched, ended: Ended) -> None:
            self.ends[one.deployment] = ended
            finished = self.ecs.deployment(one.deployment).moments.finished
            assert finished is not None
            self.lags.append(self.clock.monotonic() - finished)

        return follow(watched, self.world(chance), within_s=within_s, on_end=on_end)

    def events(self, kind: type[Event]) -> list[Any]:
        """Return the events of one kind that were told."""
        return [event for event in self.fakes.events if isinstance(event, kind)]

    def _count(self, request: Any, **_: object) -> None:  # noqa: ANN401 - botocore has no stub for it
        target = request.headers.get("X-Amz-Target", b"")
        self.requests.append(target.decode().rpartition(".")[2] if target else "elbv2")
