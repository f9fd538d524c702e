"""`shipway logs`: every event once, in order, from wherever the containers log to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.adapters.aws.logs import AwsLogs, aws_logs
from shipway.apply.log_following import LATE_MS, Follower
from shipway.errors import AwsDidNotAnswer, ShipwayError, WrongUsage
from shipway.local.home import Home, home, prepare
from shipway.local.installation import ensure
from shipway.local.ministack import STOP_GRACE_S, launch, wait_until_ready
from shipway.local.ports import free_port
from shipway.model.operations import LogEvent, LogPlace
from shipway.testing.machine import FakeClock
from shipway.testing.operations import FakeOperations
from tests.everyday.aws_stub import AwsStub
from tests.everyday.conftest import configured, surroundings
from tests.everyday.logs import Logs
from tests.everyday.test_tasks import served
from tests.local_ecs.ecs_stage import Running, Stage
from tests.story.telling import PRODUCTION
from tests.story.test_cli_verbs import CONFIGURATION, Terminal

PLACE = LogPlace("web", "awslogs", "/app", "eu-central-1", "app")


def now_ms() -> int:
    """Return the present."""
    return int(time.time() * 1000)


@pytest.fixture
def service(shipway: Terminal, stage: Stage) -> Running:
    """A service of two tasks that log, with its configuration."""
    found = served(stage, "good")
    stage.until(lambda: found.service()["runningCount"] == 2)
    configured(shipway, found.name)
    return found


def streams(service: Running) -> list[str]:
    """Return the streams of the running tasks."""
    return sorted(f"app/web/{t['taskArn'].rpartition('/')[2]}" for t in service.tasks())


def test_logs_of_all_tasks_are_merged(shipway: Terminal, service: Running, logs: Logs) -> None:
    """Events of two tasks come in the order of time, each with its task, over many pages."""
    one, two = streams(service)
    start = now_ms() - 60_000
    for n in range(20):
        logs.write((one, two)[n % 2], start + n, f"event {n}")
    assert shipway("logs", "production") == 0
    lines = shipway.out.splitlines()
    assert [line.rpartition("| ")[2] for line in lines] == [f"event {n}" for n in range(20)]
    assert f" {one.rpartition('/')[2][:8]} | event 0" in lines[0]
    assert f" {two.rpartition('/')[2][:8]} | event 1" in lines[1]


def test_logs_are_json_lines(shipway: Terminal, service: Running, logs: Logs) -> None:
    """With --json each event is an object of its own, with its whole task id."""
    stream = streams(service)[0]
    at = now_ms() - 1_000
    logs.write(stream, at, 'he said "no"')
    assert shipway("logs", "production", "--json") == 0
    assert shipway.answer == {
        "version": 1,
        "at": at / 1000,
        "task": stream.rpartition("/")[2],
        "container": "web",
        "text": 'he said "no"',
    }


def test_a_task_a_time_and_a_text(shipway: Terminal, service: Running, logs: Logs) -> None:
    """One task by its first digits, only of late, only what contains a text with quotes."""
    one, two = streams(service)
    logs.write(one, now_ms() - 7_200_000, 'old "x"')
    logs.write(one, now_ms() - 1_000, 'new "x"', "new y")
    logs.write(two, now_ms() - 1_000, 'other "x"')
    task = one.rpartition("/")[2][:6]
    assert shipway("logs", "production", "--task", task, "--since", "1h", "--filter", '"x"') == 0
    assert [line.rpartition("| ")[2] for line in shipway.out.splitlines()] == ['new "x"']


def test_silence_is_told(shipway: Terminal, service: Running, logs: Logs) -> None:
    """A group that does not exist yet is no error: nothing was written."""
    assert service.name
    assert logs.events == []
    assert shipway("logs", "production") == 0
    assert shipway.out == ""
    assert "nothing was written in the last 10m" in shipway.err


def test_a_driver_that_cannot_be_read_is_named(shipway: Terminal, stage: Stage) -> None:
    """Containers that log elsewhere are named with their driver."""
    service = stage.serve("good", balanced=False)
    assert configured(shipway, service.name)("logs", "production") == 2
    assert "web has no log driver" in shipway.err


def test_a_time_must_be_one(shipway: Terminal, service: Running) -> None:
    """A --since that is no time says what one looks like."""
    assert service.name
    assert shipway("logs", "production", "--since", "yesterday") == 2
    assert "such as 30s, 10m, 2h or 1d" in shipway.err


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_following_tells_each_event_once(
    *,
    shipway: Terminal,
    stage: Stage,
    service: Running,
    stub: AwsStub,
    logs: Logs,
    number: signal.Signals,
    status: int,
) -> None:
    """A real `logs -f` tells what comes, late events too, and ends without a complaint."""
    one, two = streams(service)
    first = now_ms()
    logs.write(one, first, "first")
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "shipway", "logs", "production", "-f", "--json"],
        cwd=shipway.root,
        env={**os.environ, **surroundings(shipway.root, stage, stub)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["text"] == "first"
        logs.write(two, first + 10_000, "third")
        assert json.loads(process.stdout.readline())["text"] == "third"
        logs.write(one, first + 5_000, "late")
        assert json.loads(process.stdout.readline())["text"] == "late"
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (out, err, process.returncode) == ("", "", status)


@dataclass
class Arrivals(FakeOperations):
    """Logs into which events arrive one look at a time; `trouble` is raised by looks."""

    waves: list[list[LogEvent]] = field(default_factory=list)
    trouble: list[ShipwayError] = field(default_factory=list)
    there: list[LogEvent] = field(default_factory=list)

    def definition(self, environment: object) -> str:
        """Return a definition."""
        del environment
        return "app:1"

    def log_places(self, definition: str) -> tuple[LogPlace, ...]:
        """Return the one place."""
        assert definition
        return (PLACE,)

    def log_events(
        self, place: LogPlace, stream: str, *, since_ms: int, text: str
    ) -> tuple[LogEvent, ...]:
        """Return what is there by now."""
        assert (place, stream, text) == (PLACE, "app/web/", "")
        if self.trouble:
            raise self.trouble.pop()
        if self.waves:
            self.there += self.waves.pop(0)
        found = (e for e in self.there if e.at_ms >= since_ms)
        return tuple(sorted(found, key=lambda e: e.at_ms))


def follower(port: Arrivals) -> Follower:
    """Return a follower from the beginning."""
    return Follower(port, PRODUCTION, FakeClock(), since_ms=0)


@given(st.data())
def test_no_event_is_lost_or_told_twice(data: st.DataObject) -> None:
    """However events arrive, up to the bound of lateness: each is told exactly once."""
    waves: list[list[LogEvent]] = []
    newest, number = 1_000_000, 0
    for size in data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=8)):
        wave, base = [], newest
        for _ in range(size):
            at = base + data.draw(st.integers(-LATE_MS, LATE_MS))
            newest, number = max(newest, at), number + 1
            wave.append(LogEvent(f"e{number}", at, "app/web/1", "x"))
        waves.append(wave)
    every = {event.id for wave in waves for event in wave}
    port = Arrivals(waves=waves)
    mine = follower(port)
    told = [line.event.id for _ in range(len(waves) + 2) for line in mine.look()]
    assert sorted(told) == sorted(every)


def test_a_silent_outside_is_borne_for_a_while() -> None:
    """A look that gets no answer is repeated; the events come once it answers."""
    port = Arrivals(waves=[[], [LogEvent("1", 5, "app/web/1", "x")]])
    mine = follower(port)
    mine.look()
    port.trouble = [AwsDidNotAnswer("silence"), AwsDidNotAnswer("silence")]
    assert [line.event.id for line in mine.next(2.0)] == ["1"]


def test_a_long_silence_is_an_error() -> None:
    """When the outside stays silent, following ends and says so."""
    port = Arrivals(trouble=[AwsDidNotAnswer("silence")] * 200)
    with pytest.raises(AwsDidNotAnswer):
        follower(port).next(2.0)


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The embedded default's own CloudWatch Logs."""
    place = Home(tmp_path_factory.mktemp("logs") / "state", home(os.environ).cache)
    prepare(place)
    port = free_port(0)
    child = launch(ensure(place.cache, os.environ, print), place, port)
    try:
        wait_until_ready(child, place, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.stop(STOP_GRACE_S)


def test_the_embedded_default_has_logs_too(
    ministack: str, shipway: Terminal, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the embedded default's own sink wrote is read back, in order and by text."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    service = served(stage, "good", count=1)
    stage.until(lambda: service.service()["runningCount"] == 1)
    embed(shipway.root / "state", stage, ministack)
    text = CONFIGURATION.replace("cluster: production", f"cluster: main, service: {service.name}")
    shipway.configure(text)
    sink: AwsLogs = aws_logs(endpoint_url=ministack, region="eu-central-1", account="0" * 12)
    stream = streams(service)[0]
    for n in range(5):
        sink.write("/app", stream, now_ms(), f"line {n}")
    sink.write("/app", "app/other/123", now_ms(), "line of another container")
    sink.close(20)
    assert shipway("logs", "production", "--filter", "line") == 0
    assert [line.rpartition("| ")[2] for line in shipway.out.splitlines()] == [
        f"line {n}" for n in range(5)
    ]


def embed(state: Path, stage: Stage, aws: str) -> None:
    """Make a state folder say that the embedded default is up, at these addresses."""
    state.mkdir(exist_ok=True)
    record = {"pid": os.getpid(), "ecs": stage.endpoint.url, "aws": aws, "registry": "x:1"}
    (state / "local.json").write_text(json.dumps({**record, "account": "000000000000"}))


def test_logs_need_an_environment(shipway: Terminal) -> None:
    """A mistyped environment names those there are."""
    configured(shipway, "any")
    assert shipway("logs", "staging") == WrongUsage.exit_status
    assert "there are: production" in shipway.err
