"""Removes containers of ours, and only ours."""

from __future__ import annotations

from shipway.local.ecs.container_spec import LABEL
from shipway.local.ecs.docker_api import DockerApi, DockerError


def remove_leftovers(api: DockerApi, instance: str) -> int:
    """Remove every container labelled with `instance`; return how many there were."""
    filters = f'{{"label":["{LABEL}instance={instance}"]}}'
    found = api.call("GET", "/containers/json", params={"all": "1", "filters": filters})
    for container in found:
        remove(api, container["Id"])
    return len(found)


def remove(api: DockerApi, container_id: str) -> None:
    """Remove a container, running or not; one that is gone is no error."""
    try:
        api.call("DELETE", f"/containers/{container_id}", params={"force": "1", "v": "1"})
    except DockerError:
        return  # gone already, or being removed by somebody else


def stop_container(api: DockerApi, container_id: str, patience: int) -> None:
    """SIGTERM, then SIGKILL after `patience` seconds; a container beyond that is removed."""
    try:
        api.call(
            "POST",
            f"/containers/{container_id}/stop",
            params={"t": str(patience)},
            timeout_s=patience + 30.0,
        )
    except DockerError:
        remove(api, container_id)  # gone already, or beyond stopping
