"""CloudWatch Logs as the stub answers for it: streams of events, read in pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shipway.local.ecs.wire.errors import AwsError
from tests.everyday.aws_stub import Answer


@dataclass
class Logs:
    """Events of one group by arrival: (stream, timestamp, text); `page` events in a reply."""

    group: str = "/app"
    page: int = 3
    events: list[tuple[str, int, str]] = field(default_factory=list)

    def write(self, stream: str, at_ms: int, *lines: str) -> None:
        """Let events arrive."""
        self.events += [(stream, at_ms, line) for line in lines]

    def answers(self) -> dict[str, Answer]:
        """Return what the stub answers."""
        return {
            "logs:FilterLogEvents": self.filtered,
            "logs:GetLogEvents": self.last,
        }

    def filtered(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer FilterLogEvents: by time, in pages, as AWS does."""
        self._known(request)
        prefix = request.get("logStreamNamePrefix", "")
        text = request.get("filterPattern", '""')[1:-1].replace('\\"', '"').replace("\\\\", "\\")
        found = [
            {
                "eventId": f"event-{number}",
                "timestamp": at,
                "ingestionTime": at,
                "logStreamName": stream,
                "message": line,
            }
            for number, (stream, at, line) in enumerate(self.events)
            if stream.startswith(prefix) and at >= request.get("startTime", 0) and text in line
        ]
        found.sort(key=lambda event: int(str(event["timestamp"])))
        start = int(request.get("nextToken", "0"))
        end = start + self.page
        more = {"nextToken": str(end)} if end < len(found) else {}
        return {"events": found[start:end], **more}

    def last(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer GetLogEvents from the tail."""
        self._known(request)
        name = request["logStreamName"]
        found = [
            {"timestamp": at, "message": line, "ingestionTime": at}
            for stream, at, line in self.events
            if stream == name
        ]
        if not found:
            raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
        return {"events": found[-request.get("limit", 10_000) :]}

    def _known(self, request: dict[str, Any]) -> None:
        if request["logGroupName"] != self.group or not self.events:
            raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")


def awslogs(group: str = "/app") -> dict[str, Any]:
    """Return a container's log configuration that writes to a group."""
    return {
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": group,
                "awslogs-region": "eu-central-1",
                "awslogs-stream-prefix": "app",
            },
        }
    }
