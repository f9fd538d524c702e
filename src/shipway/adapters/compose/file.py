"""What a compose file says, as compose's own `config` reads it, and why it may be unfit.

It refuses to know compose's merging, defaults and variables: `config` has dealt with them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from shipway.errors import ComposeFileIsUnfit
from shipway.model.lazy import dataclass

_TOP = re.compile(r"^(name|services|networks|volumes|version|secrets|configs|x-[\w.-]*):")
_NEVER = {None, "", "no", False}
_DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Composition:
    """What a file makes for itself: services, those of them that it builds, networks, volumes."""

    version: str | None
    services: tuple[str, ...]
    built: tuple[str, ...]
    networks: tuple[str, ...]
    volumes: tuple[str, ...]


def read(said: list[str], *, project: str, decisive: str, where: str) -> Composition:
    """Read what `config` printed, warnings before it included.

    Raises:
        ComposeFileIsUnfit: with everything that two runs at once would share, or get wrong.
    """
    import yaml  # noqa: PLC0415 - only services with a compose check need it

    start = next((n for n, line in enumerate(said) if _TOP.match(line)), len(said))
    told = _table(yaml.safe_load("\n".join(said[start:])))
    services = {name: _table(entry) for name, entry in _table(told.get("services")).items()}
    own = {
        kind: {name: e for name, e in _tables(told.get(kind)).items() if not e.get("external")}
        for kind in ("networks", "volumes")
    }
    problems = [p for name, entry in services.items() for p in _shared(name, entry)]
    problems += [
        f"{kind.removesuffix('s')} {name} has the fixed name {entry['name']!r}"
        for kind, entries in own.items()
        for name, entry in entries.items()
        if entry.get("name") not in {None, f"{project}_{name}"}
    ]
    problems += _undecided(services, decisive)
    if problems:
        raise ComposeFileIsUnfit(
            "\n".join((f"{where} cannot be run", *(f"  {p}" for p in problems))),
            where=where,
            hint="write `3000`, without a host port, or `expose`; leave names and modes to compose",
        )
    version = told.get("version")
    return Composition(
        version=str(version) if version is not None else None,
        services=tuple(services),
        built=tuple(n for n, e in services.items() if e.get("build") and not e.get("image")),
        networks=tuple(own["networks"]) + _implied(services, _table(told.get("networks"))),
        volumes=tuple(own["volumes"]),
    )


def override(of: Composition, labels: Mapping[str, str]) -> str:
    """Return a second compose file that puts labels on everything of the first; JSON is YAML."""
    marked = {"labels": {key: value.replace("$", "$$") for key, value in labels.items()}}
    text: dict[str, object] = {
        "services": {
            name: marked | ({"build": marked} if name in of.built else {}) for name in of.services
        },
        "networks": dict.fromkeys(of.networks, marked),
        "volumes": dict.fromkeys(of.volumes, marked),
    }
    if of.version is not None:
        text["version"] = of.version  # 1.29 merges only files of the same version
    return json.dumps(text)


def _shared(name: str, service: Mapping[str, object]) -> list[str]:
    """Return what a service takes that there is only one of on a machine."""
    if service.get("profiles"):
        return []  # it is not started
    found = []
    ports = service.get("ports")
    for port in ports if isinstance(ports, list) else []:
        host = _host_port(port)
        if host:
            found.append(f"service {name} publishes the fixed host port {host}")
    if service.get("network_mode") == "host":
        found.append(f"service {name} uses the network of the host")
    if service.get("container_name"):
        found.append(f"service {name} has the fixed name {service['container_name']!r}")
    return found


def _host_port(port: object) -> str:
    """Return the host port of one entry of `ports`; "" where the engine chooses one."""
    if isinstance(port, dict):
        host = str(port.get("published") or "")
    else:
        words = str(port).partition("/")[0].rsplit(":", 2)
        host = words[-2] if len(words) > 1 else ""
    return "" if host == "0" or "-" in host else host  # of a range, the engine takes a free one


def _undecided(services: Mapping[str, Mapping[str, object]], decisive: str) -> list[str]:
    """Return why the deciding service cannot decide."""
    if decisive not in services:
        known = ", ".join(sorted(services)) or "none"
        return [f"there is no service {decisive!r}, whose exit code decides; there are: {known}"]
    if services[decisive].get("restart") not in _NEVER:
        return [f"service {decisive} is restarted when it fails, and so could never decide"]
    return []


def _implied(
    services: Mapping[str, Mapping[str, object]], networks: Mapping[str, object]
) -> tuple[str, ...]:
    """Return the network that compose makes for services that name none."""
    needed = any(not s.get("networks") and not s.get("network_mode") for s in services.values())
    return (_DEFAULT,) if needed and _DEFAULT not in networks else ()


def _table(found: object) -> dict[str, object]:
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}


def _tables(found: object) -> dict[str, dict[str, object]]:
    return {name: _table(entry) for name, entry in _table(found).items()}
