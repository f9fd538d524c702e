"""RunTask's overrides, laid over a task definition. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.local.ecs.document import pick, present

if TYPE_CHECKING:
    from shipway.local.ecs.document import JsonObject


def overridden(definition: JsonObject, overrides: JsonObject) -> JsonObject:
    """Return `definition` with `overrides` applied: values replace, environment is merged."""
    by_name = {o["name"]: o for o in overrides.get("containerOverrides", ()) if o.get("name")}
    containers = [
        _container(container, by_name.get(container["name"], {}))
        for container in definition["containerDefinitions"]
    ]
    whole = pick(overrides, ("cpu", "memory", "taskRoleArn", "executionRoleArn"))
    return {**definition, **whole, "containerDefinitions": containers}


def _container(container: JsonObject, override: JsonObject) -> JsonObject:
    environment = {e["name"]: e for e in container.get("environment", ())}
    environment.update({e["name"]: e for e in override.get("environment", ())})
    replaced = pick(override, ("command", "cpu", "memory", "memoryReservation"))
    return present({**container, **replaced, "environment": list(environment.values())})
