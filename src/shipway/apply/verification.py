"""Looks whether what runs is the release, and whether it answers as it should."""

from __future__ import annotations

from shipway.apply.waiting import wait_for
from shipway.apply.world import World
from shipway.environments.smoke import wrong_answer, wrong_digests
from shipway.errors import VerificationFailed
from shipway.events.types import Output, VerificationEnded
from shipway.model.outcome import Outcome
from shipway.model.release import Release
from shipway.model.service import CommandProbe, Environment, HttpProbe, Probe
from shipway.plan.steps import Verify

DIGESTS_WITHIN_S = 10.0
FIRST_ANSWER_WITHIN_S = 10.0
ANSWERS_IN_A_ROW = 5
BETWEEN_ANSWERS_S = 0.1


def verify(step: Verify, world: World) -> Outcome:
    """Verify a release in its environment and write the result down; a no is not an exception."""
    reason = problem_with(step.environment, step.release, world)
    outcome = Outcome.FAILED if reason else Outcome.PASSED
    name = step.environment.name
    world.publish(VerificationEnded(name, step.release.name, outcome.value, reason))
    return outcome


def check_again(step: Verify, world: World) -> None:
    """Verify without writing anything down, as `shipway verify` does for what is long verified.

    Raises:
        VerificationFailed: with the reason.
    """
    reason = problem_with(step.environment, step.release, world)
    if reason:
        raise VerificationFailed(reason, where=step.environment.name)


def problem_with(environment: Environment, release: Release, world: World) -> str:
    """Return the first thing that is wrong with a release where it runs; empty when none is."""
    wrong = running_wrong(environment, release, world)
    if wrong:
        return wrong
    address = world.orchestrator.address(environment)
    for probe in environment.probes:
        wrong = _probe(probe, environment, release, address, world)
        if wrong:
            return wrong
    return ""


def running_wrong(environment: Environment, release: Release, world: World) -> str:
    """Return why the running tasks are not this release, giving ECS a moment to agree."""
    last = ""

    def look() -> str | None:
        nonlocal last
        last = wrong_digests(release, world.orchestrator.running_tasks(environment))
        return None if last else "right"

    wait_for(look, clock=world.clock, every_s=world.poll_s, within_s=DIGESTS_WITHIN_S)
    return last


def _probe(
    probe: Probe, environment: Environment, release: Release, address: str, world: World
) -> str:
    match probe:
        case HttpProbe():
            return _http(probe, f"{address}{probe.path}", world)
        case CommandProbe():
            return _command(probe, environment, release, address, world)


def _http(probe: HttpProbe, url: str, world: World) -> str:
    """Wait for a first right answer, then want several in a row: every task may be asked."""
    last = ""

    def look() -> str | None:
        nonlocal last
        last = wrong_answer(probe, world.http.get(url, timeout_s=probe.timeout_s))
        return None if last else "right"

    first = wait_for(look, clock=world.clock, every_s=0.5, within_s=FIRST_ANSWER_WITHIN_S)
    if first is None:
        return last
    for _ in range(ANSWERS_IN_A_ROW - 1):
        world.clock.wait(BETWEEN_ANSWERS_S)
        if look() is None:
            return last
    return ""


def _command(
    probe: CommandProbe, environment: Environment, release: Release, address: str, world: World
) -> str:
    lines: list[str] = []
    log = f"{world.folder}/verify-{environment.name}.log"

    def on_line(line: str) -> None:
        lines.append(line)
        world.files.append(log, line)
        world.publish(Output(f"verify {environment.name}", line))

    done = world.shell.run(
        probe.command,
        cwd=world.root,
        env={
            "SHIPWAY_URL": address,
            "SHIPWAY_ENVIRONMENT": environment.name,
            "SHIPWAY_COMMIT": release.commit,
            "SHIPWAY_IMAGE_DIGEST": release.digest,
        },
        on_line=on_line,
        timeout_s=probe.timeout_s,
    )
    if done.status == 0 and not done.timed_out:
        return ""
    how = f"took longer than {probe.timeout_s:g} s" if done.timed_out else f"exit {done.status}"
    return f"{' '.join(probe.command)}: {how}; all it said is in {log}"
