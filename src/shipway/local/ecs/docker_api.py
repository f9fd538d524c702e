"""The Docker Engine API over its socket, with the standard library only.

The API rather than the CLI: a start costs half as much, and environment values travel in a request
body, never in an argument list or a file.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shipway.local.ecs.document import JsonObject

CALL_S = 30.0
"""The deadline of an ordinary call."""
PULL_S = 600.0
"""The longest silence of a pull."""
NOT_MODIFIED, NOT_FOUND, ERROR = 304, 404, 400
FRAME_HEADER = 8


class DockerError(Exception):
    """The engine refused, or did not answer (`status` 0)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class DockerApi:
    """A client of one engine; safe to use from many threads, a connection for each call.

    `host`: `unix:///path` or `tcp://127.0.0.1:2375`; `docker_host()` finds the usual one.
    """

    host: str

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: JsonObject | None = None,
        timeout_s: float = CALL_S,
    ) -> Any:  # noqa: ANN401 - the engine's JSON; its callers know the form
        """Return the reply's JSON (None if empty); raise DockerError."""
        connection = self._connect(timeout_s)
        try:
            response = self._send(connection, method, path, params, body)
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise DockerError(0, f"the Docker engine did not answer: {error}") from error
        finally:
            connection.close()
        if response.status >= ERROR:
            raise DockerError(response.status, _message(text))
        return json.loads(text) if text.strip() else None

    def pull(self, image: str) -> None:
        """Pull an image; raise DockerError with the registry's own words."""
        connection = self._connect(PULL_S)
        params = {"fromImage": image}
        if "@" not in image and ":" not in image.rsplit("/", 1)[-1]:
            params["tag"] = "latest"  # without a tag the engine would pull every tag
        try:
            response = self._send(connection, "POST", "/images/create", params, None)
            if response.status >= ERROR:
                raise DockerError(response.status, _message(response.read()))
            for line in response:
                if b'"error"' in line:
                    raise DockerError(NOT_FOUND, str(json.loads(line).get("error")))
        except (OSError, http.client.HTTPException) as error:
            raise DockerError(0, f"the pull broke off: {error}") from error
        finally:
            connection.close()

    def logs(self, container: str) -> Iterator[tuple[int, str]]:
        """Yield (epoch milliseconds, line) from the container's start until it has ended."""
        connection = self._connect(None)
        params = {"follow": "1", "stdout": "1", "stderr": "1", "timestamps": "1"}
        path = f"/containers/{container}/logs"
        try:
            response = self._send(connection, "GET", path, params, None)
            if response.status >= ERROR:
                return
            yield from _lines(response)
        except (OSError, http.client.HTTPException):
            return  # the engine went away: there is nothing more to read
        finally:
            connection.close()

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: JsonObject | None,
    ) -> http.client.HTTPResponse:
        target = quote(path) + (f"?{urlencode(params)}" if params else "")
        payload = json.dumps(body).encode() if body is not None else None
        connection.request(method, target, payload, {"Content-Type": "application/json"})
        return connection.getresponse()

    def _connect(self, timeout_s: float | None) -> http.client.HTTPConnection:
        parts = urlsplit(self.host)
        if parts.scheme == "unix":
            return _UnixConnection(parts.path, timeout_s)
        return http.client.HTTPConnection(
            parts.hostname or "127.0.0.1", parts.port or 2375, timeout=timeout_s
        )


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float | None) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def docker_host(environment: Mapping[str, str]) -> str:
    """Return the engine's address as the docker CLI would find it.

    DOCKER_HOST, then the current context (Docker Desktop, Colima, rootless), then the default
    socket.
    """
    if environment.get("DOCKER_HOST"):
        return environment["DOCKER_HOST"]
    home = Path(environment.get("HOME", "/"))
    config = Path(environment.get("DOCKER_CONFIG") or home / ".docker")
    context = environment.get("DOCKER_CONTEXT") or _json_file(config / "config.json").get(
        "currentContext"
    )
    if context and context != "default":
        digest = hashlib.sha256(str(context).encode()).hexdigest()
        meta = _json_file(config / "contexts" / "meta" / digest / "meta.json")
        host = meta.get("Endpoints", {}).get("docker", {}).get("Host")
        if host:
            return str(host)
    return "unix:///var/run/docker.sock"


def _json_file(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def default_engine() -> DockerApi:
    """Return a client of the engine that this process' environment names."""
    return DockerApi(docker_host(os.environ))


def _message(text: bytes) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace")


def _lines(response: http.client.HTTPResponse) -> Iterator[tuple[int, str]]:
    """Take apart the engine's frames: 1 byte stream, 3 bytes zero, 4 bytes length, payload."""
    rest: dict[int, bytes] = {}
    while len(header := response.read(FRAME_HEADER)) == FRAME_HEADER:
        payload = response.read(int.from_bytes(header[4:], "big"))
        *whole, rest[header[0]] = (rest.get(header[0], b"") + payload).split(b"\n")
        yield from (_stamped(line) for line in whole)
    yield from (_stamped(line) for line in rest.values() if line)


def _stamped(line: bytes) -> tuple[int, str]:
    stamp, _, text = line.decode(errors="replace").partition(" ")
    return _epoch_ms(stamp), text


def _epoch_ms(stamp: str) -> int:
    """Return epoch milliseconds of RFC 3339 text with nanoseconds, e.g. 2026-01-02T03:04:05.1Z."""
    seconds, _, fraction = stamp.rstrip("Z").partition(".")
    moment = datetime.fromisoformat(f"{seconds}+00:00")
    return int(moment.timestamp()) * 1000 + int((fraction + "000")[:3])
