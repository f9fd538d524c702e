"""Sending log lines to CloudWatch Logs, in batches, without ever holding up who writes them.

It knows PutLogEvents' limits; it refuses to know whose lines they are.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from shipway.model.lazy import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

# Source: CloudWatch Logs API, PutLogEvents: 1 MiB and 10,000 events at once, 26 bytes each extra.
_MAX_BYTES: Final = 1_048_576
_MAX_EVENTS: Final = 10_000
_EXTRA_BYTES: Final = 26
_MAX_LINE_BYTES: Final = 256 * 1024 - _EXTRA_BYTES
_MAX_WAITING: Final = 50_000  # lines; a task that floods an endpoint that is down loses some
_GATHER_S: Final = 0.3
_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a task's output, already short enough for an event."""

    group: str
    stream: str
    timestamp_ms: int
    text: str

    @property
    def size(self) -> int:
        """What it counts against a batch's limit, in bytes."""
        return len(self.text.encode()) + _EXTRA_BYTES


class AwsLogs:
    """A sink for log lines. `write` from any thread; `close` once, at the end."""

    def __init__(self, client: CloudWatchLogsClient) -> None:
        self._client = client
        self._waiting: queue.Queue[Line | None] = queue.Queue(_MAX_WAITING)
        self._lost = 0  # only ever read and written under the lock
        self._lock = threading.Lock()
        self._worker = threading.Thread(target=self._work, name="aws-logs", daemon=True)
        self._worker.start()

    def write(self, group: str, stream: str, timestamp_ms: int, line: str) -> None:
        """Take one line. Never blocks, never raises; lines that cannot be kept are counted."""
        text = line.encode()[:_MAX_LINE_BYTES].decode(errors="ignore") or " "  # empty is refused
        try:
            self._waiting.put_nowait(Line(group, stream, timestamp_ms, text))
        except queue.Full:
            self._lose(1)

    @property
    def lost(self) -> int:
        """How many lines could not be delivered."""
        with self._lock:
            return self._lost

    def close(self, timeout_s: float) -> None:
        """Deliver what waits, for at most that long, and stop."""
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=timeout_s)
        self._worker.join(timeout_s)

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            lines, more = self._gather(first)
            for batch in batches(lines):
                if not self._deliver(batch):
                    self._lose(len(batch))
            if not more:
                return

    def _gather(self, first: Line) -> tuple[list[Line], bool]:
        """Return what comes within a moment, and whether more may come afterwards."""
        lines, until = [first], time.monotonic() + _GATHER_S
        while len(lines) < _MAX_EVENTS:
            try:
                line = self._waiting.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if line is None:
                return lines, False
            lines.append(line)
        return lines, True

    def _deliver(self, batch: Sequence[Line]) -> bool:
        first = batch[0]
        events: list[InputLogEventTypeDef] = [
            {"timestamp": line.timestamp_ms, "message": line.text} for line in batch
        ]
        for _ in range(_ATTEMPTS):
            try:
                self._client.put_log_events(
                    logGroupName=first.group, logStreamName=first.stream, logEvents=events
                )
            except ClientError as refusal:
                if refusal.response["Error"]["Code"] != "ResourceNotFoundException":
                    return False
                self._create(first)
            except BotoCoreError:
                continue  # it has waited and tried again itself
            else:
                return True
        return False

    def _create(self, line: Line) -> None:
        # "Already exists" is the usual answer for the group, and whatever else is wrong will
        # show when the events are put again.
        with contextlib.suppress(ClientError, BotoCoreError):
            self._client.create_log_group(logGroupName=line.group)
        with contextlib.suppress(ClientError, BotoCoreError):
            self._client.create_log_stream(logGroupName=line.group, logStreamName=line.stream)

    def _lose(self, count: int) -> None:
        with self._lock:
            self._lost += count


def aws_logs(*, endpoint_url: str, region: str, account: str) -> AwsLogs:
    """Return the sink for the embedded default's endpoint."""
    client = boto3.client(
        "logs",
        endpoint_url=endpoint_url,
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key="local",  # noqa: S106 -- ministack checks none
        # No proxies: a user's HTTP proxy cannot reach our loopback.
        config=Config(connect_timeout=2, read_timeout=5, proxies={}),
    )
    return AwsLogs(client)


def batches(lines: Iterable[Line]) -> Iterator[tuple[Line, ...]]:
    """Yield the lines as PutLogEvents takes them: one stream each, by time, within its limits.

    Lines with the same time keep their order.
    """
    streams: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        streams.setdefault((line.group, line.stream), []).append(line)
    for stream in streams.values():
        batch: list[Line] = []
        size = 0
        for line in sorted(stream, key=lambda line: line.timestamp_ms):
            if size + line.size > _MAX_BYTES or len(batch) == _MAX_EVENTS:
                yield tuple(batch)
                batch, size = [], 0
            batch.append(line)
            size += line.size
        yield tuple(batch)
