"""What those see who look after a service: its tasks and why they stopped, as words and as data."""

from __future__ import annotations

from datetime import datetime, timezone

from shipway.environments.doctor import Finding, Weight
from shipway.environments.speed import Price
from shipway.environments.task_reasons import Why
from shipway.model.lazy import dataclass
from shipway.model.operations import LogEvent, ServiceEvent, TaskState
from shipway.model.release import Digest
from shipway.views.words import moment, table


@dataclass(frozen=True, slots=True)
class Row:
    """A task that has not stopped; `right` is None where nobody can say."""

    task: TaskState
    at: str
    digest: Digest | None
    right: bool | None
    image: str

    def report(self) -> dict[str, object]:
        """Return it for machines; moments in seconds since the epoch."""
        return {
            **_identity(self.task),
            "status": self.task.status,
            "health": self.task.health,
            "since": self.task.started_at,
            "address": self.at,
            "zone": self.task.zone,
            "digest": self.digest,
            "right": self.right,
        }


@dataclass(frozen=True, slots=True)
class Stopped:
    """A task that stopped, why, and what it wrote last."""

    task: TaskState
    why: Why
    lines: tuple[str, ...]

    def report(self) -> dict[str, object]:
        """Return it for machines; moments in seconds since the epoch."""
        return {
            **_identity(self.task),
            "stopped": self.task.stopped_at,
            "stop_code": self.task.stop_code,
            "reason": self.task.reason,
            "expected": self.why.expected,
            "capacity": self.why.capacity,
            "advice": self.why.advice,
            "containers": [
                {"name": c.name, "exit_code": c.exit_code, "reason": c.reason}
                for c in self.task.containers
            ],
            "last_lines": list(self.lines),
        }


def _identity(task: TaskState) -> dict[str, object]:
    definition = task.definition.rpartition("/")[2]
    return {"task": task.id, "definition": definition}


def tasks_words(
    name: str,
    running: tuple[Row, ...],
    stopped: tuple[Stopped, ...],
    capacity: tuple[ServiceEvent, ...],
) -> str:
    """Lay out the tasks of an environment."""
    lines = [f"{name}: {len(running)} tasks"] if running else [f"{name}: no task runs"]
    if running:
        rows = [
            (
                row.task.id,
                row.task.status.lower(),
                row.task.health.lower(),
                moment(row.task.started_at) if row.task.started_at else "not yet",
                row.at or "-",
                row.image,
            )
            for row in running
        ]
        head = ("task", "status", "health", "since", "address", "image")
        lines += [f"  {line}" for line in table(rows, head)]
    wrong = sum(row.right is False for row in running)
    if wrong:
        lines.append(f"{wrong} of {len(running)} do not run the live release")
    lines += [f"no capacity: {moment(e.at)} {e.text}" for e in capacity[:3]]
    if stopped:
        lines += ["", f"stopped of late: {len(stopped)}"]
        lines += [line for each in stopped for line in _stopped_words(each)]
    return "\n".join(lines)


def _stopped_words(each: Stopped) -> list[str]:
    at = moment(each.task.stopped_at) if each.task.stopped_at else "stopped"
    lines = [f"  {each.task.id}  {at}  {each.why.what}"]
    lines += [f"    -> {each.why.advice}"] if each.why.advice else []
    return [*lines, *(f"    | {line}" for line in each.lines)]


def log_words(event: LogEvent, container: str) -> str:
    """Write an event as one line: when (UTC), the task's first digits, who, and what."""
    at = datetime.fromtimestamp(event.at_ms / 1000, tz=timezone.utc)  # noqa: UP017 - 3.11 too
    moment_ms = f"{at:%Y-%m-%d %H:%M:%S}.{event.at_ms % 1000:03d}Z"
    who = f"{event.task_id[:8]} {container}".rstrip()
    return f"{moment_ms} {who} | {' / '.join(event.text.splitlines())}"


def findings_words(found: tuple[tuple[str, tuple[Finding, ...]], ...]) -> str:
    """Write what was found, place by place."""
    lines = []
    for where, findings in found:
        lines.append(f"{where}: {_count(findings)}")
        for finding in findings:
            lines.append(f"  {finding.weight.value.upper():<5}  {finding.what}")
            lines.append(f"         {finding.why}")
            lines.append(f"         -> {finding.fix}")
    return "\n".join(lines)


def _count(findings: tuple[Finding, ...]) -> str:
    if not findings:
        return "well"
    counts = {weight: sum(f.weight is weight for f in findings) for weight in Weight}
    return ", ".join(f"{n} {weight.value}" for weight, n in counts.items() if n)


def prices_words(found: tuple[tuple[str, tuple[Price, ...], float], ...]) -> str:
    """Write what each setting costs, what it could cost, and the sum, place by place."""
    lines = []
    for where, prices, saved in found:
        if not prices:
            lines.append(f"{where}: nothing slows a deployment")
            continue
        lines.append(f"{where}: {saved:.0f} s of each deployment could be saved")
        for price in prices:
            about = "about " if price.estimate else ""
            worst = ", at worst" if price.worst else ""
            lines.append(f"  {price.saved:>5.0f} s  {price.what}")
            lines.append(f"           {about}{price.seconds:.0f} s -> {price.tuned:.0f} s{worst}")
            lines.append(f"           -> {price.fix}")
    return "\n".join(lines)
