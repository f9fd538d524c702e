"""The verdict on what runs: the digests of running tasks, and the answers of probes.

Three verdicts: pass, fail, and inconclusive, when nobody could say. It refuses to know how
anything was asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from math import ceil

from shipway.model.lazy import dataclass
from shipway.model.observed import ProbeAnswer, RunningTask
from shipway.model.outcome import Outcome
from shipway.model.preflight import AlarmState, Unknown
from shipway.model.probes import AlarmProbe, BodyRule, CommandProbe, HttpProbe
from shipway.model.release import Release

ASK_LATER = 75
"""Exit status by which a command says that it could not ask (`EX_TEMPFAIL` of sysexits.h)."""

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, PASSED, FAILED or INCONCLUSIVE, and one line that says what was wanted and got."""

    outcome: Outcome
    line: str


def wrong_digests(release: Release, tasks: tuple[RunningTask, ...]) -> str:
    """Return why the running tasks are not this release; empty when every one of them is."""
    if not tasks:
        return "no task is running"
    wrong = [t for t in tasks if t.digest != release.digest]
    if not wrong:
        return ""
    example = wrong[0].digest or "an unknown digest"
    return f"{len(wrong)} of {len(tasks)} tasks run {example}, not {release.digest}"


def judge_digests(release: Release, tasks: tuple[RunningTask, ...]) -> Judged:
    """Judge the running tasks by their digests; one that is not known yet says nothing."""
    known = tuple(task for task in tasks if task.digest is not None)
    if not tasks or any(task.digest != release.digest for task in known):
        return Judged(Outcome.FAILED, wrong_digests(release, known))
    if len(known) < len(tasks):
        return Judged(Outcome.INCONCLUSIVE, wrong_digests(release, tasks))
    return Judged(Outcome.PASSED, "")


def wanted(probe: HttpProbe) -> str:
    """Say what an HTTP probe wants of one answer."""
    rule = probe.body
    statuses = " or ".join(str(status) for status in probe.statuses)
    parts = [f"status {statuses}"]
    if rule.contains:
        parts.append(f"a body with {rule.contains!r}")
    if rule.matches:
        parts.append(f"a body like /{rule.matches}/")
    parts += [f"{pointer} = {text}" for pointer, text in rule.equals]
    return ", ".join(parts)


def wrong_answer(probe: HttpProbe, answer: ProbeAnswer) -> str:
    """Return what was got instead of what the probe wants; empty when the answer is right."""
    if answer.status is None:
        return answer.problem
    if answer.status not in probe.statuses:
        return f"status {answer.status}"
    return next(_wrong_body(probe.body, answer.body), "")


def judge_http(
    probe: HttpProbe, *, wrong: str, reached: bool, seconds: tuple[float, ...] = ()
) -> Judged:
    """Judge an HTTP probe by what was got instead, or by how long its right answers took.

    A server that could not be reached from here has said nothing: that is inconclusive.
    """
    head = f"{probe.method} {probe.path}: wanted {wanted(probe)}"
    if wrong:
        outcome = Outcome.FAILED if reached else Outcome.INCONCLUSIVE
        return Judged(outcome, f"{head}, got {wrong}")
    slowest = f"{1000 * p95(seconds):.0f} ms" if seconds else "no time"
    if probe.latency_s is None:
        return Judged(Outcome.PASSED, f"{head}, got it {len(seconds)} times, p95 {slowest}")
    late = p95(seconds) > probe.latency_s
    line = f"{head} within {1000 * probe.latency_s:.0f} ms (p95 of {len(seconds)}), got {slowest}"
    return Judged(Outcome.FAILED if late else Outcome.PASSED, line)


def judge_command(probe: CommandProbe, *, status: int, timed_out: bool, log: str) -> Judged:
    """Judge an acceptance command by its end; 75 says that it could not ask."""
    head = f"{' '.join(probe.command)}: wanted exit 0"
    if status == 0 and not timed_out:
        return Judged(Outcome.PASSED, f"{head}, got it")
    got = f"no end within {probe.timeout_s:g} s" if timed_out else f"exit {status}"
    unsure = status == ASK_LATER and not timed_out
    outcome = Outcome.INCONCLUSIVE if unsure else Outcome.FAILED
    return Judged(outcome, f"{head}, got {got}; all it said is in {log}")


def judge_alarm(probe: AlarmProbe, state: AlarmState | Unknown | None) -> Judged:
    """Judge an alarm by its state; one without data, or that cannot be seen, says nothing."""
    head = f"alarm {probe.name}: wanted OK"
    match state:
        case AlarmState.OK:
            return Judged(Outcome.PASSED, f"{head}, got it")
        case AlarmState.ALARM:
            return Judged(Outcome.FAILED, f"{head}, got ALARM")
        case AlarmState.INSUFFICIENT_DATA:
            return Judged(Outcome.INCONCLUSIVE, f"{head}, got no data")
        case None:
            return Judged(Outcome.INCONCLUSIVE, f"{head}, got no such alarm")
        case _:
            return Judged(Outcome.INCONCLUSIVE, f"{head}, got no answer: {state.why}")


def worst(judged: tuple[Judged, ...]) -> Judged:
    """Return the first failure, else all that is inconclusive, else a pass without words."""
    failed = next((each for each in judged if each.outcome is Outcome.FAILED), None)
    if failed:
        return failed
    unsure = [each.line for each in judged if each.outcome is Outcome.INCONCLUSIVE]
    return Judged(Outcome.INCONCLUSIVE if unsure else Outcome.PASSED, "; ".join(unsure))


def p95(seconds: tuple[float, ...]) -> float:
    """Return what 95 of 100 keep to, by nearest rank: always one of them."""
    return sorted(seconds)[ceil(0.95 * len(seconds)) - 1]


def _wrong_body(rule: BodyRule, body: str) -> Iterator[str]:
    shown = f"{body[:_SHOWN]!r}{'...' if len(body) > _SHOWN else ''}"
    if rule.contains and rule.contains not in body:
        yield f"the body {shown}"
    if rule.matches and not re.search(rule.matches, body):
        yield f"the body {shown}"
    if rule.equals:
        try:
            document = json.loads(body)
        except ValueError:
            yield f"a body that is no JSON: {shown}"
            return
        for pointer, text in rule.equals:
            found = _at(document, pointer)
            if found != text:
                yield f"{pointer} {'is not there' if found is None else f'= {found[:_SHOWN]}'}"


def _at(document: object, pointer: str) -> str | None:
    """Return the text of what stands at a JSON pointer (RFC 6901); None where nothing does."""
    found = document
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found if isinstance(found, str) else json.dumps(found)
