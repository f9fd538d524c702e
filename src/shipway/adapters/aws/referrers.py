"""Documents attached to an image's digest, as OCI artifacts in the same repository.

It speaks the OCI distribution API, which ECR has beside its own. A registry that keeps no list
of what refers to a digest gets the list as an index, under the tag that the specification names.

Source: OCI distribution specification 1.1, "Pushing Manifests with Subject" and "Referrers Tag
Schema"; OCI image specification 1.1, "Guidelines for Artifact Usage".
"""

from __future__ import annotations

import hashlib
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from shipway.errors import AccessIsDenied, RegistryDidNotAnswer
from shipway.model.lazy import dataclass
from shipway.model.release import Digest
from shipway.ports import Document, Refused

WITHIN_S = 30.0
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
_NOTHING = b"{}"
_DOCKER = "application/vnd.docker.distribution.manifest"
_IMAGES = f"{MANIFEST}, {INDEX}, {_DOCKER}.v2+json, {_DOCKER}.list.v2+json"
_OK, _CREATED, _TOO_MANY, _BROKEN = 200, 201, 429, 500

_Json = dict[str, object]


class _NotTaken(Exception):
    """The registry answered that it will not take this."""


@dataclass(frozen=True, slots=True)
class Place:
    """A repository over HTTP: `url` is `https://host/v2/name`; `login` user and password."""

    url: str
    login: tuple[str, str] | None


class Referrers:
    """What refers to the images of one repository."""

    def __init__(self, place: Place) -> None:
        self._url, self._auth = place.url, place.login

    def kinds(self, digest: Digest) -> frozenset[str]:
        """Return the artifact types of what is attached to a digest."""
        with self._client() as client:
            found = _list(client, digest)
            return frozenset(str(entry.get("artifactType", "")) for entry in found or [])

    def attach(self, digest: Digest, documents: tuple[Document, ...]) -> Refused | None:
        """Attach documents to a digest; see `ports.Registry`."""
        with self._client() as client:
            try:
                subject = _describe(client, digest)
                made = [_push(client, subject, document) for document in documents]
                unlisted = [descriptor for descriptor, is_listed in made if not is_listed]
                if unlisted:
                    _list_ourselves(client, digest, unlisted)
            except _NotTaken as problem:
                return Refused(str(problem))
        return None

    @contextmanager
    def _client(self) -> Iterator[httpx2.Client]:
        """Give a client, and translate what is no answer."""
        loopback = self._url.startswith("http://")  # where a proxy cannot reach
        trusted = (
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if loopback else True
        )  # reading all: 0.2 s
        try:
            with httpx2.Client(
                base_url=f"{self._url}/",
                auth=self._auth,
                timeout=WITHIN_S,
                trust_env=not loopback,
                verify=trusted,
                follow_redirects=True,
            ) as client:
                yield client
        except httpx2.HTTPError as problem:
            said = str(problem) or type(problem).__name__
            raise RegistryDidNotAnswer(
                f"no answer from the registry: {said}", where=self._url, hint="run it again"
            ) from problem


def _describe(client: httpx2.Client, digest: Digest) -> _Json:
    """Return the descriptor of a manifest that the registry has."""
    answer = _ask(client, "GET", f"manifests/{digest}", headers={"Accept": _IMAGES})
    if answer.status_code != _OK:
        raise RegistryDidNotAnswer(
            f"{digest} is not in the registry any more: {answer.status_code}",
            where=str(client.base_url),
        )
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    return {"mediaType": kind, "digest": digest, "size": len(answer.content)}


def _push(client: httpx2.Client, subject: _Json, document: Document) -> tuple[_Json, bool]:
    """Push a document as an artifact; tell its descriptor, and whether the registry lists it."""
    data = document.text.encode()
    _upload(client, _NOTHING)
    _upload(client, data)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": document.kind,
        "config": {"mediaType": EMPTY, "digest": _digest(_NOTHING), "size": len(_NOTHING)},
        "layers": [{"mediaType": document.kind, "digest": _digest(data), "size": len(data)}],
        "subject": subject,
    }
    body = json.dumps(manifest, sort_keys=True).encode()
    answer = _put(client, f"manifests/{_digest(body)}", body, MANIFEST)
    descriptor: _Json = {
        "mediaType": MANIFEST,
        "artifactType": document.kind,
        "digest": _digest(body),
        "size": len(body),
    }
    return descriptor, "OCI-Subject" in answer.headers


