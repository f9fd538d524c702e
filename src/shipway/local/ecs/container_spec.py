"""A container definition as the Docker Engine wants it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shipway.local.ecs.document import present

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shipway.local.ecs.document import JsonObject

LABEL = "dev.shipway."
"""The prefix of all our labels: `instance`, `task`, `container`, `family`, `service`."""

_ECR = re.compile(r"^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/")
_MIB = 1024 * 1024
_SECOND = 1_000_000_000
_CPU_UNITS = 1024


def local_image(image: str, registry: str | None) -> str:
    """Return `image` with an ECR host replaced by the loopback registry, tag or digest kept."""
    return _ECR.sub(f"{registry}/", image) if registry else image


def start_order(containers: Sequence[JsonObject]) -> list[JsonObject]:
    """Return the containers so that each follows those it depends on; raise ValueError on a ring.

    The first one owns the task's network (under awsvpc all containers share one), so it must be
    the one that is started first.
    """
    by_name = {c["name"]: c for c in containers}
    ordered: dict[str, JsonObject] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in ordered:
            return
        if name in path:
            raise ValueError(f"containers depend on each other in a ring: {' -> '.join(path)}")
        for dependency in by_name[name].get("dependsOn", ()):
            visit(dependency["containerName"], (*path, name))
        ordered[name] = by_name[name]

    for container in containers:
        visit(container["name"], ())
    return list(ordered.values())


def container_config(
    container: JsonObject,
    task: JsonObject,
    *,
    image: str,
    labels: Mapping[str, str],
    secrets: Mapping[str, str],
    network: str | None,
    ports: Sequence[JsonObject],
) -> JsonObject:
    """Return the body of POST /containers/create.

    `network`: a network's name, `container:<id>` to join another container, or None for the
    engine's default. `ports` are published on the loopback address, each on a port that the
    engine chooses.
    """
    environment = {e["name"]: e.get("value", "") for e in container.get("environment", ())}
    published = {f"{p['containerPort']}/{p.get('protocol', 'tcp')}" for p in ports}
    return present(
        {
            "Image": image,
            "Env": [f"{k}={v}" for k, v in {**environment, **secrets}.items()],
            "Cmd": container.get("command") or None,
            "Entrypoint": container.get("entryPoint") or None,
            "User": container.get("user"),
            "WorkingDir": container.get("workingDirectory"),
            "Labels": dict(labels),
            "Healthcheck": _health_check(container.get("healthCheck")),
            "StopTimeout": stop_timeout(container),
            "ExposedPorts": {port: {} for port in published} or None,
            "HostConfig": _host_config(container, task, network, published),
        }
    )


def stop_timeout(container: JsonObject) -> int:
    """Return the seconds between SIGTERM and SIGKILL; ECS's default is 30."""
    return int(container.get("stopTimeout") or 30)


def _host_config(
    container: JsonObject, task: JsonObject, network: str | None, published: set[str]
) -> JsonObject:
    memory = container.get("memory") or task.get("memory")
    reserved = container.get("memoryReservation")
    linux = container.get("linuxParameters", {})
    return present(
        {
            "NetworkMode": network,
            "PortBindings": {p: [{"HostIp": "127.0.0.1", "HostPort": ""}] for p in published},
            "Memory": int(memory) * _MIB if memory else None,
            "MemoryReservation": int(reserved) * _MIB if reserved else None,
            "CpuShares": max(2, int(container.get("cpu") or 0)),
            "NanoCpus": _cpu_limit(task.get("cpu")),
            "ReadonlyRootfs": bool(container.get("readonlyRootFilesystem")),
            "Privileged": bool(container.get("privileged")),
            "Init": bool(linux.get("initProcessEnabled")),
            "CapAdd": linux.get("capabilities", {}).get("add"),
            "CapDrop": linux.get("capabilities", {}).get("drop"),
            "Tmpfs": {
                t["containerPath"]: ",".join([f"size={t['size']}m", *t.get("mountOptions", ())])
                for t in linux.get("tmpfs", ())
            },
            "Ulimits": [
                {"Name": u["name"], "Soft": u["softLimit"], "Hard": u["hardLimit"]}
                for u in container.get("ulimits", ())
            ],
            "ExtraHosts": [
                f"{h['hostname']}:{h['ipAddress']}" for h in container.get("extraHosts", ())
            ]
            or None,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "20m"}},
        }
    )


def _cpu_limit(cpu: str | None) -> int | None:
    """Return the task's CPU as a ceiling in billionths: "256" units or "0.25 vCPU"."""
    if not cpu:
        return None
    number = re.match(r"[\d.]+", cpu)
    if number is None:
        return None
    cores = float(number[0]) if "vcpu" in cpu.lower() else float(number[0]) / _CPU_UNITS
    return int(cores * _SECOND)


def _health_check(check: JsonObject | None) -> JsonObject | None:
    if not check:
        return None
    return {
        "Test": check["command"],
        "Interval": int(check.get("interval") or 30) * _SECOND,
        "Timeout": int(check.get("timeout") or 5) * _SECOND,
        "Retries": int(check.get("retries") or 3),
        "StartPeriod": int(check.get("startPeriod") or 0) * _SECOND,
    }
