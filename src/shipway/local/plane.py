"""The ECS control plane as the supervisor runs it: real containers, HAProxy, state on disk."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from shipway.errors import OutsideDidNotAnswer, ShipwayError, WrongUsage
from shipway.local.ecs.clock import RealClock
from shipway.local.ecs.docker_api import DockerApi, DockerError, docker_host
from shipway.local.ecs.haproxy import Haproxy, HaproxyError
from shipway.local.ecs.haproxy_program import Program, from_image, from_path
from shipway.local.ecs.plane import ControlPlane
from shipway.local.ecs.ports import LogSink, SecretResolver
from shipway.local.ecs.runtime_docker import DockerRuntime
from shipway.local.ecs.settings import Settings
from shipway.local.ecs.store import FileStore
from shipway.local.ports import free_port
from shipway.local.preflight import haproxy_image

if TYPE_CHECKING:
    from pathlib import Path

    from shipway.local.home import Home
    from shipway.local.instance import Instance

# Quicker than AWS, so that a person can wait for it; what is decided is the same.
_SETTLE_S: Final = 5.0
_HEALTH_INTERVAL_CAP_S: Final = 1.0
_LOGS_CLOSE_S: Final = 5.0


class ClosableLogs(LogSink, Protocol):
    """A sink that may hold lines back until it is closed."""

    def close(self, timeout_s: float) -> None:
        """Deliver what it holds, for at most that long."""


class Sources(Protocol):
    """Where tasks of an instance get their secrets from, and where their output goes."""

    def secrets(self, place: Home, record: Instance) -> SecretResolver:
        """Return the resolver for an instance whose ministack answers."""

    def logs(self, place: Home, record: Instance) -> ClosableLogs:
        """Return the sink for an instance whose ministack answers."""


class _ToldSecrets:
    """Any failure to read a secret as the one that the runtime shows as the task's reason."""

    def __init__(self, secrets: SecretResolver) -> None:
        self._secrets = secrets

    def resolve(self, value_from: str) -> str:
        try:
            return self._secrets.resolve(value_from)
        except ShipwayError as problem:
            raise LookupError(f"{problem.code()}: {problem.message}") from problem


@dataclass(frozen=True, slots=True)
class RunningPlane:
    """A control plane that answers."""

    port: int
    plane: ControlPlane
    sink: ClosableLogs

    def stop(self) -> None:
        """End its tasks, its HAProxy and its threads; its state stays on disk."""
        try:
            self.plane.stop()
        finally:
            self.sink.close(_LOGS_CLOSE_S)


class StartDockerPlane:
    """Starts the control plane of an instance on the Docker Engine of this machine."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def __call__(self, place: Home, record: Instance) -> RunningPlane:
        """Start it, on the port that the record remembers when that is free.

        Raises:
            OutsideDidNotAnswer: HAProxy or the engine did not start it.
            WrongUsage: its state on disk is of another format.
        """
        port = free_port(record.ports().ecs)
        folder = place.state / "ecs"
        folder.mkdir(mode=0o700, exist_ok=True)
        clock = RealClock()
        sink = self._sources.logs(place, record)
        balancer = Haproxy(clock, program=_haproxy(record), interval_cap_s=_HEALTH_INTERVAL_CAP_S)
        try:
            plane = ControlPlane(
                _settings(record, port),
                runtime=DockerRuntime(
                    DockerApi(docker_host(os.environ)),
                    instance=record.instance,
                    clock=clock,
                    logs=sink,
                    secrets=_ToldSecrets(self._sources.secrets(place, record)),
                    registry=record.registry,
                ),
                balancer=balancer,
                clock=clock,
                store=FileStore(folder / "state.json"),
            )
            plane.start()
        except BaseException as problem:
            # A plane that did not start has nothing to stop but what it was given.
            balancer.close()
            sink.close(0)
            _translate(problem, folder)
            raise
        return RunningPlane(port, plane, sink)


def _haproxy(record: Instance) -> Program:
    """Return HAProxy from the PATH, else from its image, which `preflight` has seen to."""
    if shutil.which("haproxy"):
        return from_path()
    return from_image("docker", haproxy_image(os.environ), record.instance)


def _settings(record: Instance, port: int) -> Settings:
    return Settings(
        instance=record.instance,
        region=record.region,
        account=record.account,
        port=port,
        settle_s=_SETTLE_S,
        health_interval_cap_s=_HEALTH_INTERVAL_CAP_S,
    )


def _translate(problem: BaseException, folder: Path) -> None:
    match problem:
        case HaproxyError() | DockerError() | OSError():
            raise OutsideDidNotAnswer(
                f"the ECS control plane did not start: {problem}"
            ) from problem
        case ValueError():
            raise WrongUsage(
                f"the ECS control plane cannot read its state in {folder}: {problem}",
                hint="shipway local reset, which deletes all local state",
            ) from problem
        case _:
            return
