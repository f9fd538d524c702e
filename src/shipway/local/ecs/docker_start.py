"""What must be had before a container is started: its secrets, and those it depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.local.ecs.clock import deadline, expired, pause

if TYPE_CHECKING:
    from shipway.local.ecs.docker_api import DockerApi
    from shipway.local.ecs.docker_run import Run
    from shipway.local.ecs.document import JsonObject
    from shipway.local.ecs.ports import SecretResolver

LOOK_S = 0.2
DEPENDENCY_S = 120.0
"""How long a container waits for those it depends on, unless it has a startTimeout."""


class Stopping(Exception):
    """No error: the task was asked to stop while it was being started."""


def resolved(secrets: SecretResolver, container: JsonObject) -> dict[str, str]:
    """Return the container's secrets by name; raise LookupError in ECS's words."""
    values = {}
    for secret in container.get("secrets", ()):
        try:
            values[secret["name"]] = secrets.resolve(secret["valueFrom"])
        except LookupError as error:
            raise LookupError(
                "ResourceInitializationError: unable to pull secrets or registry auth: "
                f"{secret['name']} from {secret['valueFrom']}: {error}"
            ) from error
    return values


def await_dependencies(api: DockerApi, run: Run, container: JsonObject) -> None:
    """Wait for `dependsOn`; raise ValueError when a condition cannot be met any more."""
    end = deadline(float(container.get("startTimeout") or DEPENDENCY_S))
    for dependency in container.get("dependsOn", ()):
        name, condition = dependency["containerName"], dependency["condition"]
        while not _meets(api, run, name, condition):
            if run.stopping:
                raise Stopping
            if expired(end):
                raise ValueError(f"dependency {name} did not become {condition} in time")
            pause(LOOK_S)


def _meets(api: DockerApi, run: Run, name: str, condition: str) -> bool:
    state: JsonObject = api.call("GET", f"/containers/{run.ids[name]}/json")["State"]
    ended = bool(state["Status"] == "exited")
    if condition == "SUCCESS" and ended and state["ExitCode"] != 0:
        raise ValueError(f"dependency {name} exited with {state['ExitCode']}")
    match condition:
        case "START":
            return True
        case "COMPLETE" | "SUCCESS":
            return ended
        case _:
            return bool(state.get("Health", {}).get("Status") == "healthy")
