"""What a deployment means: the verdict on every state that ECS can show, branch by branch."""

from __future__ import annotations

import dis
import sys
from dataclasses import replace
from itertools import pairwise
from types import CodeType, FrameType
from typing import Any

import botocore.session
import pytest
from botocore.model import StringShape

from shipway.environments import health
from shipway.environments.health import STAGES, Ended, Paused, Settling, verdict
from shipway.model.observed import (
    Alarms,
    AwaitedHook,
    DeploymentArn,
    DeploymentStatus,
    LifecycleStage,
    ObservedDeployment,
    RevisionCount,
    RolloutKind,
)
from shipway.model.outcome import DeploymentOutcome

S = DeploymentStatus
O = DeploymentOutcome  # noqa: E741 - the table below is read beside the API's own words
REPLACED = "Replaced by a new service deployment."
HOOK = AwaitedHook("hook-1", LifecycleStage.POST_TEST_TRAFFIC_SHIFT, 1_800_000_000.0, "ROLLBACK")
GOING = ObservedDeployment(
    arn=DeploymentArn("arn:1"),
    status=S.IN_PROGRESS,
    reason="",
    images=(),
    desired=2,
    running=1,
    failures=0,
    breaker_tripped=False,
    first=False,
)
BAKING = replace(
    GOING,
    running=2,
    kind=RolloutKind.CANARY,
    stage=LifecycleStage.BAKE_TIME,
    target=RevisionCount("arn:r", 2, 2, 0, weight=5.0, test_weight=100.0),
)

TABLE: dict[str, tuple[ObservedDeployment, Settling | Paused | Ended]] = {
    "not begun": (
        replace(GOING, status=S.PENDING),
        Settling(doomed=False, sentence="ECS has not begun yet"),
    ),
    "rolling": (GOING, Settling(doomed=False, sentence="1 of 2 tasks run")),
    "baking": (
        BAKING,
        Settling(
            doomed=False,
            sentence="2 of 2 tasks run, 5 % of the traffic, 100 % of the test traffic, "
            "bake time, the old tasks still stand by",
        ),
    ),
    "no weights": (
        replace(GOING, target=RevisionCount("arn:r", 2, 1)),
        Settling(doomed=False, sentence="1 of 2 tasks run"),
    ),
    "paused": (
        replace(GOING, hook=HOOK),
        Paused(HOOK, "waits for a person after test traffic moved"),
    ),
    "paused nowhere": (
        replace(GOING, hook=replace(HOOK, stage=None)),
        Paused(replace(HOOK, stage=None), "waits for a person at a pause"),
    ),
    "breaker tripped": (
        replace(GOING, breaker_tripped=True),
        Settling(doomed=True, sentence="ECS gives it up: too many tasks failed"),
    ),
    "alarm fired while paused": (
        replace(GOING, hook=HOOK, alarms=Alarms(("a", "b"), ("b",))),
        Settling(doomed=True, sentence="ECS gives it up: b fired"),
    ),
    "stop requested": (
        replace(GOING, status=S.STOP_REQUESTED),
        Settling(doomed=False, sentence="somebody asked ECS to stop it"),
    ),
    "rollback requested": (
        replace(GOING, status=S.ROLLBACK_REQUESTED),
        Settling(doomed=True, sentence="somebody asked ECS to roll it back"),
    ),
    "rolling back": (
        replace(GOING, status=S.ROLLBACK_IN_PROGRESS),
        Settling(doomed=True, sentence="ECS rolls it back"),
    ),
    "rolling back, and why": (
        replace(GOING, status=S.ROLLBACK_IN_PROGRESS, reason="by hand"),
        Settling(doomed=True, sentence="ECS rolls it back: by hand"),
    ),
    "successful": (replace(GOING, status=S.SUCCESSFUL), Ended(O.SUCCEEDED, "")),
    "rolled back": (
        replace(GOING, status=S.ROLLBACK_SUCCESSFUL, reason="so"),
        Ended(O.ROLLED_BACK, "so"),
    ),
    "rollback failed": (
        replace(GOING, status=S.ROLLBACK_FAILED, reason="so"),
        Ended(O.ROLLBACK_FAILED, "so"),
    ),
    "nothing to return to": (
        replace(GOING, status=S.ROLLBACK_FAILED, reason="so", first=True),
        Ended(O.FAILED, "so"),
    ),
    "replaced": (
        replace(GOING, status=S.STOPPED, reason=REPLACED),
        Ended(O.SUPERSEDED, REPLACED),
    ),
    "replaced after its breaker tripped": (
        replace(GOING, status=S.STOPPED, reason=REPLACED, breaker_tripped=True),
        Ended(O.SUPERSEDED, REPLACED),
    ),
    "given up without a rollback": (
        replace(GOING, status=S.STOPPED, reason="threshold exceeded", breaker_tripped=True),
        Ended(O.FAILED, "threshold exceeded"),
    ),
    "stopped by hand": (
        replace(GOING, status=S.STOPPED),
        Ended(O.FAILED, "it was stopped before its end"),
    ),
}


