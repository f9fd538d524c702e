"""What a service declares about itself in `shipway.yaml`, once it is known to be right.

It refuses to know YAML, defaults and positions: `config` hands over finished values.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Strategy(Enum):
    """How ECS replaces tasks."""

    ROLLING = "rolling"


@dataclass(frozen=True, slots=True)
class CommandCheck:
    """A check that is one command, run without a shell, `node_modules/.bin` on its path."""

    name: str
    command: tuple[str, ...]
    needs: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    junit: str | None
    timeout_s: float


@dataclass(frozen=True, slots=True)
class ComposeCheck:
    """A check that is a compose file; the exit code of one of its services decides."""

    name: str
    file: str
    exit_code_from: str
    needs: tuple[str, ...]
    junit: str | None
    timeout_s: float


Check = CommandCheck | ComposeCheck


@dataclass(frozen=True, slots=True)
class ImageRules:
    """How the image is built and named.

    `build_args` are names whose values the caller's environment holds, passed on where set.
    """

    repository: str
    dockerfile: str
    context: str
    build_args: tuple[str, ...]
    tag_branch: bool


@dataclass(frozen=True, slots=True)
class Container:
    """What ECS needs to know to run the image: `cpu` in CPU units, `memory` in MiB.

    `grace_s` is how long after its start a task may fail the load balancer's health check.
    """

    port: int
    cpu: int
    memory: int
    health: str
    tasks: int
    grace_s: int
    env: tuple[tuple[str, str], ...]
    secrets: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """A GET that must answer `status` (an HTTP status) within the time-out."""

    path: str
    status: int
    timeout_s: float


@dataclass(frozen=True, slots=True)
class CommandProbe:
    """An acceptance command; it finds the environment's address in `SHIPWAY_URL`."""

    command: tuple[str, ...]
    timeout_s: float


Probe = HttpProbe | CommandProbe


@dataclass(frozen=True, slots=True)
class GateRules:
    """Who has to agree before a release may enter: `approvals` different people of `groups`."""

    approvals: int
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Environment:
    """One place where the service runs: an ECS service in a cluster, and the way into it."""

    name: str
    cluster: str
    ecs_service: str
    strategy: Strategy
    after: str | None
    gate: GateRules | None
    probes: tuple[Probe, ...]
    container: Container
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Aws:
    """The AWS account that the service is delivered to."""

    region: str
    account: str
    execution_role: str | None
    task_role: str | None


@dataclass(frozen=True, slots=True)
class Service:
    """A whole `shipway.yaml`; `environments` stands in the order in which a release passes them.

    `aws` is absent where the embedded default delivers.
    """

    name: str
    owner: str
    branch: str
    checks: tuple[Check, ...]
    image: ImageRules
    environments: tuple[Environment, ...]
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    aws: Aws | None

    def environment(self, name: str) -> Environment | None:
        """Return the environment of that name, or None where none is declared."""
        return next((e for e in self.environments if e.name == name), None)

    def members(self, groups: tuple[str, ...]) -> frozenset[str]:
        """Return everybody who belongs to one of these groups."""
        return frozenset(who for name, people in self.groups if name in groups for who in people)
