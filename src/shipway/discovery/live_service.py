"""A service that runs already, as the `shipway.yaml` that would deploy it unchanged.

What no key can say goes into `task:`; what nobody could know stands in comments.
"""

from __future__ import annotations

import re

from shipway.discovery.draft import Remark
from shipway.discovery.leftover import IDENTITY, leftover
from shipway.discovery.live_strategy import strategy_of
from shipway.discovery.yaml_text import Layout
from shipway.model.lazy import dataclass
from shipway.model.live import Json, LiveService, items, number, text

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_REPOSITORY = re.compile(r"[a-z0-9]+([._/-][a-z0-9]+)*")
_ECR = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[^.]+)\.[^/]+/(?P<name>[^:@]+)")
_STYLE = Layout()
_UNTOUCHED = (
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "capacityProviderStrategy",
    "serviceConnectConfiguration",
    "placementConstraints",
    "placementStrategy",
)


@dataclass(frozen=True, slots=True)
class Adoption:
    """The text of a `shipway.yaml`, and the remarks that stand in it."""

    configuration: str
    remarks: tuple[Remark, ...]


def adopt(live: LiveService, environment: str) -> Adoption:
    """Write the configuration of a live service.

    Args:
        live: the service.
        environment: what the environment will be called; a name as `shipway.yaml` allows it.
    """
    return _Writer(live, environment).written()


class _Writer:
    """One configuration in the making: lines, and the remarks about them."""

    def __init__(self, live: LiveService, environment: str) -> None:
        self._live, self._environment = live, environment
        self._own = _own_container(live)
        self._lines: list[str] = []
        self._remarks: list[Remark] = []

    def written(self) -> Adoption:
        live = self._live
        head = f"Written by `shipway import` from the ECS service {live.name} in {live.cluster}."
        self._lines += _STYLE.comment(head, 0)
        self._service()
        self._image()
        self._container()
        self._place()
        if live.account:
            self._aws()
        return Adoption("\n".join(self._lines) + "\n", tuple(self._remarks))

    def _service(self) -> None:
        name = text(self._own, "name")
        if not _NAME.fullmatch(name) or name.endswith("-"):
            fit = _fit(name)
            self._remark(
                "service",
                f"The container is called {name!r}, which no service may be called: a deployment "
                f"would call it {fit!r}, and the load balancer must then be told so.",
                0,
            )
            name = fit
        self._key("service", name, 0)
        tags = {text(t, "key").lower(): text(t, "value") for t in items(self._live.service, "tags")}
        owner = tags.get("owner") or tags.get("team") or ""
        if not owner:
            self._remark("owner", "Not known: the team that answers for it.", 0)
        self._key("owner", owner or "unknown", 0)
        self._remark("checks", "Not known: what must pass before an image is built.", 0)
        self._lines.append("")

    def _image(self) -> None:
        image = text(self._own, "image")
        found = _ECR.match(image)
        bare = found["name"] if found else image.partition("@")[0].rpartition("/")[2]
        repository = bare if found else bare.partition(":")[0]
        if not found:
            self._remark("image", f"The image {image} is not in ECR; Shipway pushes to ECR.", 0)
        elif self._live.account not in {"", found["account"]}:
            self._remark("image", f"The image is in another account: {found['account']}.", 0)
        self._lines.append("image:")
        self._key("repository", repository if _REPOSITORY.fullmatch(repository) else "service", 1)
        self._remark("image.dockerfile", "Not known: Dockerfile and context, if not the root's.", 1)
        self._lines.append("")

    def _container(self) -> None:
        live = self._live
        self._lines.append("container:")
        self._key("port", self._port(), 1)
        for name in ("cpu", "memory"):
            value = text(live.definition, name)
            if value.isdigit() and int(value):
                self._key(name, int(value), 1)
        if live.health:
            self._key("health", live.health, 1)
        else:
            self._remark("container.health", "Not known: there is no path of a health check.", 1)
        self._key("grace", number(live.service, "healthCheckGracePeriodSeconds") or 0, 1)
        desired = number(live.service, "desiredCount") or 0
        if not desired:
            self._remark("container.tasks", "The service wants no task at the moment.", 1)
        self._key("tasks", max(1, min(desired, 1000)), 1)
        env = {text(e, "name"): text(e, "value") for e in items(self._own, "environment")}
        self._pairs("env", {k: v for k, v in env.items() if k not in IDENTITY})
        secrets = items(self._own, "secrets")
        self._pairs("secrets", {text(s, "name"): text(s, "valueFrom") for s in secrets})
        self._lines.append("")

    def _port(self) -> int:
        balancers = items(self._live.service, "loadBalancers")
        ports = [number(b, "containerPort") for b in balancers]
        ports += [number(p, "containerPort") for p in items(self._own, "portMappings")]
        found = next((p for p in ports if p), None)
        if found is None:
            self._remark("container.port", "The container has no port; a key must say one.", 1)
        return found or 3000

    def _place(self) -> None:
        live = self._live
        self._lines.append("environments:")
        self._lines += [f"  {self._environment}:"]
        self._key("cluster", live.cluster, 2)
        self._key("service", live.name, 2)
        said, remarks = strategy_of(live.service)
        for remark in remarks:
            self._remark(f"environments.{self._environment}.strategy", remark, 2)
        self._document("strategy", said)
        port = _port_in(self._lines)
        self._document("task", leftover(live.definition, self._own, port))
        family, ours = text(live.definition, "family"), f"{self._environment}-{live.name}"
        if family != ours:
            said_of = f"New revisions are called {ours}, no longer {family}; old ones stay."
            self._remark("environments", said_of, 2)
        untouched = ", ".join(n for n in _UNTOUCHED if live.service.get(n))
        if untouched:
            self._remark("environments", f"No deployment touches: {untouched}.", 2)
        self._remark("environments", "Not known: other environments, gates, and what to verify.", 1)

    def _aws(self) -> None:
        definition = self._live.definition
        found = _ECR.match(text(self._own, "image"))
        self._lines += ["", "aws:"]
        self._key("region", self._live.region, 1)
        self._lines.append(f'  account: "{found["account"] if found else self._live.account}"')
        for key, name in (("execution_role", "executionRoleArn"), ("task_role", "taskRoleArn")):
            if text(definition, name):
                self._key(key, text(definition, name), 1)

    def _key(self, key: str, value: str | int, depth: int) -> None:
        text_of = _STYLE.scalar(value) if isinstance(value, str) else str(value)
        self._lines.append(f"{'  ' * depth}{key}: {text_of}")

    def _pairs(self, key: str, values: dict[str, str]) -> None:
        if values:
            self._lines.append(f"  {key}:")
            self._lines += [
                f"    {_STYLE.scalar(name)}: {_quoted(value)}" for name, value in values.items()
            ]

    def _document(self, key: str, document: dict[str, Json]) -> None:
        if document:
            self._lines += [f"    {key}:", *_dumped(document, 3)]

    def _remark(self, key: str, said: str, depth: int) -> None:
        self._remarks.append(Remark(key, said))
        self._lines += _STYLE.comment(said, depth)


