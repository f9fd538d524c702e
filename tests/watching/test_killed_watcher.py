"""A real `shipway watch`, killed with -9 or by a signal, and the next one that tells the truth."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from shipway.adapters.ledger_sqlite import SqliteLedger
from shipway.events.types import DeploymentRequested, DeploymentStarted, Entry, ReleaseRecorded
from shipway.testing.builders import a_release

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shipway.events.types import HistoryEvent
    from tests.local_ecs.ecs_stage import Running
    from tests.watching.lookout import Lookout

CONFIGURATION = """\
service: sender
owner: testers
image: {{ repository: sender }}
environments:
  staging: {{ cluster: main, service: {service}, on_interrupt: {policy} }}
aws: {{ region: eu-central-1, account: "000000000000" }}
"""


class Desk:
    """A folder with a shipway.yaml, a ledger that knows one open deployment, and the program."""

    def __init__(self, folder: Path, lookout: Lookout, service: Running, policy: str) -> None:
        self.folder, self.state = folder, folder / "state"
        self.state.mkdir()
        text = CONFIGURATION.format(service=service.name, policy=policy)
        (folder / "shipway.yaml").write_text(text, encoding="utf-8")
        url = lookout.stage.endpoint.url
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | {
            "SHIPWAY_STATE": str(self.state),
            "SHIPWAY_CACHE": str(folder / "cache"),
            "SHIPWAY_ACTOR": "dora",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": url,
        }

    def remember(self, deployment: str) -> None:
        """Write what a run wrote down before it died: the release, the wish, our deployment."""
        release = a_release("b")
        wish = DeploymentRequested(
            "staging", release.name, release.digest, "delivery", "dora", None
        )
        recorded = ReleaseRecorded(
            release=release.name,
            commit=release.commit,
            branch=release.branch,
            author=release.author,
            subject=release.subject,
            repository=release.repository,
            digest=release.digest,
        )
        events: tuple[HistoryEvent, ...] = (
            recorded,
            wish,
            DeploymentStarted("staging", release.name, deployment),
        )
        ledger = SqliteLedger(str(self.state / "ledger.sqlite"))
        for at, event in enumerate(events):
            ledger.append(Entry(float(at), "sender", "died", event))

    def start(self) -> subprocess.Popen[str]:
        """Begin to watch."""
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "shipway", "watch", "staging", "--json"],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def watch_and(self, number: signal.Signals) -> tuple[int, str]:
        """Watch until the deployment was seen, then send a signal; return status and words."""
        process = self.start()
        with process:
            for line in process.stdout or ():
                if json.loads(line).get("event") == "DeploymentMoved":
                    break
            process.send_signal(number)
            _, err = process.communicate(timeout=15)
        return process.returncode, err


@contextmanager
def passing(lookout: Lookout) -> Iterator[None]:
    """Let a plane's virtual time pass while real processes look at it."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(0.05):
            lookout.stage.plane.advance(1.0)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def prepared(tmp_path: Path, lookout: Lookout, behaviour: str, policy: str = "detach") -> Desk:
    """A service of which a new deployment is under way that the ledger knows as ours."""
    service = lookout.stage.serve("good")
    service.until_over()
    desk = Desk(tmp_path, lookout, service, policy)
    desk.remember(lookout.update(service, behaviour).deployment)
    return desk


@pytest.mark.parametrize(
    ("behaviour", "status", "outcome"),
    [
        ("crash", 8, "rolled-back"),
        ("better", 3, "succeeded"),
    ],
)
def test_after_kill_nine_the_next_watch_tells_the_truth(
    tmp_path: Path, lookout: Lookout, behaviour: str, status: int, outcome: str
) -> None:
    """A watcher is killed; the next one follows the same deployment to its end, and writes it.

    The tasks of the scripted plane have no digest of the release, so that what ECS calls a
    success is still not what was asked for.
    """
    desk = prepared(tmp_path, lookout, behaviour)
    killed, _ = desk.watch_and(signal.SIGKILL)
    assert killed == -signal.SIGKILL
    with passing(lookout):
        process = desk.start()
        out, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    lines = [json.loads(line) for line in out.splitlines()]
    ends = [line["outcome"] for line in lines if line.get("event") == "DeploymentEnded"]
    assert ends == [outcome]
    again = subprocess.run(
        [sys.executable, "-m", "shipway", "watch", "staging"],
        cwd=desk.folder,
        env=desk.env,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert again.returncode == 0
    assert "nothing is under way" in again.stdout


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_watching_and_leaves_the_deployment(
    tmp_path: Path, lookout: Lookout, number: signal.Signals, status: int
) -> None:
    """Ctrl-C and SIGTERM end it with their status and how to come back; ECS goes on."""
    desk = prepared(tmp_path, lookout, "better")
    found, err = desk.watch_and(number)
    assert found == status
    assert "`shipway watch staging` watches it again" in err
    assert "goes on" in err
    assert "StopServiceDeployment" not in lookout.requests
