"""How tests of the executor run checks, what they look at afterwards, and programs that act."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from shipway.apply.checks import run_checks
from shipway.apply.world import World
from shipway.checks.record import RunRecord, decode
from shipway.events.types import CheckEnded, ChecksEnded, Output, Warned
from shipway.model.service import CacheUse, Check, CommandCheck
from shipway.plan.steps import BuildImage, RunChecks
from shipway.ports import Cancel, Exit, OnOutput
from shipway.testing.builders import Stage, a_check, a_commit, a_service
from shipway.testing.fakes import FakeShell, Script

GREEN: Final = '<testsuite name="s"><testcase name="adds"/></testsuite>'
RED: Final = '<testsuite name="s"><testcase name="adds"><failure/></testcase></testsuite>'


class ActingShell(FakeShell):
    """Programs that do something to the world, or follow another script each time they are run."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.shell.scripts, stage.files, stage.calls)
        self.acts: dict[str, Callable[[], None]] = {}
        self.turns: dict[str, list[Script]] = {}

    def stream(
        self,
        command: tuple[str, ...],
        *,
        cwd: str,
        env: Mapping[str, str],
        on_output: OnOutput,
        timeout_s: float,
        silence_s: float | None = None,
        cancel: Cancel | None = None,
    ) -> Exit:
        """Act, take the next turn, and follow the script."""
        if command[0] in self.acts:
            self.acts[command[0]]()
        if self.turns.get(command[0]):
            self.scripts[command[0]] = self.turns[command[0]].pop(0)
        return super().stream(
            command,
            cwd=cwd,
            env=env,
            on_output=on_output,
            timeout_s=timeout_s,
            silence_s=silence_s,
            cancel=cancel,
        )


def acting(stage: Stage) -> ActingShell:
    """Give a stage programs that act."""
    shell = ActingShell(stage)
    stage.shell = shell
    return shell


def keyed(
    name: str,
    *needs: str,
    inputs: tuple[str, ...] = ("src/**",),
    cache: CacheUse = CacheUse.ON,
    outputs: tuple[str, ...] = (),
    junit: str | None = None,
) -> CommandCheck:
    """Return a check that can be cached."""
    check = a_check(name, needs=needs, junit=junit)
    return replace(check, inputs=inputs, cache=cache, outputs=outputs)


def a_stage() -> Stage:
    """A checkout with two sources."""
    stage = Stage()
    stage.tree.texts = {"src/a.ts": "a", "src/b.ts": "b", "package.json": "{}"}
    return stage


def step(
    *checks: Check, asked: tuple[str, ...] = (), use_cache: bool = True, keep_going: bool = False
) -> RunChecks:
    """What `shipway run` asks for."""
    return RunChecks(None, checks, asked=asked, use_cache=use_cache, keep_going=keep_going)


def built(*checks: Check, needs: tuple[str, ...] = ()) -> RunChecks:
    """What a delivery asks for: all checks of the first commit, and its image."""
    image = replace(a_service().image, needs=needs)
    labels = (("org.opencontainers.image.revision", str(a_commit())),)
    return RunChecks(a_commit(), checks, BuildImage(image, a_commit(), "sha-first", labels))


def go(stage: Stage, wanted: RunChecks, run: str = "run-1", *, world: World | None = None) -> World:
    """Run it, with nothing left of what earlier runs told and started."""
    stage.events.clear()
    stage.shell.ran.clear()
    world = world or stage.world(run)
    run_checks(wanted, world)
    return world


def ran(stage: Stage) -> list[str]:
    """The programs of the last run, in the order of their starts."""
    return [each.command[0] for each in stage.shell.ran]


def ended(stage: Stage) -> dict[str, CheckEnded]:
    """How each check of the last run ended."""
    return {event.check: event for event in stage.events if isinstance(event, CheckEnded)}


def sources(stage: Stage) -> dict[str, str]:
    """Where the result of each check of the last run came from; empty where it ran."""
    return {name: event.cached for name, event in ended(stage).items()}


def end_of(stage: Stage) -> ChecksEnded:
    """The one event that ends all checks of the last run."""
    (found,) = [event for event in stage.events if isinstance(event, ChecksEnded)]
    return found


def warnings(stage: Stage) -> list[tuple[str, str]]:
    """What the last run was warned of: about what, and in which words."""
    return [(e.about, e.message) for e in stage.events if isinstance(e, Warned)]


def said(stage: Stage, source: str) -> list[str]:
    """The lines that the last run told of a source."""
    return [e.line for e in stage.events if isinstance(e, Output) and e.source == source]


def record(stage: Stage, run: str = "run-1") -> RunRecord:
    """The record of a run, as it stands on the disk."""
    found = decode(stage.files.texts[f"/runs/{run}/run.json"])
    assert found is not None
    return found
