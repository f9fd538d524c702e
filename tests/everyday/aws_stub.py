"""AWS APIs that the local plane lacks: a small HTTP server, led by botocore's own shapes.

Each request is validated against the operation's input shape and each reply against its output
shape, so that nothing is accepted here that AWS could not have been asked or could not answer.
"""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from shipway.local.ecs.wire import query
from shipway.local.ecs.wire.errors import AwsError
from shipway.local.ecs.wire.shapes import shapes_of

PREFIXES = {
    "Logs_20140328": "logs",
    "AnyScaleFrontendService": "application-autoscaling",
    "secretsmanager": "secretsmanager",
    "AmazonSSM": "ssm",
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "AmazonEC2ContainerRegistry_V20150921": "ecr",
}
"""What X-Amz-Target begins with, to botocore's name of the service."""

IAM = "https://iam.amazonaws.com/doc/2010-05-08/"

Answer = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass
class AwsStub:
    """Operations by `service:Operation`; what is asked is kept in `asked`.

    What nobody answers of ECS is asked of the plane at `plane`, where there is one; `amended` may
    then change the reply, to tell what a plane never does.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    url: str = ""
    plane: str = ""
    amended: dict[str, Answer] = field(default_factory=dict)
    denies: bool = False
    """Whether nothing at all may be asked here."""
    page: bytes = b""
    """What a proxy in between answers in AWS's place."""

    def start(self) -> ThreadingHTTPServer:
        """Serve on loopback."""
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, kind, reply = stub.answer(self.headers.get("X-Amz-Target") or "", body)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        return server

    def answer(self, target: str, body: bytes) -> tuple[int, str, bytes]:
        """Answer one request: JSON where a target is named, else the query protocol of IAM."""
        if self.page:
            return 400, "text/html", self.page
        if self.denies:
            return _denied(target)
        if not target:
            return self._query(dict(parse_qsl(body.decode())))
        prefix, _, operation = target.partition(".")
        if self.plane and PREFIXES[prefix] == "ecs" and f"ecs:{operation}" not in self.answers:
            return self._forwarded(target, operation, body)
        try:
            reply = self._call(PREFIXES[prefix], operation, json.loads(body or b"{}"))
        except AwsError as error:
            text = {"__type": error.code, "message": error.message}
            return 400, "application/x-amz-json-1.1", json.dumps(text).encode()
        return 200, "application/x-amz-json-1.1", json.dumps(reply).encode()

    def _forwarded(self, target: str, operation: str, body: bytes) -> tuple[int, str, bytes]:
        kind = "application/x-amz-json-1.1"
        headers = {"X-Amz-Target": target, "Content-Type": kind}
        asked = urllib.request.Request(self.plane, body, headers)
        try:
            with urllib.request.urlopen(asked, timeout=10) as reply:
                text = reply.read()
        except urllib.error.HTTPError as error:
            return error.code, kind, error.read()
        if change := self.amended.get(f"ecs:{operation}"):
            text = json.dumps(change(json.loads(text))).encode()
        return 200, kind, text

    def _query(self, form: dict[str, str]) -> tuple[int, str, bytes]:
        operation = form["Action"]
        model = shapes_of("iam").operation(operation)
        assert model is not None, operation
        try:
            reply = self._call("iam", operation, query.parse(form, model.input_shape))
        except AwsError as error:
            return 400, "text/xml", query.render_error(error.code, error.message, IAM).encode()
        return 200, "text/xml", query.render(operation, reply, model.output_shape, IAM).encode()

    def _call(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        shapes = shapes_of(service)
        model = shapes.operation(operation)
        name = f"{service}:{operation}"
        if model is None or name not in self.answers:
            self.problems.append(f"nobody answers {name}")
            raise AwsError("InternalFailure", f"nobody answers {name}")
        wrong = shapes.problems(request, model.input_shape)
        self.asked.append((name, request))
        if wrong:
            self.problems.append(f"{name}: {wrong}")
            raise AwsError("ValidationException", wrong)
        reply = self.answers[name](request)
        wrong = shapes.problems(reply, model.output_shape)
        if wrong:
            self.problems.append(f"{name} would never answer this: {wrong}")
        return reply

    def times(self, name: str) -> int:
        """Return how often an operation was asked for."""
        return sum(asked == name for asked, _ in self.asked)


def _denied(target: str) -> tuple[int, str, bytes]:
    if not target:
        return 403, "text/xml", query.render_error("AccessDenied", "no", IAM).encode()
    refusal = {"__type": "AccessDeniedException", "message": "not authorized"}
    return 400, "application/x-amz-json-1.1", json.dumps(refusal).encode()
