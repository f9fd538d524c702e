"""Asks the probes of an environment, and watches them while it bakes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shipway.apply.waiting import wait_for
from shipway.apply.world import World
from shipway.environments.smoke import (
    Judged,
    judge_alarm,
    judge_command,
    judge_http,
    worst,
    wrong_answer,
)
from shipway.events.judging import ProbeEnded
from shipway.events.types import Output
from shipway.model.lazy import dataclass
from shipway.model.observed import ProbeAnswer
from shipway.model.outcome import Outcome
from shipway.model.probes import AlarmProbe, BodyRule, CommandProbe, HttpProbe, Probe
from shipway.model.release import Release
from shipway.model.service import Environment

FIRST_ANSWER_WITHIN_S = 10.0
BETWEEN_ANSWERS_S = 0.1
BAKE_EVERY_S = 5.0

_NO_BODY = BodyRule()


@dataclass(frozen=True, slots=True)
class Subject:
    """What is probed: a release in an environment, at its address."""

    environment: Environment
    release: Release
    address: str


def probe_all(subject: Subject, world: World) -> Judged:
    """Ask every probe in its order, up to the first that fails, and tell each result."""
    judged: list[Judged] = []
    for probe in subject.environment.probes:
        found = _probe(probe, subject, world)
        _tell(subject, found, world)
        judged.append(found)
        if found.outcome is Outcome.FAILED:
            break
    return worst(tuple(judged))


def bake(subject: Subject, world: World) -> Judged:
    """Watch probes and alarms for as long as the environment bakes; a failure ends it at once.

    Acceptance commands are not run again. What nobody could say at the last look is inconclusive;
    a look in between that found nothing out is made up for by the next one.
    """
    start, seconds = world.clock.monotonic(), subject.environment.bake_s
    judged: tuple[Judged, ...] = ()
    before: set[str] = set()
    while True:
        left = start + seconds - world.clock.monotonic()
        if left <= 0:
            return worst(judged)
        world.clock.wait(min(BAKE_EVERY_S, left))
        judged = tuple(_looks(subject, world))
        for each in judged:
            if each.outcome is not Outcome.PASSED and each.line not in before:
                _tell(subject, each, world)
        before = {each.line for each in judged}
        if worst(judged).outcome is Outcome.FAILED:
            return worst(judged)


def _tell(subject: Subject, judged: Judged, world: World) -> None:
    name = subject.environment.name
    world.publish(ProbeEnded(name, judged.outcome.value, judged.line))


def _probe(probe: Probe, subject: Subject, world: World) -> Judged:
    match probe:
        case HttpProbe():
            return _http(probe, subject, world)
        case CommandProbe():
            return _command(probe, subject, world)
        case AlarmProbe():
            return _alarms((probe,), world)[0]


def _looks(subject: Subject, world: World) -> Iterator[Judged]:
    """Ask once more what can be asked again and again."""
    probes = subject.environment.probes
    for probe in probes:
        if isinstance(probe, HttpProbe):
            yield _once(probe, subject, world)
    yield from _alarms(_all_alarms(subject.environment), world)


def _all_alarms(environment: Environment) -> tuple[AlarmProbe, ...]:
    """Return the alarms among the probes, then those of the strategy; each once."""
    own = [p.name for p in environment.probes if isinstance(p, AlarmProbe)]
    return tuple(AlarmProbe(name) for name in dict.fromkeys((*own, *environment.strategy.alarms)))


def _alarms(probes: tuple[AlarmProbe, ...], world: World) -> tuple[Judged, ...]:
    states = world.inspector.alarms(tuple(p.name for p in probes)) if probes else ()
    return tuple(judge_alarm(p, state) for p, (_, state) in zip(probes, states, strict=True))


def _ask(probe: HttpProbe, subject: Subject, world: World) -> ProbeAnswer:
    return world.http.ask(
        f"{subject.address}{probe.path}",
        timeout_s=probe.timeout_s,
        method=probe.method,
        headers=probe.headers,
        body=probe.body != _NO_BODY,
    )


def _http(probe: HttpProbe, subject: Subject, world: World) -> Judged:
    """Ask until an answer is right, then for as many more as the probe wants."""
    got = ""
    answer: ProbeAnswer | None = None

    def look() -> ProbeAnswer | None:
        nonlocal got, answer
        answer = _ask(probe, subject, world)
        got = wrong_answer(probe, answer)
        return None if got else answer

    first = wait_for(look, clock=world.clock, every_s=0.5, within_s=FIRST_ANSWER_WITHIN_S)
    if first is None:
        return judge_http(probe, wrong=got, reached=answer is not None and answer.reached)
    seconds, forgiven = [first.seconds], 0
    while len(seconds) < probe.answers:
        world.clock.wait(BETWEEN_ANSWERS_S)
        again = _ask(probe, subject, world)
        got = wrong_answer(probe, again)
        if not got:
            seconds.append(again.seconds)
        elif forgiven < probe.retries:
            forgiven += 1
        else:
            return judge_http(probe, wrong=got, reached=again.reached)
    return judge_http(probe, wrong="", reached=True, seconds=tuple(seconds))


def _once(probe: HttpProbe, subject: Subject, world: World) -> Judged:
    """Ask for one right answer, forgiving as many wrong ones as the probe does."""
    for left in range(probe.retries, -1, -1):
        answer = _ask(probe, subject, world)
        got = wrong_answer(probe, answer)
        if not got or not left:
            break
        world.clock.wait(BETWEEN_ANSWERS_S)
    calm = replace(probe, latency_s=None)  # one answer alone says nothing about 95 of 100
    return judge_http(calm, wrong=got, reached=answer.reached, seconds=(answer.seconds,))


def _command(probe: CommandProbe, subject: Subject, world: World) -> Judged:
    environment, release = subject.environment, subject.release
    log = f"{world.folder}/verify-{environment.name}.log"

    def on_line(line: str) -> None:
        world.files.append(log, line)
        world.publish(Output(f"verify {environment.name}", line))

    done = world.shell.run(
        probe.command,
        cwd=world.root,
        env={
            "SHIPWAY_URL": subject.address,
            "SHIPWAY_ENVIRONMENT": environment.name,
            "SHIPWAY_COMMIT": release.commit,
            "SHIPWAY_IMAGE_DIGEST": release.digest,
        },
        on_line=on_line,
        timeout_s=probe.timeout_s,
    )
    return judge_command(probe, status=done.status, timed_out=done.timed_out, log=log)
