"""`ports.Http`, on the fake and against a real server on loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shipway.adapters.http import HttpProbes
from shipway.ports import Http
from shipway.testing.fakes import FakeHttp


class Answers(BaseHTTPRequestHandler):
    """Answers with the status that the path names; `/drip` never ends its body."""

    def do_GET(self) -> None:
        """Answer one request."""
        drips = self.path == "/drip"
        self.send_response(200 if drips else int(self.path.strip("/")))
        self.send_header("Location", "/500")
        self.send_header("Content-Length", "1000" if drips else "0")
        self.end_headers()
        with suppress(OSError):
            for _ in range(100 if drips else 0):
                self.wfile.write(b".")
                self.wfile.flush()
                time.sleep(0.05)

    def log_message(self, format: str, *words: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """The address of a server that answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def silent_port(*, listens: bool) -> Iterator[str]:
    """An address that takes connections without ever answering, or takes none."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listens:
            server.listen()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture(params=["fake", "real"])
def http(request: pytest.FixtureRequest) -> Http:
    """Both kinds of HTTP."""
    if request.param == "real":
        return HttpProbes()
    return FakeHttp(lambda url: int(found) if (found := url.rpartition("/")[2]) else "refused")


@pytest.mark.parametrize("status", [200, 204, 302, 404, 500])
def test_every_status_is_an_answer(http: Http, address: str, status: int) -> None:
    """A status is told as it is; a redirect is not followed."""
    answer = http.ask(f"{address}/{status}", timeout_s=5)
    assert (answer.status, answer.problem) == (status, "")


def test_a_refused_connection_is_an_answer(http: Http) -> None:
    """Where nobody listens there is no status, and the reason is told."""
    with silent_port(listens=False) as address:
        answer = http.ask(f"{address}/", timeout_s=5)
    assert answer.status is None
    assert "refused" in answer.problem


def test_a_time_out_is_an_answer() -> None:
    """A server that takes the connection and says nothing is given up in time."""
    with silent_port(listens=True) as address:
        answer = HttpProbes().ask(f"{address}/", timeout_s=0.2)
    assert answer.status is None
    assert answer.problem
    assert answer.seconds < 3


def test_a_body_that_never_ends_does_not_hold_us(address: str) -> None:
    """The status is the answer, however slowly the rest of it comes."""
    answer = HttpProbes().ask(f"{address}/drip", timeout_s=1)
    assert answer.status == 200
    assert answer.seconds < 3


def test_an_address_that_is_none_is_an_answer() -> None:
    """What cannot be asked at all has a reason too."""
    assert HttpProbes().ask("http://127.0.0.1:99999999/", timeout_s=1).status is None
