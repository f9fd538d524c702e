"""Everything that a run may touch, in one value. A part of `shipway.wiring`."""

# ruff: noqa: PLC0415 - imports inside functions, see `shipway.wiring`
from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import RLock
from typing import TYPE_CHECKING, cast

from shipway.adapters import surroundings
from shipway.adapters.surroundings import run_name
from shipway.events.stream import Reader, Stream
from shipway.model.lazy import dataclass
from shipway.wiring.clouds import (
    Later,
    aws_values,
    http,
    inspector,
    orchestrator,
    redactor_for,
    registry,
)
from shipway.wiring.engines import compose_for, engine_for
from shipway.wiring.places import Place, actor, folders, leases, ledger, runs_folder
from shipway.wiring.results import step_cache

if TYPE_CHECKING:  # named for the type checker; made where they are needed
    from shipway.apply.world import World
    from shipway.ports import ComposeRunner, Http, ImageBuilder, Inspector, Orchestrator, Registry

EMBEDDED_POLL_S = 0.25
AWS_POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What somebody wants of one run besides its steps.

    `command` is the verb, as it was typed; `who` runs it, where that is known better; `as_ci` lets
    programs believe that they run in CI; `passed` are names and keys of the checks that a run
    which is resumed had passed.
    """

    command: str = ""
    who: str | None = None
    as_ci: bool = False
    passed: tuple[tuple[str, str], ...] = ()


def world(
    where: Place,
    environ: Mapping[str, str],
    readers: tuple[Reader, ...],
    wishes: Wishes | None = None,
) -> World:
    """Make everything that a run may touch.

    AWS, or the embedded default in its place, is loaded and looked for when it is first needed:
    checks run without either.
    """
    from shipway.adapters.clock import SystemClock
    from shipway.adapters.files import DiskFiles
    from shipway.adapters.memory import FileMemory
    from shipway.adapters.secret_store import References
    from shipway.adapters.shell import LocalShell
    from shipway.adapters.tools import InstalledTools
    from shipway.adapters.tree import GitTree
    from shipway.apply.world import World

    wishes = wishes or Wishes()
    clock, root = SystemClock(), str(where.root)
    stream = _stream(where, environ, readers, clock.now)
    redactor = redactor_for(environ)
    engine = Later(lambda: engine_for(where, environ))
    _, cache = folders(environ)
    bins = ("node_modules/.bin", str(where.root / "node_modules/.bin"))
    return World(
        service=where.service.name,
        run=stream.run,
        command=wishes.command,
        actor=wishes.who or actor(where, environ),
        root=root,
        folder=str(runs_folder(where) / stream.run),
        notes=str(where.state / "keys" / where.service.name),
        slots=surroundings.cpus(),
        poll_s=AWS_POLL_S if where.service.aws else EMBEDDED_POLL_S,
        env={"CI": "true", "NO_COLOR": "1"} if wishes.as_ci else {},
        passed=wishes.passed,
        platform=surroundings.platform(),
        chance=surroundings.chance,
        clock=clock,
        shell=LocalShell(bins),
        files=DiskFiles(),
        builder=cast("ImageBuilder", engine),
        registry=cast("Registry", Later(lambda: registry(where, engine, redactor))),
        orchestrator=cast("Orchestrator", Later(lambda: orchestrator(where))),
        inspector=cast("Inspector", Later(lambda: inspector(where))),
        http=cast("Http", Later(http)),
        compose=cast(
            "ComposeRunner", Later(lambda: compose_for(where, environ, stream.run, redactor))
        ),
        ledger=ledger(where.state),
        leases=leases(where),
        tree=GitTree(root, LocalShell()),
        tools=InstalledTools(root, cache, LocalShell(), environ),
        cache=step_cache(where, environ, stream, clock, redactor),
        memory=FileMemory(cache / "memory", where.service.name),
        secrets=References(environ, root, lambda: aws_values(where)),
        redactor=redactor,
        stream=stream,
    )


def _stream(
    where: Place, environ: Mapping[str, str], readers: tuple[Reader, ...], now: Callable[[], float]
) -> Stream:
    return Stream(
        service=where.service.name,
        run=run_name(environ),
        now=now,
        journal=ledger(where.state).append,
        guard=RLock(),
        readers=readers,
    )
