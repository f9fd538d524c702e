"""The supervisor's own endpoint on loopback: the hook posts pushes, the verbs ask how it is.

    POST /pushes  {"service", "lines", "options"} -> {"accepted": [{"ref", "run", "note"}]}
    GET  /status  -> {"aws", "running"}

Every request carries the state folder's token, so that no other user and no web page can start a
delivery; a foreign Host header is refused, so that no rebound DNS name can either.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final, Protocol

from shipway.local.files import write_whole
from shipway.local.repository import is_service_name, repository
from shipway.local.runs import Pushed
from shipway.local.workspace import NO_COMMIT

if TYPE_CHECKING:
    from shipway.local.home import Home

_MAX_BYTES: Final = 1_048_576
_TIMEOUT_S: Final = 10.0
_FIELDS_OF_A_LINE: Final = 3


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of one pushed line: a run, or a note why there is none."""

    ref: str
    run: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the running parts are: does ministack answer, and which deliveries run."""

    aws: bool
    running: tuple[str, ...]


class Actions(Protocol):
    """What the endpoint can have done. Called from several threads."""

    def accept(self, pushed: Pushed) -> str:
        """Queue a delivery; return its run."""

    def pulse(self) -> Pulse:
        """Return how the parts are, within two seconds or so."""


class Control:
    """The endpoint: listens from construction, answers from `start`, until `stop`."""

    def __init__(self, place: Home, port: int, actions: Actions) -> None:
        """Listen on that loopback port, or on a free one for 0.

        Raises:
            OSError: the port is taken.
        """
        self._server = _Server(place, port, actions)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering; requests under way end by themselves."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def token(place: Home) -> str:
    """Return the secret of this state folder, making it at first use."""
    try:
        return place.token.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        write_whole(place.token, secrets.token_urlsafe(32) + "\n")
        return token(place)


class _Server(ThreadingHTTPServer):
    def __init__(self, place: Home, port: int, actions: Actions) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.place = place
        self.actions = actions
        self.authorization = f"Bearer {token(place)}".encode()
        self.hosts = {f"{name}:{self.server_port}" for name in ("127.0.0.1", "localhost")}


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _TIMEOUT_S
    server_version = "shipway"

    def do_GET(self) -> None:
        if self._is_ours("/status"):
            self._reply(HTTPStatus.OK, asdict(self.server.actions.pulse()))

    def do_POST(self) -> None:
        if not self._is_ours("/pushes"):
            return
        length = self.headers.get("Content-Length") or ""
        if not length.isdecimal() or int(length) > _MAX_BYTES:
            self._reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"problem": "too large, or no size"})
            return
        try:
            pushes = parse(self.rfile.read(int(length)), self.server.place)
        except ValueError as problem:
            self._reply(HTTPStatus.BAD_REQUEST, {"problem": str(problem)})
            return
        done = [asdict(_take(push, self.server.actions)) for push in pushes]
        self._reply(HTTPStatus.OK, {"accepted": done})

    def _is_ours(self, path: str) -> bool:
        given = (self.headers.get("Authorization") or "").encode()
        if self.headers.get("Host") not in self.server.hosts:
            self._reply(HTTPStatus.MISDIRECTED_REQUEST, {"problem": "foreign host"})
        elif not hmac.compare_digest(self.server.authorization, given):
            self._reply(HTTPStatus.UNAUTHORIZED, {"problem": "token missing or wrong"})
        elif self.path != path:
            self._reply(HTTPStatus.NOT_FOUND, {"problem": f"no such thing: {self.path}"})
        else:
            return True
        return False

    def _reply(self, status: HTTPStatus, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing: the runs are the log."""


def parse(body: bytes, place: Home) -> tuple[Pushed, ...]:
    """Return the pushes that a request's body names, in its order.

    Raises:
        ValueError: it is not of the documented shape, or names an unknown service.
    """
    found = json.loads(body)
    try:
        service, options = found["service"], tuple(map(str, found["options"]))
        lines = [str(line).split(" ", _FIELDS_OF_A_LINE - 1) for line in found["lines"]]
        pushes = tuple(Pushed(service, old, new, ref, options) for old, new, ref in lines)
    except (KeyError, TypeError) as problem:
        raise ValueError(f"not a push: {problem}") from problem
    if not is_service_name(str(service)) or not repository(place, service).is_dir():
        raise ValueError(f"no such service: {service}")
    return pushes


def _take(pushed: Pushed, actions: Actions) -> Accepted:
    if pushed.new == NO_COMMIT:
        return Accepted(pushed.ref, "", f"{pushed.short_ref} deleted: nothing to deliver")
    return Accepted(pushed.ref, actions.accept(pushed))
