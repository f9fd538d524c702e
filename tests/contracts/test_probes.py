"""Probes against real servers on loopback: slow, wrong, flapping, silent, out of reach."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shipway.adapters.http import HttpProbes
from shipway.apply.probing import Subject, probe_all
from shipway.environments.smoke import Judged
from shipway.model.outcome import Outcome
from shipway.model.probes import BodyRule, HttpProbe
from shipway.testing.builders import Stage, a_release, an_environment

PROBE = HttpProbe("/", (200,), 2.0)


@contextmanager
def server(*answers: tuple[int, str, float]) -> Iterator[str]:
    """Serve answers (status, body, seconds before it) in turn; the last one stays."""
    waiting = list(answers)
    guard = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with guard:
                status, body, seconds = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if self.headers.get("X-Wanted") == "teapot":
                status = 418
            time.sleep(seconds)
            with suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *words: object) -> None:  # noqa: A002 - http.server's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        found.daemon_threads = True
        found.block_on_close = False
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


def probed(address: str, probe: HttpProbe = PROBE) -> Judged:
    """Probe an address with the real HTTP and a clock that does not wait."""
    world = replace(Stage().world(), http=HttpProbes())
    environment = replace(an_environment(), probes=(probe,))
    return probe_all(Subject(environment, a_release(), address), world)


def test_a_server_that_is_well_passes() -> None:
    """Five right answers in a row are a pass."""
    with server((200, "ok", 0)) as address:
        assert probed(address).outcome is Outcome.PASSED


def test_a_server_may_begin_badly() -> None:
    """Wrong answers before the first right one are its start, not its failure."""
    with server((503, "", 0), (503, "", 0), (200, "", 0)) as address:
        assert probed(address).outcome is Outcome.PASSED


def test_a_flapping_server_fails_unless_it_is_forgiven() -> None:
    """A wrong answer after a right one fails, but for as many as `retries` forgives."""
    flaps = (200, "", 0.0), (500, "", 0.0), (200, "", 0.0)
    with server(*flaps) as address:
        found = probed(address)
    assert found == Judged(Outcome.FAILED, "GET /: wanted status 200, got status 500")
    with server(*flaps) as address:
        assert probed(address, replace(PROBE, retries=1)).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        (BodyRule(contains="message"), Outcome.PASSED),
        (BodyRule(matches='"queue": *\\d'), Outcome.PASSED),
        (BodyRule(equals=(("/queue", "3"), ("/last", "message"))), Outcome.PASSED),
        (BodyRule(contains="absent"), Outcome.FAILED),
        (BodyRule(equals=(("/queue", "4"),)), Outcome.FAILED),
    ],
)
def test_the_body_is_read_and_compared(rule: BodyRule, outcome: Outcome) -> None:
    """Text, pattern and JSON pointer, on what a real server sent."""
    with server((200, '{"queue": 3, "last": "message"}', 0)) as address:
        assert probed(address, replace(PROBE, body=rule)).outcome is outcome


def test_method_and_headers_arrive() -> None:
    """The server sees the method and the header that the probe names."""
    probe = replace(PROBE, method="POST", headers=(("X-Wanted", "teapot"),), statuses=(418,))
    with server((200, "", 0)) as address:
        assert probed(address, probe).outcome is Outcome.PASSED


def test_a_slow_server_misses_its_latency() -> None:
    """Every answer is right, but too late for 95 of 100."""
    probe = replace(PROBE, latency_s=0.05, answers=3)
    with server((200, "", 0.1)) as address:
        found = probed(address, probe)
    assert found.outcome is Outcome.FAILED
    assert "within 50 ms (p95 of 3), got " in found.line


def test_a_server_that_stays_silent_fails() -> None:
    """It took the connection and the request: that it does not answer is its own fault."""
    with server((200, "", 3)) as address:
        assert probed(address, replace(PROBE, timeout_s=0.1)).outcome is Outcome.FAILED


def test_a_port_that_refuses_fails() -> None:
    """Somebody is there and says no."""
    assert probed("http://127.0.0.1:9").outcome is Outcome.FAILED


@pytest.mark.parametrize("address", ["http://nowhere.invalid"])
def test_a_name_that_nobody_knows_is_inconclusive(address: str) -> None:
    """Without an address nothing was asked: no verdict."""
    assert probed(address, replace(PROBE, timeout_s=1.0)).outcome is Outcome.INCONCLUSIVE
