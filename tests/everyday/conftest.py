"""A service on a virtual plane, the AWS APIs beside it, and the command line in its checkout.

The command line is pointed at them as boto3 lets anybody do it: by `AWS_ENDPOINT_URL_*`. So what is
tested is the path that AWS itself would see.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.everyday.aws_stub import AwsStub
from tests.everyday.logs import Logs
from tests.local_ecs.conftest import image
from tests.local_ecs.ecs_stage import Stage, make_virtual
from tests.story.test_cli_verbs import Terminal

__all__ = ["image"]  # the tiny image of the plane's own tests

CONFIGURATION = """\
service: sender
owner: team-messaging
image: {{ repository: sender }}
container: {{ port: 80 }}
environments:
  production: {{ cluster: main, service: {service} }}
aws: {{ region: eu-central-1, account: "123456789012" }}
"""


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A plane of scripted tasks."""
    made = make_virtual()
    yield made
    made.close()


@pytest.fixture
def stub() -> Iterator[AwsStub]:
    """The other AWS APIs; at the end, nothing was asked that AWS does not have."""
    made = AwsStub()
    server = made.start()
    yield made
    server.shutdown()
    server.server_close()
    assert made.problems == []


@pytest.fixture
def logs(stub: AwsStub) -> Logs:
    """CloudWatch Logs on the stub."""
    made = Logs()
    stub.answers |= made.answers()
    return made


@pytest.fixture
def shipway(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    stage: Stage,
    stub: AwsStub,
) -> Iterator[Terminal]:
    """The command line, with AWS at the plane and at the stub; the signals are given back."""
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.chdir(tmp_path)
    for name, value in surroundings(tmp_path, stage, stub).items():
        monkeypatch.setenv(name, value)
    yield Terminal(tmp_path, capsys)
    for number, handler in before.items():
        signal.signal(number, handler)


def surroundings(root: Path, stage: Stage, stub: AwsStub) -> dict[str, str]:
    """Return the variables that point Shipway at the plane and at the stub."""
    return {
        "SHIPWAY_STATE": str(root / "state"),
        "SHIPWAY_CACHE": str(root / "cache"),
        "SHIPWAY_ACTOR": "robin",
        "AWS_ENDPOINT_URL": stub.url,
        "AWS_ENDPOINT_URL_ECS": stage.endpoint.url,
        "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": stage.endpoint.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }


def configured(shipway: Terminal, service: str) -> Terminal:
    """Write the configuration of a service that is on the stage."""
    return shipway.configure(CONFIGURATION.format(service=service))