def _own_container(live: LiveService) -> dict[str, Json]:
    """Return the container that the load balancer knows, else that of the service's name."""
    containers = items(live.definition, "containerDefinitions")
    names = [text(b, "containerName") for b in items(live.service, "loadBalancers")]
    for name in (*names, live.name):
        for container in containers:
            if name and text(container, "name") == name:
                return container
    essential = [c for c in containers if c.get("essential", True)]
    return next(iter(essential or containers), {})


def _port_in(lines: list[str]) -> int:
    found = next(line for line in lines if line.startswith("  port: "))
    return int(found.removeprefix("  port: "))


def _fit(name: str) -> str:
    bare = re.sub(r"[^a-z0-9]+", "-", name.lower()).lstrip("-0123456789")
    return bare[:32].strip("-") or "service"


def _quoted(value: str) -> str:
    """Write a value that must stay the text it is: quoted, unless it is plainly a word."""
    return _STYLE.scalar(value) if value else '""'


def _dumped(value: dict[str, Json], depth: int) -> list[str]:
    """Write a document as block YAML."""
    start, lines = "  " * depth, list[str]()
    for name, inner in value.items():
        key = f"{start}{_STYLE.scalar(name)}:"
        if isinstance(inner, dict) and inner:
            lines += [key, *_dumped(inner, depth + 1)]
        elif isinstance(inner, list) and inner:
            lines.append(key)
            lines += [line for item in inner for line in _dumped_item(item, depth + 1)]
        else:
            lines.append(f"{key} {_scalar(inner)}")
    return lines


def _dumped_item(item: Json, depth: int) -> list[str]:
    start = "  " * depth
    if isinstance(item, dict) and item:
        lines = _dumped(item, depth + 1)
        return [f"{start}- {lines[0].lstrip()}", *lines[1:]]
    return [f"{start}- {_scalar(item)}"]


def _scalar(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"{value:g}" if isinstance(value, float) else str(value)
        case str():
            return _quoted(value)
        case dict():
            return "{}"
        case list():
            return "[]"
