"""The record of one run of checks, as `run.json` keeps it, and what can be read from it.

It is written again whenever a check ends, so a run that was killed leaves what had ended. It
refuses to know files: it makes text, and reads text.
"""

from __future__ import annotations

import json
from math import isfinite

from shipway.checks.timing import Link, Span, chain
from shipway.model.lazy import dataclass
from shipway.model.outcome import Outcome

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRecord:
    """How one check went; times are seconds from the run's start.

    `outcome` is None while it waits or runs, and stays so where the run was killed. `started` and
    `ended` are None where it did not come to that; `exit_status` where no program ran to its end.
    `key` is its cache key, `cached` says where its result came from, `attempts` counts programs
    that were started for it: 0 for a result that was restored.
    """

    name: str
    outcome: Outcome | None = None
    reason: str = ""
    needs: tuple[str, ...] = ()
    key: str = ""
    cached: str = ""
    started: float | None = None
    ended: float | None = None
    exit_status: int | None = None
    tests: int = 0
    failed_tests: tuple[str, ...] = ()
    log: str = ""
    attempts: int = 0
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run: what was asked for, of which tree, and how each check went, as declared.

    `command` is the verb, `asked` the names given with it (empty for all), `flags` the options.
    `tree` is the git tree that was checked where the checkout differed from `commit`, else empty.
    `started_at` is seconds since the epoch, UTC. `seconds` is wall time, None until the run ended.
    """

    run: str
    service: str
    command: str
    commit: str
    started_at: float
    tree: str = ""
    platform: str = ""
    asked: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    seconds: float | None = None
    checks: tuple[CheckRecord, ...] = ()


def encode(record: RunRecord) -> str:
    """Return the record as JSON with its version, a check to a line; `decode` gives it back."""
    head = {name: getattr(record, name) for name in RunRecord.__dataclass_fields__}
    lines = [_json({"version": VERSION, **head, "checks": []}).removesuffix("]}")]
    lines += [
        _json({name: getattr(check, name) for name in CheckRecord.__dataclass_fields__}) + ","
        for check in record.checks
    ]
    lines[-1] = lines[-1].removesuffix(",")
    return "\n".join((*lines, "]}", ""))


def _json(fields: dict[str, object]) -> str:
    return json.dumps(fields, ensure_ascii=False, default=_outcome)


def _outcome(value: object) -> str:
    if isinstance(value, Outcome):
        return value.value
    raise TypeError(type(value).__name__)


def decode(text: str) -> RunRecord | None:
    """Rebuild a record; None where it is damaged, or of a version with another meaning.

    Fields that this version does not know are ignored: adding one does not raise the version.
    """
    try:
        found = json.loads(text, parse_constant=_no_number)
        if found["version"] != VERSION:
            return None
        return RunRecord(
            run=_text(found["run"]),
            service=_text(found["service"]),
            command=_text(found["command"]),
            commit=_text(found["commit"]),
            started_at=_number(found["started_at"]),
            tree=_text(found["tree"]),
            platform=_text(found["platform"]),
            asked=_texts(found["asked"]),
            flags=_texts(found["flags"]),
            seconds=_maybe(found["seconds"]),
            checks=tuple(_check(each) for each in _list(found["checks"])),
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _check(found: object) -> CheckRecord:
    if not isinstance(found, dict):
        raise TypeError
    status, outcome = found["exit_status"], found["outcome"]
    return CheckRecord(
        name=_text(found["name"]),
        outcome=None if outcome is None else Outcome(outcome),
        reason=_text(found["reason"]),
        needs=_texts(found["needs"]),
        key=_text(found["key"]),
        cached=_text(found["cached"]),
        started=_maybe(found["started"]),
        ended=_maybe(found["ended"]),
        exit_status=None if status is None else _whole(status),
        tests=_whole(found["tests"]),
        failed_tests=_texts(found["failed_tests"]),
        log=_text(found["log"]),
        attempts=_whole(found["attempts"]),
        labels=_texts(found["labels"]),
    )


def _no_number(name: str) -> float:
    raise ValueError(name)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise TypeError


def _list(value: object) -> list[object]:
    if isinstance(value, list):
        return value
    raise TypeError


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(each) for each in _list(value))


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError


def _number(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return float(value)
    raise TypeError


def _maybe(value: object) -> float | None:
    return None if value is None else _number(value)


def unfinished(record: RunRecord) -> tuple[str, ...]:
    """Return the checks that did not pass, as declared: what `resume` has to run.

    Those that failed, had no answer, were stopped, were not started, and those that ran when the
    run was killed.
    """
    return tuple(c.name for c in record.checks if c.outcome is not Outcome.PASSED)


def critical_path(record: RunRecord) -> tuple[Link, ...]:
    """Return the chain of checks that made the run as long as it was; see `timing.chain`."""
    return chain(
        tuple(
            Span(c.name, c.needs, c.started, c.ended)
            for c in record.checks
            if c.started is not None and c.ended is not None
        )
    )
