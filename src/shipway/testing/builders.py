"""Values for tests: whole and right as they come, with only what matters named by the test."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from threading import RLock

from shipway.apply.redaction import Redactor
from shipway.apply.world import World
from shipway.events.stream import Stream
from shipway.events.types import Entry, Event, HistoryEvent
from shipway.model.probes import HttpProbe, Probe
from shipway.model.release import Commit, Digest, Release, Source
from shipway.model.service import (
    Aws,
    Check,
    CommandCheck,
    ComposeCheck,
    Container,
    Environment,
    GateRules,
    ImageRules,
    Service,
)
from shipway.model.strategy import StrategyRules
from shipway.testing.calls import Calls
from shipway.testing.checkout import FakeTools, FakeTree
from shipway.testing.ecs import FakeOrchestrator
from shipway.testing.http import FakeHttp
from shipway.testing.images import NAME, FakeBuilder, FakeRegistry
from shipway.testing.inspector import FakeInspector
from shipway.testing.machine import FakeClock, FakeCompose, FakeFiles, FakeShell
from shipway.testing.memory import FakeLeases, FakeSecrets, MemoryLedger
from shipway.testing.step_cache import FakeMemory, MemoryStepCache

ROOT, FOLDER = "/checkout", "/runs"
ROLLING = StrategyRules()
AUTHOR = "Ada Author <ada@example.test>"


def a_commit(word: str = "first") -> Commit:
    """Return a full commit id that belongs to a word."""
    return Commit(hashlib.sha1(word.encode(), usedforsecurity=False).hexdigest())


def a_digest(word: str = "first") -> Digest:
    """Return a digest that belongs to a word."""
    return Digest(f"sha256:{hashlib.sha256(word.encode()).hexdigest()}")


def a_source(word: str = "first", *, branch: str = "main", author: str = AUTHOR) -> Source:
    """Return the commit that belongs to a word."""
    return Source(a_commit(word), branch, author, f"Say {word}", "2026-01-02T03:04:05+00:00")


def a_release(word: str = "first", *, service: str = "sender", author: str = AUTHOR) -> Release:
    """Return the release of the commit that belongs to a word."""
    source = a_source(word, author=author)
    return Release(
        service=service,
        commit=source.commit,
        branch=source.branch,
        author=source.author,
        subject=source.subject,
        repository=f"{NAME}/{service}",
        digest=a_digest(word),
    )


def a_check(
    name: str, *, needs: tuple[str, ...] = (), junit: str | None = None, timeout_s: float = 60.0
) -> CommandCheck:
    """Return a check that runs a program of its own name; `dataclasses.replace` for the rest."""
    return CommandCheck(name=name, command=(name,), needs=needs, junit=junit, timeout_s=timeout_s)


def a_compose_check(name: str, *, junit: str | None = None) -> ComposeCheck:
    """Return a check that is a compose file."""
    return ComposeCheck(
        name=name, file="compose.yml", exit_code_from="tests", junit=junit, timeout_s=60.0
    )


def an_environment(
    name: str = "preprod",
    *,
    after: str | None = None,
    gate: GateRules | None = None,
    probes: tuple[Probe, ...] = (HttpProbe("/healthz", (200,), 5.0),),
    timeout_s: float = 600.0,
    strategy: StrategyRules = ROLLING,
) -> Environment:
    """Return an environment with two tasks and one probe."""
    container = Container(
        port=3000,
        cpu=256,
        memory=512,
        health="/healthz",
        tasks=2,
        grace_s=10,
        env=(("MODE", name),),
        secrets=(),
    )
    return Environment(
        name=name,
        cluster=name,
        ecs_service="sender",
        strategy=strategy,
        after=after,
        gate=gate,
        probes=probes,
        container=container,
        timeout_s=timeout_s,
    )


def a_service(
    *,
    checks: tuple[Check, ...] = (),
    environments: tuple[Environment, ...] | None = None,
    groups: tuple[tuple[str, tuple[str, ...]], ...] = (("qa", ("quinn", "robin")),),
    tag_branch: bool = True,
    aws: Aws | None = None,
) -> Service:
    """Return a service with a pre-production and, behind a gate of one approval, a production."""
    if environments is None:
        gate = GateRules(1, ("qa",))
        environments = (
            an_environment("preprod"),
            an_environment("production", after="preprod", gate=gate),
        )
    image = ImageRules("sender", "Dockerfile", ".", (), tag_branch)
    return Service("sender", "team-messaging", "main", checks, image, environments, groups, aws)


def an_entry(event: Event, *, at: float = 0.0, run: str = "run-1") -> Entry:
    """Return an event in its envelope."""
    return Entry(at, "sender", run, event)


@dataclass(slots=True)
class Stage:
    """A whole world in memory that outlives its runs, as the outside outlives a process.

    `events` are what the streams of all its runs published, in order.
    """

    calls: Calls = field(default_factory=Calls)
    clock: FakeClock = field(default_factory=FakeClock)
    files: FakeFiles = field(default_factory=FakeFiles)
    leases: FakeLeases = field(default_factory=FakeLeases)
    events: list[Event] = field(default_factory=list)
    ledger: MemoryLedger = field(init=False)
    shell: FakeShell = field(init=False)
    compose: FakeCompose = field(init=False)
    registry: FakeRegistry = field(init=False)
    builder: FakeBuilder = field(init=False)
    orchestrator: FakeOrchestrator = field(init=False)
    inspector: FakeInspector = field(init=False)
    http: FakeHttp = field(init=False)
    tree: FakeTree = field(init=False)
    tools: FakeTools = field(init=False)
    cache: MemoryStepCache = field(init=False)
    memory: FakeMemory = field(default_factory=FakeMemory)
    secrets: FakeSecrets = field(default_factory=FakeSecrets)

    def __post_init__(self) -> None:
        self.ledger = MemoryLedger(self.calls)
        self.shell = FakeShell(files=self.files, calls=self.calls)
        self.compose = FakeCompose(files=self.files, calls=self.calls)
        self.registry = FakeRegistry(self.calls)
        self.builder = FakeBuilder(self.registry, self.calls)
        self.orchestrator = FakeOrchestrator(self.calls)
        self.inspector = FakeInspector(self.calls)
        self.http = FakeHttp(self.orchestrator.status_of, self.calls)
        self.tree = FakeTree(calls=self.calls)
        self.tools = FakeTools({"node": "v20.20.2"}, calls=self.calls)
        self.cache = MemoryStepCache(self.files)

    def world(
        self,
        run: str = "run-1",
        *,
        actor: str = "dev",
        slots: int = 2,
        passed: tuple[tuple[str, str], ...] = (),
    ) -> World:
        """Return the world of one run."""
        self.cache.closed = False  # the run before has closed it
        stream = Stream(
            service="sender",
            run=run,
            now=self.clock.now,
            journal=self.ledger.append,
            guard=RLock(),
            readers=(lambda entry: self.events.append(entry.event),),
        )
        return World(
            service="sender",
            run=run,
            command="run",
            actor=actor,
            root=ROOT,
            folder=f"{FOLDER}/{run}",
            notes=f"{FOLDER}/keys",
            slots=slots,
            poll_s=1.0,
            env={},
            platform="linux-x86_64",
            passed=passed,
            chance=lambda: 0.5,
            clock=self.clock,
            shell=self.shell,
            files=self.files,
            builder=self.builder,
            registry=self.registry,
            orchestrator=self.orchestrator,
            inspector=self.inspector,
            http=self.http,
            compose=self.compose,
            ledger=self.ledger,
            leases=self.leases,
            tree=self.tree,
            tools=self.tools,
            cache=self.cache,
            memory=self.memory,
            secrets=self.secrets,
            redactor=Redactor(),
            stream=stream,
        )

    def remember(self, event: HistoryEvent, *, run: str = "by-hand") -> None:
        """Write one event into the ledger, as an approval is."""
        self.clock.at += 1
        self.ledger.append(an_entry(event, at=self.clock.at, run=run))


def a_world(run: str = "run-1", *, actor: str = "dev", slots: int = 2) -> World:
    """Return the world of one run on a stage of its own."""
    return Stage().world(run, actor=actor, slots=slots)
