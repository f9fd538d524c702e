"""A signal in the middle of a request to AWS ends the command, whatever the library makes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.contracts.processes import PYTHON

CONFIGURATION = """\
service: sender
owner: team-messaging
image: { repository: sender }
container: { port: 80 }
environments:
  production: { cluster: main }
aws: { region: eu-central-1, account: "123456789012" }
"""


class Slow(ThreadingHTTPServer):
    """Answers nothing before it may; `asked` is set with the first request, `count` tells all."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked, self.may = threading.Event(), threading.Event()
        self.count = 0
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Slow

    def do_POST(self) -> None:
        self.server.count += 1
        self.server.asked.set()
        self.server.may.wait(30)
        self.send_response(500)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server has it
        """Be quiet."""


@pytest.fixture
def aws() -> Iterator[Slow]:
    """What stands for AWS."""
    server = Slow()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.may.set()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_not_taken_for_a_failed_request(
    tmp_path: Path, aws: Slow, number: signal.Signals, status: int
) -> None:
    """Botocore would ask again, and the command would go on as if nobody had wanted it to end."""
    (tmp_path / "shipway.yaml").write_text(CONFIGURATION, encoding="utf-8")
    env = os.environ | {
        "SHIPWAY_STATE": str(tmp_path / "state"),
        "SHIPWAY_CACHE": str(tmp_path / "cache"),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws.server_port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    command = (PYTHON, "-m", "shipway", "tasks", "production")
    with subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE) as process:
        assert aws.asked.wait(60)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == status, said
    assert aws.count == 1
