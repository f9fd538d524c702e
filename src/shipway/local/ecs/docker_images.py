"""Brings images to the engine, and knows by which digest they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.local.ecs.docker_api import NOT_FOUND, DockerApi, DockerError

if TYPE_CHECKING:
    from shipway.local.ecs.document import JsonObject


def bring(api: DockerApi, image: str) -> str:
    """Make sure that the image is here and return its digest.

    Raises LookupError with ECS's CannotPullContainerError text when it cannot be had.
    """
    found = _find(api, image)
    if found is None or _moves(image):
        try:
            api.pull(image)
        except DockerError as error:
            if found is None:
                text = f"CannotPullContainerError: pull image manifest has failed: {error}"
                raise LookupError(text) from error
        found = _find(api, image)
    if found is None:
        raise LookupError(f"CannotPullContainerError: {image} is not there after the pull")
    return _digest(found, image)


def _find(api: DockerApi, image: str) -> JsonObject | None:
    try:
        found: JsonObject = api.call("GET", f"/images/{image}/json")
    except DockerError as error:
        if error.status == NOT_FOUND:
            return None
        raise
    return found


def _moves(image: str) -> bool:
    """Return whether a registry may hold something newer under this reference."""
    host, slash, _ = image.partition("/")
    return bool(slash) and ("." in host or ":" in host) and "@sha256:" not in image


def _digest(image: JsonObject, reference: str) -> str:
    """Return the repository digest that `reference` was pulled by; else the image's own id."""
    repository = reference.split("@", 1)[0]
    if ":" in repository.rsplit("/", 1)[-1]:
        repository = repository.rsplit(":", 1)[0]
    for known in image.get("RepoDigests") or ():
        name, _, digest = known.partition("@")
        if name == repository or ("@" in reference and reference.endswith(digest)):
            return str(digest)
    return str(image["Id"])
