"""For which platforms an image in ECR is, read from its manifest; no layer is fetched.

Source: ECR API, BatchGetImage and GetDownloadUrlForLayer; OCI image specification 1.1.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, cast

import httpx2

from shipway.adapters.aws.asking import asked
from shipway.model.preflight import Seen, Unknown

if TYPE_CHECKING:
    from shipway.adapters.aws.session import Session
    from shipway.model.release import Digest

_ECR: Final = re.compile(r"(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.[a-z.]+/(.+)")
_OCI, _DOCKER = "application/vnd.oci.image", "application/vnd.docker.distribution.manifest"
_KINDS: Final = [
    f"{_OCI}.manifest.v1+json",
    f"{_OCI}.index.v1+json",
    f"{_DOCKER}.v2+json",
    f"{_DOCKER}.list.v2+json",
]
_GONE: Final = frozenset({"ImageNotFound", "ImageTagDoesNotMatchDigest"})
_WITHIN_S: Final = 10.0
_LARGEST: Final = 4 * 2**20


def platforms(session: Session, repository: str, digest: Digest) -> Seen[tuple[str, ...]]:
    """Return the platforms of an image as `os/architecture`, sorted; None when it is not there.

    Empty on the embedded default, whose engine runs what it has built.
    """
    found = _ECR.fullmatch(repository)
    if found is None:
        return Unknown("it is in a registry that is not ECR")
    account, region, name = found.groups()
    place = {"registryId": account, "repositoryName": name}

    def manifest() -> dict[str, Any] | Unknown | None:
        ecr = cast("Any", session.client("ecr", region))
        said = ecr.batch_get_image(
            **place, imageIds=[{"imageDigest": digest}], acceptedMediaTypes=_KINDS
        )
        if said.get("images"):
            return dict(json.loads(said["images"][0]["imageManifest"]))
        codes = {each.get("failureCode", "") for each in said.get("failures", ())}
        return None if codes <= _GONE else Unknown(f"ECR answered {', '.join(sorted(codes))}")

    seen = asked(manifest, absent=frozenset({"RepositoryNotFoundException"}))
    if seen is None or isinstance(seen, Unknown):
        return seen
    if session.endpoints is not None:
        return ()
    if "manifests" in seen:
        return _sorted(each.get("platform") or {} for each in seen["manifests"])
    return _of_config(session, region, place, seen)


def _of_config(
    session: Session, region: str, place: dict[str, str], manifest: dict[str, Any]
) -> Seen[tuple[str, ...]]:
    """Read the platform of a single image from its configuration, which ECR keeps as a layer."""

    def look() -> tuple[str, ...]:
        ecr = cast("Any", session.client("ecr", region))
        layer = manifest["config"]["digest"]
        url = ecr.get_download_url_for_layer(**place, layerDigest=layer)["downloadUrl"]
        return _sorted([_fetched(url)])

    try:
        return asked(look)
    except (httpx2.HTTPError, ValueError, LookupError) as problem:
        return Unknown(f"it is there, but its platform could not be read: {problem}")


def _fetched(url: str) -> dict[str, Any]:
    with httpx2.stream("GET", url, timeout=_WITHIN_S) as answer:
        answer.raise_for_status()
        data = b""
        for chunk in answer.iter_bytes():
            data += chunk
            if len(data) > _LARGEST:
                raise ValueError("it is larger than any image's configuration")
    return dict(json.loads(data))


def _sorted(found: Any) -> tuple[str, ...]:  # noqa: ANN401 - JSON from a registry, any shape
    """Name platforms; attestations, which Docker lists beside images, are for none."""
    named = {f"{each.get('os', '')}/{each.get('architecture', '')}" for each in found}
    return tuple(sorted(named - {"unknown/unknown", "/"}))
