"""A registry on loopback that keeps what it is given, as strictly as the OCI specification asks.

It checks what real registries check (digests, that blobs are there before their manifest), keeps
a log of all requests, and can be one that keeps lists of referrers, one that does not, or one
that takes no artifacts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

INDEX = "application/vnd.oci.image.index.v1+json"


def digest_of(data: bytes) -> str:
    """Return the digest under which a registry keeps this."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass
class OciRegistry:
    """What it holds, how it behaves (`status` is answered to every PUT of a manifest, unless 0)."""

    lists_referrers: bool
    password: str = ""
    status: int = 0
    url: str = ""
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def hold(self, manifest: bytes, kind: str) -> str:
        """Hold an image from the start; return its digest."""
        self.manifests[digest_of(manifest)] = (kind, manifest)
        return digest_of(manifest)

    def referrers(self, digest: str) -> list[dict[str, object]]:
        """Return descriptors of the manifests whose subject is this digest."""
        found: list[dict[str, object]] = []
        for name, (kind, data) in self.manifests.items():
            manifest = json.loads(data)
            if manifest.get("subject", {}).get("digest") == digest:
                about = {"mediaType": kind, "digest": name, "size": len(data)}
                found.append({**about, "artifactType": manifest["artifactType"]})
        return found


@contextmanager
def serving(registry: OciRegistry) -> Iterator[OciRegistry]:
    """Serve it on a port of its own."""

    class Handler(_Handler):
        held = registry

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        registry.url = f"http://127.0.0.1:{server.server_port}/v2/team/sender"
        try:
            yield registry
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    held: OciRegistry
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        words = self._begin()
        if words is None:
            return
        match words:
            case ["manifests", name] if name in self.held.manifests:
                kind, data = self.held.manifests[name]
                self._answer(200, data, {"Content-Type": kind})
            case ["referrers", digest] if self.held.lists_referrers:
                index = {"schemaVersion": 2, "mediaType": INDEX}
                listed = json.dumps({**index, "manifests": self.held.referrers(digest)})
                self._answer(200, listed.encode(), {"Content-Type": INDEX})
            case ["blobs", digest] if digest in self.held.blobs:
                self._answer(200, self.held.blobs[digest])
            case _:
                self._refuse(404, "NOT_FOUND")

    do_HEAD = do_GET  # noqa: N815 - the name that http.server asks for

    def do_POST(self) -> None:
        if self._begin() == ["blobs", "uploads", ""]:
            self._answer(202, headers={"Location": "/v2/team/sender/blobs/uploads/1?state=x"})

    def do_PUT(self) -> None:
        words = self._begin()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        match words:
            case ["blobs", "uploads", "1"]:
                asked = parse_qs(urlsplit(self.path).query)
                if asked != {"state": ["x"], "digest": [digest_of(body)]}:
                    self._refuse(400, "DIGEST_INVALID")
                    return
                self.held.blobs[digest_of(body)] = body
                self._answer(201)
            case ["manifests", name]:
                self._manifest(name, body)
            case _:
                self._refuse(404, "NOT_FOUND")

    def _manifest(self, name: str, body: bytes) -> None:
        manifest = json.loads(body)
        parts = [*manifest.get("layers", []), *filter(None, [manifest.get("config")])]
        known = all(part["digest"] in self.held.blobs for part in parts)
        known &= all(e["digest"] in self.held.manifests for e in manifest.get("manifests", []))
        if self.held.status:
            self._refuse(self.held.status, "UNSUPPORTED")
        elif not known or (name.startswith("sha256:") and name != digest_of(body)):
            self._refuse(400, "MANIFEST_INVALID")
        else:
            self.held.manifests[name] = (self.headers["Content-Type"], body)
            if not name.startswith("sha256:"):
                self.held.manifests[digest_of(body)] = self.held.manifests[name]
            subject = manifest.get("subject") if self.held.lists_referrers else None
            self._answer(201, headers={"OCI-Subject": subject["digest"]} if subject else {})

    def _begin(self) -> list[str] | None:
        """Note the request, and return its words behind the repository's name."""
        path = urlsplit(self.path).path
        self.held.log.append(f"{self.command} {path.removeprefix('/v2/team/sender/')}")
        if self.held.password and self.headers["Authorization"] != self.held.password:
            self._refuse(401, "UNAUTHORIZED")
            return None
        return path.removeprefix("/v2/team/sender/").split("/")

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, json.dumps({"errors": [{"code": code}]}).encode())

    def _answer(
        self, status: int, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: the log is kept."""
