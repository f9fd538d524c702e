"""The task definition that ECS is to run: the whole document, in the one form that is compared.

It knows the rules by which ECS fills a definition in. It refuses to know which fields there are,
which is the adapter's knowledge: whatever stands in the document is kept, and counts.
"""

from __future__ import annotations

import hashlib
import re

from shipway.model.document import Json, JsonObject, canonical, flat, objects, ordered, parsed
from shipway.model.lazy import dataclass

OURS = "shipway:"
"""How the tags begin that Shipway puts on a revision; they are no part of its content."""

CONTENT_TAG = f"{OURS}content"
"""The tag under which a revision carries its content hash."""

_FOREIGN = (OURS, "aws:")
_HEALTH = {"interval": 30, "timeout": 5, "retries": 3}
"""What ECS fills in for a container's health check (API reference, HealthCheck)."""

_SAID_ALWAYS = frozenset({"enabled", "essential"})
"""Flags whose absence does not mean false, or which ECS requires."""

_VCPU = re.compile(r"\s*(\d+|\d*\.\d+)\s*vcpu\s*", re.IGNORECASE)
_GB = re.compile(r"\s*(\d+|\d*\.\d+)\s*gb\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """What `RegisterTaskDefinition` takes, normalised.

    `text` is the canonical JSON of the whole document (see `normalised`), so that two definitions
    are equal when they ask ECS for the same. `container` names the container that is Shipway's
    own.
    """

    text: str
    container: str

    @property
    def document(self) -> JsonObject:
        """The document, a new copy each time."""
        return parsed(self.text)

    @property
    def family(self) -> str:
        """The family of its revisions."""
        return _word(self.document.get("family"))

    @property
    def image(self) -> str:
        """The image of Shipway's own container."""
        return _word(self._own().get("image"))

    @property
    def port(self) -> int:
        """The first port of Shipway's own container; 0 when it has none."""
        ports = objects(self._own().get("portMappings"))
        found = ports[0].get("containerPort") if ports else None
        return found if isinstance(found, int) else 0

    @property
    def env(self) -> tuple[tuple[str, str], ...]:
        """The plain variables of Shipway's own container, sorted by name."""
        found = objects(self._own().get("environment"))
        return tuple((_word(e.get("name")), _word(e.get("value"))) for e in found)

    @property
    def secrets(self) -> tuple[tuple[str, str], ...]:
        """Its secrets: variable and reference (`valueFrom`), never the value; sorted by name."""
        found = objects(self._own().get("secrets"))
        return tuple((_word(s.get("name")), _word(s.get("valueFrom"))) for s in found)

    @property
    def images(self) -> tuple[str, ...]:
        """The images of all containers, by the name of the container."""
        found = objects(self.document.get("containerDefinitions"))
        return tuple(_word(c.get("image")) for c in found)

    @property
    def content(self) -> str:
        """The SHA-256 (hex) of all that is asked for; tags that Shipway or AWS set do not count."""
        return hashlib.sha256(canonical(_without_foreign_tags(self.document)).encode()).hexdigest()

    def _own(self) -> JsonObject:
        found = objects(self.document.get("containerDefinitions"))
        return next((c for c in found if c.get("name") == self.container), {})


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs; an absent side is None."""

    field: str
    before: str | None
    after: str | None


def definition_of(document: JsonObject, container: str) -> TaskDefinition:
    """Return the definition that a document says, whatever order or form it is in."""
    return TaskDefinition(canonical(normalised(document)), container)


def normalised(document: JsonObject) -> JsonObject:
    """Return the one form of a task definition: two that ECS treats alike become equal.

    Null, empty lists and empty objects are absent, as they are for ECS; so is a flag that says
    the default, false. Lists without order are sorted. What ECS fills in when it describes a
    definition is filled in: `essential`, `protocol`, `hostPort`, a container's `cpu`, times of
    health checks. Sizes are in CPU units and MiB (`1 vCPU` is 1024, `2GB` is 2048). Idempotent.
    """
    found = _bare(document)
    whole = found if isinstance(found, dict) else {}
    for name, pattern in (("cpu", _VCPU), ("memory", _GB)):
        if name in whole:
            whole[name] = _size(whole[name], pattern)
    shared = whole.get("networkMode") in ("awsvpc", "host")  # perhaps no text at all
    for container in objects(whole.get("containerDefinitions")):
        _fill(container, shared=shared)
    for volume in objects(whole.get("volumes")):
        efs = volume.get("efsVolumeConfiguration")
        if isinstance(efs, dict):
            efs.setdefault("rootDirectory", "/")
    tidy = ordered(whole)
    return tidy if isinstance(tidy, dict) else {}


def fields(definition: TaskDefinition) -> tuple[tuple[str, str], ...]:
    """Flatten a definition to sorted (path, text) pairs, fit to be compared; secrets not masked."""
    return tuple(sorted(flat(_without_foreign_tags(definition.document)).items()))


def differences(before: TaskDefinition | None, after: TaskDefinition) -> tuple[Change, ...]:
    """Return what changes between two definitions, sorted by field; empty when nothing does.

    Tags that somebody else added to what runs are no difference. The hash that a revision carries
    as a tag proves nothing here: people copy revisions with their tags and change them.
    """
    old = dict(fields(before)) if before else {}
    new = dict(fields(after))
    found = tuple(
        Change(name, old.get(name), new.get(name))
        for name in sorted(old | new)
        if old.get(name) != new.get(name) and not (name.startswith("tags.") and name not in new)
    )
    if before and not found and _tagless(before) != _tagless(after):
        return (Change("(form)", before.content, after.content),)  # `1` for `"1"`: never by ECS
    return found


def _bare(value: Json) -> Json:
    """Leave out what means nothing; an empty text is a value."""
    if isinstance(value, dict):
        kept = {key: _bare(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if not _is_absent(key, inner)}
    if isinstance(value, list):
        items = [_bare(inner) for inner in value]
        return [item for item in items if item not in (None, {})]
    return value


def _is_absent(name: str, value: Json) -> bool:
    # 0 == False: what is compared by `==` must not be a number
    return value in (None, [], {}) or (value is False and name not in _SAID_ALWAYS)


def _fill(container: JsonObject, *, shared: bool) -> None:
    container.setdefault("essential", True)
    container.setdefault("cpu", 0)
    for port in objects(container.get("portMappings")):
        port.setdefault("protocol", "tcp")
        if port.get("hostPort") == 0:
            del port["hostPort"]  # "any port", which is what its absence says
        if shared and "containerPort" in port:
            port.setdefault("hostPort", port["containerPort"])
    health = container.get("healthCheck")
    if isinstance(health, dict):
        for name, value in _HEALTH.items():
            health.setdefault(name, value)


def _size(value: Json, pattern: re.Pattern[str]) -> Json:
    fitting = pattern.fullmatch(value) if isinstance(value, str) else None
    return str(round(float(fitting[1]) * 1024)) if fitting else str(value)


def _without_foreign_tags(document: JsonObject) -> JsonObject:
    tags = objects(document.get("tags"))
    kept: list[Json] = [t for t in tags if not _word(t.get("key")).startswith(_FOREIGN)]
    rest = {key: value for key, value in document.items() if key != "tags"}
    return rest | ({"tags": kept} if kept else {})


def _tagless(definition: TaskDefinition) -> JsonObject:
    return {name: value for name, value in definition.document.items() if name != "tags"}


def _word(value: Json) -> str:
    return value if isinstance(value, str) else ""
