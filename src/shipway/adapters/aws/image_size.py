"""How much a task pulls: the layers of an image in ECR, as its manifest lists them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from shipway.adapters.aws.session import Session
from shipway.model.examined import ImageSize

if TYPE_CHECKING:
    from mypy_boto3_ecr.type_defs import ImageIdentifierTypeDef

_REFERENCE = re.compile(
    r"^[^/]+\.dkr\.ecr\.[^/]+/(?P<name>[^:@]+)(:(?P<tag>[^@]+))?(@(?P<digest>.+))?$"
)
_ACCEPTED = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
]


def image_size(session: Session, image: str) -> ImageSize | None:
    """Return what a task pulls of an image; None where it is in no registry of ECR.

    Of an image for several platforms, the one for linux/amd64, else the first.
    """
    found = _REFERENCE.match(image)
    if found is None:
        return None
    reference: ImageIdentifierTypeDef = (
        {"imageDigest": found["digest"]}
        if found["digest"]
        else {"imageTag": found["tag"] or "latest"}
    )
    manifest = _manifest(session, found["name"], reference)
    inside = manifest.get("manifests")
    if isinstance(inside, list):
        ours = [m for m in inside if (m.get("platform") or {}).get("architecture") == "amd64"]
        digest = str((ours or inside)[0]["digest"]) if inside else ""
        manifest = _manifest(session, found["name"], {"imageDigest": digest})
    layers = manifest.get("layers")
    if not isinstance(layers, list):
        return None
    return ImageSize(
        name=found["name"],
        size=sum(int(layer.get("size", 0)) for layer in layers),
        zstd=bool(layers) and all("zstd" in str(layer.get("mediaType")) for layer in layers),
    )


def _manifest(
    session: Session, repository: str, reference: ImageIdentifierTypeDef
) -> dict[str, object]:
    images = session.ecr.batch_get_image(
        repositoryName=repository, imageIds=[reference], acceptedMediaTypes=_ACCEPTED
    )["images"]
    found = json.loads(images[0].get("imageManifest", "{}")) if images else {}
    return found if isinstance(found, dict) else {}
