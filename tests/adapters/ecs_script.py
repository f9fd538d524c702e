"""An AWS API server on loopback that answers as a test says, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: the operation, its fields, and the access key that signed it."""

    operation: str
    fields: dict[str, object]
    key: str


@dataclass(frozen=True, slots=True)
class Refused:
    """An error, by the code that AWS has for it."""

    code: str
    status: int = 400


Answer = Callable[[Asked], dict[str, object] | Refused]


@dataclass(slots=True)
class EcsScript:
    """Where it answers, and all requests so far."""

    url: str
    asked: list[Asked] = field(default_factory=list)

    def operations(self) -> list[str]:
        """Name the operations that were asked for, in order."""
        return [one.operation for one in self.asked]


@contextmanager
def ecs_script(answer: Answer) -> Iterator[EcsScript]:
    """Serve until the end of the context."""
    script = EcsScript("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            signed = self.headers.get("Authorization", "").partition("Credential=")[2]
            asked = Asked(operation, json.loads(body or b"{}"), signed.partition("/")[0])
            script.asked.append(asked)
            found = answer(asked)
            refused = isinstance(found, Refused)
            said = {"__type": found.code} if isinstance(found, Refused) else found
            payload = json.dumps(said).encode()
            self.send_response(found.status if isinstance(found, Refused) else 200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(payload)))
            if refused:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
