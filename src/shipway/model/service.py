"""What a service declares about itself in `shipway.yaml`, once it is known to be right.

It refuses to know YAML, defaults and positions: `config` hands over finished values.
"""

from __future__ import annotations

from enum import Enum

from shipway.model.lazy import dataclass
from shipway.model.migration import MigrationRules
from shipway.model.probes import Probe
from shipway.model.strategy import StrategyRules

EMBEDDED_REGION = "eu-central-1"
"""The AWS region that the embedded default plays."""


class CacheUse(Enum):
    """Whether a check that passed is remembered by its key.

    `IN_PLACE` is for outputs too large to copy, as `node_modules`: nothing is stored, but while
    they stand untouched where the check left them, it need not run again.
    """

    ON = "on"
    IN_PLACE = "in-place"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A test that is known to fail: until `expires` (ISO 8601 date) it fails no check."""

    test: str
    owner: str
    reason: str
    expires: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRules:
    """What all checks have; every path and glob is relative to the root.

    `inputs` empty means that the check cannot be cached. `silence_s` is how long it may print
    nothing, None without limit. `env` are values, `secrets` variable and reference. `mutexes` are
    names that no two running checks share. `retries` is for infrastructure only, never for a
    failing test. `per_package` marks a template, not yet expanded over workspace packages: its
    paths are relative to each package's folder; `package` names the folder once it is.
    """

    name: str
    needs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    junit: str | None = None
    timeout_s: float = 600.0
    silence_s: float | None = None
    env: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()
    mutexes: tuple[str, ...] = ()
    retries: int = 0
    cache: CacheUse = CacheUse.ON
    quarantine: tuple[Quarantine, ...] = ()
    per_package: bool = False
    package: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandCheck(CheckRules):
    """A check that is one command, `node_modules/.bin` on its path; `shell` where it needs one."""

    command: tuple[str, ...]
    cwd: str = "."
    shell: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeCheck(CheckRules):
    """A check that is a compose file; the exit code of one of its services decides."""

    file: str
    exit_code_from: str


Check = CommandCheck | ComposeCheck


@dataclass(frozen=True, slots=True)
class ImageRules:
    """How the image is built and named.

    `build_args` are names whose values the caller's environment holds, passed on where set.
    `secrets` are ids and references, for `RUN --mount=type=secret`. `needs` are the checks whose
    outputs the image takes in: with none, it is built from exactly the commit, beside the checks.
    """

    repository: str
    dockerfile: str
    context: str
    build_args: tuple[str, ...]
    tag_branch: bool
    tag_nightly: bool = False
    secrets: tuple[tuple[str, str], ...] = ()
    needs: tuple[str, ...] = ()
    registry_cache: bool = False
    sbom: bool = True
    provenance: bool = True


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
class GateRules:
    """Who has to agree before a release may enter: `approvals` different people of `groups`."""

    approvals: int
    groups: tuple[str, ...]


class OnInterrupt(Enum):
    """What becomes of a deployment when whoever watches it is interrupted."""

    DETACH = "detach"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Environment:
    """One place where the service runs: an ECS service in a cluster, and the way into it.

    `task` is what `task:` adds to the task definition there: canonical JSON, see `model.document`.
    `bake_s` is how long probes and alarms are watched after they have passed.
    """

    name: str
    cluster: str
    ecs_service: str
    strategy: StrategyRules
    after: str | None
    gate: GateRules | None
    probes: tuple[Probe, ...]
    container: Container
    timeout_s: float
    task: str = ""
    bake_s: float = 0.0
    migration: MigrationRules | None = None
    on_interrupt: OnInterrupt = OnInterrupt.DETACH


@dataclass(frozen=True, slots=True)
class Aws:
    """The AWS account that the service is delivered to."""

    region: str
    account: str
    execution_role: str | None
    task_role: str | None


@dataclass(frozen=True, slots=True)
class RemoteCache:
    """The team's S3 bucket for results of checks.

    Entries are signed: `public_key` (Ed25519, base64) checks them everywhere, `signing_key` is a
    reference to the private key, which only builds of the `branches` can resolve and use.
    """

    bucket: str
    prefix: str
    region: str
    public_key: str
    signing_key: str | None
    branches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CacheRules:
    """Where results of checks are kept: on this machine up to `size` bytes, and for the team."""

    size: int = 5 * 2**30
    remote: RemoteCache | None = None


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
    cache: CacheRules = CacheRules()

    def environment(self, name: str) -> Environment | None:
        """Return the environment of that name, or None where none is declared."""
        return next((e for e in self.environments if e.name == name), None)

    def members(self, groups: tuple[str, ...]) -> frozenset[str]:
        """Return everybody who belongs to one of these groups."""
        return frozenset(who for name, people in self.groups if name in groups for who in people)
