"""What of a live task definition the keys of `shipway.yaml` do not say: the fields for `task:`.

`task:` is laid over what Shipway makes by itself, so what it makes and the service has not must be
left out in words: by null.
"""

from __future__ import annotations

from shipway.model.live import Json, items, part, text

IDENTITY = ("SHIPWAY_COMMIT", "SHIPWAY_ENVIRONMENT", "SHIPWAY_IMAGE_DIGEST", "SHIPWAY_RELEASE")
"""The variables by which Shipway tells a container who it is; nobody else sets them."""

STOP_TIMEOUT_S = 30
_OURS = ("shipway:", "aws:")
_SAID = frozenset({"family", "cpu", "memory", "executionRoleArn", "taskRoleArn", "tags"})
_SAID_OF_OURS = frozenset(
    {
        "essential",
        "name",
        "image",
        "environment",
        "secrets",
        "stopTimeout",
        "logConfiguration",
        "portMappings",
    }
)
_AWSLOGS = ("awslogs-group", "awslogs-region", "awslogs-stream-prefix")


def leftover(definition: dict[str, Json], own: dict[str, Json], port: int) -> dict[str, Json]:
    """Return the fields for `task:`; empty where the other keys say it all.

    Args:
        definition: the live definition, fit to be registered.
        own: the container that becomes Shipway's, one of those in the definition.
        port: what `container.port` will say.
    """
    found: dict[str, Json] = {}
    for name in ("cpu", "memory"):
        if not _whole(definition.get(name)):
            found[name] = definition.get(name)
    made: dict[str, Json] = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"]}
    for name, value in made.items():
        if definition.get(name) != value:
            found[name] = definition.get(name) or None
    said = _SAID | {"containerDefinitions"} | set(made)
    found |= {n: value for n, value in definition.items() if n not in said and _says(value)}
    tags = [tag for tag in items(definition, "tags") if not text(tag, "key").startswith(_OURS)]
    if tags:
        found["tags"] = [*tags]
    ours = _of_ours(own, port)
    others = [c for c in items(definition, "containerDefinitions") if c is not own]
    containers: list[Json] = [{"name": text(own, "name"), **ours}] if ours else []
    containers += [_bare(c) for c in others]
    return found | ({"containerDefinitions": containers} if containers else {})


def _of_ours(own: dict[str, Json], port: int) -> dict[str, Json]:
    found = {
        name: value for name, value in own.items() if name not in _SAID_OF_OURS and _says(value)
    }
    if own.get("essential") is False:
        found["essential"] = False
    if own.get("stopTimeout") != STOP_TIMEOUT_S:
        found["stopTimeout"] = own.get("stopTimeout")
    log = part(own, "logConfiguration")
    options: dict[str, Json] = dict.fromkeys(_AWSLOGS) | part(log, "options")
    found["logConfiguration"] = {**log, "options": options} if log else None
    ports = items(own, "portMappings")
    if not ports:
        found["portMappings"] = None
    elif len(ports) > 1 or _odd(ports[0], port):
        found["portMappings"] = [_bare(p) for p in ports]
    return found


def _odd(mapping: dict[str, Json], port: int) -> bool:
    """Tell whether a port is more than the number that `container.port` says."""
    plain: dict[str, Json] = {"containerPort": port, "hostPort": port, "protocol": "tcp"}
    return mapping.get("containerPort") != port or any(
        plain.get(name) != value for name, value in mapping.items()
    )


def _bare(document: dict[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in document.items() if _says(value) or value is False}


def _says(value: Json) -> bool:
    """Tell whether a field says anything: null, zero, false and the empty say nothing to ECS."""
    return value not in (None, [], {}, 0, False)


def _whole(value: Json) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit() and int(value) > 0
