"""A task that the Docker runtime runs, and how the engine's words become observations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shipway.local.ecs.model import Health, PortBinding
from shipway.local.ecs.ports import ContainerSeen, TaskSeen, TaskSpec

if TYPE_CHECKING:
    import threading

    from shipway.local.ecs.document import JsonObject


@dataclass(slots=True)
class Run:
    """A task of ours: what was observed, and the threads that work on it. Guarded by the lock."""

    spec: TaskSpec
    seen: TaskSeen = field(default_factory=TaskSeen)
    ids: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str | None] = field(default_factory=dict)
    followers: list[threading.Thread] = field(default_factory=list)
    starter: threading.Thread | None = None
    stopper: threading.Thread | None = None
    stopping: bool = False
    created: bool = False


def seen_container(run: Run, name: str, found: JsonObject) -> ContainerSeen:
    """Return the engine's description of a container as an observation."""
    state = found["State"]
    ended = state["Status"] in {"exited", "dead", "removing"}
    reason = "OutOfMemoryError: Container killed due to memory usage"
    return ContainerSeen(
        name=name,
        status="STOPPED" if ended else "RUNNING" if state["Running"] else "PENDING",
        runtime_id=found["Id"],
        digest=run.digests.get(name),
        exit_code=state["ExitCode"] if ended else None,
        reason=(reason if state.get("OOMKilled") else state.get("Error") or None)
        if ended
        else None,
        health=_health(state),
        ports=_ports(run, name, found),
    )


def _ports(run: Run, name: str, found: JsonObject) -> tuple[PortBinding, ...]:
    """Return a container's own ports; the network's owner publishes them for all."""
    definition = next(c for c in run.spec.definition["containerDefinitions"] if c["name"] == name)
    bindings = found["NetworkSettings"].get("Ports") or {}
    known = {c.name: c.ports for c in run.seen.containers}
    ports = tuple(
        PortBinding(p["containerPort"], int(bound[0]["HostPort"]), p.get("protocol", "tcp"))
        for p in definition.get("portMappings", ())
        if (bound := bindings.get(f"{p['containerPort']}/{p.get('protocol', 'tcp')}"))
    )
    return ports or known.get(name, ())


def _health(state: JsonObject) -> Health:
    status = (state.get("Health") or {}).get("Status")
    return {"healthy": Health.HEALTHY, "unhealthy": Health.UNHEALTHY}.get(
        str(status), Health.UNKNOWN
    )
