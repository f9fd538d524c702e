"""A small AWS beside the control plane: it answers what the tests write down, over real HTTP.

Each reply is held against botocore's own shape of it, so no test can invent a field; each request
has been validated by botocore before it was sent.
"""

# ruff: noqa: ANN401 - AWS speaks JSON, which has any type
from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import botocore.session
from botocore.parsers import RpcV2CBORParser

CBOR = "application/cbor"
Reply = Callable[[dict[str, Any]], Any]
_MODELS = botocore.session.Session()


class Refusal(Exception):
    """An error code to answer with."""


def denied(_request: dict[str, Any]) -> Any:
    """Refuse as AWS does."""
    raise Refusal("AccessDeniedException")


@dataclass
class Answers:
    """Replies by service and operation, and all operations that were asked, in order."""

    replies: dict[tuple[str, str], Reply] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)
    url: str = ""

    def reply(self, service: str, operation: str, request: dict[str, Any]) -> Any:
        """Return the reply to an operation; unknown ones are denied."""
        self.asked.append(f"{service}:{operation}")
        return self.replies.get((service, operation), denied)(request)


@contextmanager
def answering(answers: Answers) -> Iterator[Answers]:
    """Serve the answers on loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            scope = self.headers["Authorization"].split("Credential=")[1].split("/")
            answers.regions.append(scope[2])
            path = self.path.rpartition("/operation/")[2]
            status, kind, said = _answered(answers, scope[3], self.headers, path, body)
            self.send_response(status)
            self.send_header("smithy-protocol", "rpc-v2-cbor")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *words: object) -> None:  # noqa: A002 - http.server's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        answers.url = f"http://127.0.0.1:{server.server_port}"
        yield answers
        server.shutdown()
        thread.join()


_NAMES = {
    "elasticloadbalancing": "elbv2",
    "monitoring": "cloudwatch",
    "servicequotas": "service-quotas",
}


def _answered(
    answers: Answers, scope: str, headers: Any, path: str, body: bytes
) -> tuple[int, str, bytes]:
    service, kind = _NAMES.get(scope, scope), headers["Content-Type"].partition(";")[0]
    target = headers.get("X-Amz-Target")
    if target:
        operation, request = target.rpartition(".")[2], json.loads(body or b"{}")
    elif kind == CBOR:
        operation, request = (
            path,
            RpcV2CBORParser().parse_data_item(io.BufferedReader(io.BytesIO(body))),
        )
    else:
        request = {k: v[0] for k, v in parse_qs(body.decode()).items()}
        operation = request.pop("Action")
    shape = _MODELS.get_service_model(service).operation_model(operation).output_shape
    try:
        reply = answers.reply(service, operation, request)
    except Refusal as problem:
        return (403, kind, _error(str(problem), kind))
    _hold(reply, shape)
    if kind == CBOR:
        return 200, kind, _cbor(reply)
    if target:
        return 200, kind, json.dumps(reply, default=_plain).encode()
    inner = f"<{operation}Result>{_xml(reply, shape)}</{operation}Result>"
    return 200, kind, f"<{operation}Response>{inner}</{operation}Response>".encode()


def _error(code: str, kind: str) -> bytes:
    said = {"__type": code, "message": "no"}
    if kind == CBOR:
        return _cbor(said)
    if "json" in kind:
        return json.dumps(said).encode()
    return f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>".encode()


def _cbor(value: Any) -> bytes:
    """Write the little CBOR (RFC 8949) that replies need: maps, lists and texts."""
    if isinstance(value, dict):
        pairs = b"".join(_cbor(k) + _cbor(v) for k, v in value.items())
        return _head(5, len(value)) + pairs
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(_cbor, value))
    data = str(value).encode()
    return _head(3, len(data)) + data


def _head(major: int, length: int) -> bytes:
    return bytes([major << 5 | 25]) + length.to_bytes(2, "big")


def _hold(value: Any, shape: Any) -> None:
    """Refuse a reply that AWS could not give."""
    if shape.type_name == "structure":
        unknown = set(value) - set(shape.members)
        assert not unknown, f"{shape.name} has no {unknown}"
        for name, inner in value.items():
            _hold(inner, shape.members[name])
    elif shape.type_name == "list":
        for inner in value:
            _hold(inner, shape.member)
    elif getattr(shape, "enum", None):
        assert value in shape.enum, f"{value} is no {shape.name}"


def _xml(value: Any, shape: Any) -> str:
    if shape.type_name == "structure":
        return "".join(f"<{k}>{_xml(v, shape.members[k])}</{k}>" for k, v in value.items())
    if shape.type_name == "list":
        return "".join(f"<member>{_xml(v, shape.member)}</member>" for v in value)
    return escape(str(_plain(value)))


def _plain(value: Any) -> Any:
    return value.timestamp() if isinstance(value, datetime) else value


LONG_AGO = datetime(2026, 1, 2, tzinfo=timezone.utc)  # noqa: UP017 - reads the same on 3.11
