"""The part of an ECS task definition that Shipway decides; the API's shape is the adapter's."""

from __future__ import annotations

from shipway.model.lazy import dataclass


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """One container behind a load balancer, on Fargate.

    `env` and `secrets` are sorted by name; the value of a secret is a reference
    (`valueFrom`), never the secret. `cpu` is in CPU units, `memory` in MiB.
    """

    family: str
    container: str
    image: str
    port: int
    cpu: int
    memory: int
    env: tuple[tuple[str, str], ...]
    secrets: tuple[tuple[str, str], ...]
    log_group: str
    execution_role: str | None = None
    task_role: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs; an absent side is None."""

    field: str
    before: str | None
    after: str | None


def fields(definition: TaskDefinition) -> tuple[tuple[str, str], ...]:
    """Flatten a definition to sorted (path, text) pairs, fit to be compared and shown."""
    plain = {
        "cpu": str(definition.cpu),
        "image": definition.image,
        "logGroup": definition.log_group,
        "memory": str(definition.memory),
        "port": str(definition.port),
    }
    if definition.execution_role:
        plain["executionRole"] = definition.execution_role
    if definition.task_role:
        plain["taskRole"] = definition.task_role
    plain |= {f"env.{name}": value for name, value in definition.env}
    plain |= {f"secrets.{name}": reference for name, reference in definition.secrets}
    return tuple(sorted(plain.items()))


def differences(before: TaskDefinition | None, after: TaskDefinition) -> tuple[Change, ...]:
    """Return what changes between two definitions, sorted by field; empty when nothing does."""
    old = dict(fields(before)) if before else {}
    new = dict(fields(after))
    return tuple(
        Change(name, old.get(name), new.get(name))
        for name in sorted(old | new)
        if old.get(name) != new.get(name)
    )
