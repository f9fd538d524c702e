"""The HTTP server: one port of the loopback address for both protocols."""

from __future__ import annotations

import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from shipway.local.ecs.dispatch import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = Callable[[str | None, bytes], Reply]

IDLE_S = 60.0
"""A kept connection without a request for so long is closed."""


class Server:
    """Serves until `close`; binds when constructed, so a taken port is an OSError right there."""

    def __init__(self, port: int, answer: Answer) -> None:
        self._http = _Http(("127.0.0.1", port), _handler_for(answer))
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, name="ecs-http"
        )

    @property
    def port(self) -> int:
        """The port bound."""
        return int(self._http.server_address[1])

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def abandon(self) -> None:
        """Give the port back without having served."""
        self._http.server_close()

    def close(self) -> None:
        """Stop serving and close kept connections; all threads have ended afterwards."""
        self._http.shutdown()
        self._thread.join()
        self._http.hang_up()
        self._http.server_close()


class _Http(ThreadingHTTPServer):
    """Joins its threads when closed, which `hang_up` makes possible for kept connections."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.open_handlers: set[_Handler] = set()
        self.guard = threading.Lock()

    def hang_up(self) -> None:
        """Make handlers that wait for another request on a kept connection give up."""
        with self.guard:
            for handler in self.open_handlers:
                handler.hang_up()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    # Without this each reply waits for the client's delayed ACK, 40 ms on Linux.
    disable_nagle_algorithm = True
    answer: Answer

    def setup(self) -> None:
        super().setup()
        if isinstance(self.server, _Http):
            with self.server.guard:
                self.server.open_handlers.add(self)

    def finish(self) -> None:
        if isinstance(self.server, _Http):
            with self.server.guard:
                self.server.open_handlers.discard(self)
        super().finish()

    def hang_up(self) -> None:
        """Half-close: a reply being written still leaves, no further request comes in."""
        try:
            self.connection.shutdown(0)
        except OSError:
            self.close_connection = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            reply = type(self).answer(self.headers.get("X-Amz-Target"), body)
        except Exception:  # noqa: BLE001 - a bug must answer loudly, not hang the client
            reply = Reply(500, "text/plain", traceback.format_exc().encode())
        self._send(reply)

    def do_GET(self) -> None:
        self._send(Reply(200, "text/plain", b"ok\n"))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("x-amzn-RequestId", "local")
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: requests are not news."""


def _handler_for(answer: Answer) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"answer": staticmethod(answer)})