def _upload(client: httpx2.Client, data: bytes) -> None:
    """Upload a blob, unless the registry has it."""
    digest = _digest(data)
    if _ask(client, "HEAD", f"blobs/{digest}").status_code == _OK:
        return
    begun = _ask(client, "POST", "blobs/uploads/")
    if "Location" not in begun.headers:
        raise _NotTaken(f"it begins no upload ({_said(begun)})")
    # the place may be relative, and may hold a query of its own
    place = begun.url.join(begun.headers["Location"]).copy_merge_params({"digest": digest})
    kind = {"Content-Type": "application/octet-stream"}
    answer = _ask(client, "PUT", str(place), content=data, headers=kind)
    if answer.status_code != _CREATED:
        raise _NotTaken(f"it takes no such blob ({_said(answer)})")


def _put(client: httpx2.Client, path: str, body: bytes, kind: str) -> httpx2.Response:
    answer = _ask(client, "PUT", path, content=body, headers={"Content-Type": kind})
    if answer.status_code != _CREATED:
        raise _NotTaken(f"it takes no such manifest ({_said(answer)})")
    return answer


def _list(client: httpx2.Client, digest: Digest) -> list[_Json] | None:
    """Return the descriptors of what refers to a digest; None where nobody lists any."""
    answer = _ask(client, "GET", f"referrers/{digest}", headers={"Accept": INDEX})
    if answer.status_code == _OK and INDEX in answer.headers.get("Content-Type", ""):
        return _entries(answer)
    return _own_list(client, digest)


def _own_list(client: httpx2.Client, digest: Digest) -> list[_Json] | None:
    answer = _ask(client, "GET", f"manifests/{_list_tag(digest)}", headers={"Accept": INDEX})
    return _entries(answer) if answer.status_code == _OK else None


def _entries(index: httpx2.Response) -> list[_Json]:
    try:
        found = index.json()
    except ValueError:
        found = None
    entries = found.get("manifests") if isinstance(found, dict) else None
    return [each for each in entries or [] if isinstance(each, dict)]


def _list_ourselves(client: httpx2.Client, digest: Digest, made: list[_Json]) -> None:
    """Write what refers to a digest where a registry without such lists keeps it: under a tag."""
    there = _own_list(client, digest) or []
    new = [entry for entry in made if entry["digest"] not in {each["digest"] for each in there}]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*there, *new]}
    if new:
        body = json.dumps(index, sort_keys=True).encode()
        _put(client, f"manifests/{_list_tag(digest)}", body, INDEX)


def _list_tag(digest: Digest) -> str:
    return digest.replace(":", "-", 1)


def _ask(
    client: httpx2.Client,
    method: str,
    path: str,
    *,
    content: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> httpx2.Response:
    """Ask once; a refusal that more of the same would not change is an answer.

    Raises:
        AccessIsDenied: this identity may not.
        RegistryDidNotAnswer: it is broken or too busy, and may answer later.
    """
    answer = client.request(method, path, content=content, headers=headers)
    if answer.status_code in {401, 403}:
        raise AccessIsDenied(
            f"the registry refused {method} {path.partition('?')[0]}: {_said(answer)}",
            hint="check which role this runs as, and what it may do",
        )
    if answer.status_code == _TOO_MANY or answer.status_code >= _BROKEN:
        raise RegistryDidNotAnswer(
            f"the registry answered {answer.status_code} to {method} {path.partition('?')[0]}",
            hint="run it again",
        )
    return answer


def _said(answer: httpx2.Response) -> str:
    """Return the status and the registry's own code, which OCI registries give in JSON."""
    try:
        code = answer.json()["errors"][0]["code"]
    except (ValueError, LookupError, TypeError):
        return str(answer.status_code)
    return f"{answer.status_code} {code}"


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
