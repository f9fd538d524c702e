"""How soon after a deployment its command ends: Shipway beside the waiter that AWS ships.

Both roll the same two releases of a tiny service out in turns, on the embedded default with real
containers, where a deployment itself takes some seconds. The peer asks for the deployment with
boto3 and waits with `services_stable` of botocore, which `aws ecs wait services-stable` runs too:
a look every 15 s. Of Shipway the whole command is timed, from its start to its exit.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from bench.harness import Figure, NotMeasured
from bench.overhead import images
from tests.scenarios.embedded import Tiny, ecs, surroundings

ROUNDS = 5
RATIO_LIMIT = 0.5
LAG_LIMIT_S = 2.0
ENVIRONMENT = "staging"
GATE_SAID_NO = 4


def run() -> list[Figure]:
    """Measure deployments, Shipway's and the waiter's in turns."""
    with tempfile.TemporaryDirectory() as folder:
        env = surroundings(Path(folder, "state"), images())
        tiny = Tiny.fresh(Path(folder, "tiny"), env)
        try:
            return _measure(tiny)
        finally:
            tiny.shipway("local", "reset", "--yes")


def _measure(tiny: Tiny) -> list[Figure]:
    first, second = _release(tiny, "The first"), _release(tiny, "The second")
    before, after = _revision(tiny, first), _revision(tiny, second)
    ours: list[float] = []
    lags: list[float] = []
    waiter: list[float] = []
    for release, revision in ((first, after), (second, before)) * ((ROUNDS + 1) // 2):
        start = time.time()
        _deploy(tiny, release)
        ended = time.time()
        ours.append(ended - start)
        lags.append(ended - _finished(tiny))
        waiter.append(_wait_for_stable(tiny, revision))
    whole, peer = statistics.median(ours), statistics.median(waiter)
    lag = statistics.median(lags)
    return [
        Figure(
            "a rolling deployment",
            whole,
            "s",
            peer * RATIO_LIMIT,
            "services-stable",
            peer,
            ratio_limit=RATIO_LIMIT,
        ),
        Figure("ends after the deployment", lag, "s", LAG_LIMIT_S, "services-stable", peer),
    ]


def _release(tiny: Tiny, subject: str) -> str:
    """Deliver a commit as far as it gets, and return its release."""
    tiny.commit(subject)
    done = tiny.shipway("deliver")
    if done.status != GATE_SAID_NO:
        raise NotMeasured(f"shipway deliver: exit {done.status}: {done.err[-300:]}")
    return tiny.release()


def _deploy(tiny: Tiny, release: str) -> None:
    done = tiny.shipway("deploy", ENVIRONMENT, "--release", release)
    if done.status:
        raise NotMeasured(f"shipway deploy: exit {done.status}: {done.err[-300:]}")


def _revision(tiny: Tiny, release: str) -> str:
    """Deploy a release, and return the ARN of the task definition that it runs by."""
    _deploy(tiny, release)
    found = ecs(tiny).describe_services(cluster=ENVIRONMENT, services=[tiny.name()])
    return found["services"][0]["taskDefinition"]


def _finished(tiny: Tiny) -> float:
    """When the newest deployment ended, in seconds since 1970 by the clock of this machine."""
    client = ecs(tiny)
    brief = client.list_service_deployments(cluster=ENVIRONMENT, service=tiny.name())
    newest = max(brief["serviceDeployments"], key=lambda d: d["createdAt"])
    return newest["finishedAt"].timestamp()


def _wait_for_stable(tiny: Tiny, revision: str) -> float:
    client = ecs(tiny)
    start = time.perf_counter()
    client.update_service(cluster=ENVIRONMENT, service=tiny.name(), taskDefinition=revision)
    client.get_waiter("services_stable").wait(cluster=ENVIRONMENT, services=[tiny.name()])
    return time.perf_counter() - start