def words_of_the_api(shape: str) -> list[str]:
    """What the installed SDK's own service model lists."""
    found = botocore.session.Session().get_service_model("ecs").shape_for(shape)
    assert isinstance(found, StringShape)
    return list(found.enum)


@pytest.mark.parametrize("name", TABLE)
def test_every_state_has_its_verdict(name: str) -> None:
    """Each state of a deployment is judged: going on, waiting for a person, or ended, and how."""
    seen, expected = TABLE[name]
    assert verdict(seen) == expected


@pytest.mark.parametrize("status", words_of_the_api("ServiceDeploymentStatus"))
def test_every_status_of_the_api_is_known(status: str) -> None:
    """Whatever the installed SDK lists as a status has a verdict here, in the table above."""
    assert verdict(replace(GOING, status=S(status))) is not None
    assert any(seen.status is S(status) for seen, _ in TABLE.values())


def test_the_stages_are_those_of_the_api_in_its_order() -> None:
    """The SDK's stages and ours are the same, in the same order, and each has words."""
    assert [stage.value for stage in LifecycleStage] == words_of_the_api(
        "ServiceDeploymentLifecycleStage"
    )
    assert [stage.position for stage in LifecycleStage] == list(range(len(STAGES)))


def test_the_strategies_are_those_of_the_api() -> None:
    """The SDK lists no strategy that we have no name for."""
    assert {kind.value for kind in RolloutKind} == set(words_of_the_api("DeploymentStrategy"))


def test_every_branch_of_the_verdict_is_taken() -> None:
    """The table takes both sides of every conditional jump in the module's compiled code."""
    wanted = {jump for code in _codes() for jump in _jumps(code)}
    taken = _steps_while(lambda: [verdict(seen) for seen, _ in TABLE.values()])
    assert len(wanted) > 40
    assert wanted - taken == set()


def _codes() -> list[CodeType]:
    """Every function of the module, with what is compiled inside it."""
    found = [f.__code__ for f in vars(health).values() if _is_ours(f)]
    for code in found:
        found += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
    return found


def _is_ours(thing: object) -> bool:
    return getattr(thing, "__module__", "") == health.__name__ and hasattr(thing, "__code__")


def _jumps(code: CodeType) -> set[tuple[CodeType, int, int]]:
    """Both destinations of each conditional jump; those to `assert_never` cannot be reached."""
    steps = list(dis.get_instructions(code))
    dead = _unreachable(steps)
    found = set()
    for step, after in pairwise(steps):
        if step.opname.startswith("POP_JUMP"):
            found |= {(code, step.offset, after.offset), (code, step.offset, int(step.argval))}
    return {(where, here, there) for where, here, there in found if there not in dead}


def _unreachable(steps: list[dis.Instruction]) -> set[int]:
    """Offsets of the last case of a match, which only the type checker ever sees."""
    lines: dict[int, int] = {}
    line = 0
    for step in steps:
        line = step.starts_line or line
        lines[step.offset] = line
    never = {lines[s.offset] for s in steps if s.argval == "assert_never"}
    return {offset for offset, line in lines.items() if line in never | {n - 1 for n in never}}


def _steps_while(work: Any) -> set[tuple[CodeType, int, int]]:  # noqa: ANN401 - any callable
    """Run something and return each pair of instructions that ran one after the other."""
    ours, taken, last = set(_codes()), set(), dict[int, int]()

    def trace(frame: FrameType, event: str, arg: object) -> Any:  # noqa: ANN401 - as sys has it
        del arg
        if frame.f_code not in ours:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            if id(frame) in last:
                taken.add((frame.f_code, last[id(frame)], frame.f_lasti))
            last[id(frame)] = frame.f_lasti
        elif event in {"call", "return"}:
            last.pop(id(frame), None)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return taken
