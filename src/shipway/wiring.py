"""The only file that names concrete adapters: environment and folders in, a World out.

Adapters are imported where they are made: `shipway status` needs no AWS, and must not wait for it.
"""

# ruff: noqa: PLC0415 - imports inside functions, see above
from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, cast

from shipway.adapters import surroundings
from shipway.adapters.surroundings import read_text, run_name
from shipway.errors import FileIsMissing, LeaseIsHeld, LocalIsDown
from shipway.events.stream import Reader, Stream
from shipway.events.types import Entry, HistoryEvent, Warned
from shipway.ledger import History, fold
from shipway.model.service import ComposeCheck, RemoteCache, Service

if TYPE_CHECKING:  # named for the type checker; made where they are needed
    from shipway.adapters.aws.ecr import LogIn
    from shipway.adapters.aws.logs import AwsLogs
    from shipway.adapters.aws.secrets import AwsSecrets
    from shipway.adapters.aws.session import Session
    from shipway.adapters.clock import SystemClock
    from shipway.adapters.compose import Compose
    from shipway.adapters.git import GitCheckout
    from shipway.adapters.lease_file import FileLeases
    from shipway.adapters.ledger_sqlite import SqliteLedger
    from shipway.adapters.step_cache.layers import Remote
    from shipway.apply.redaction import Redactor
    from shipway.apply.world import World
    from shipway.ports import Http, Orchestrator, Registry, StepCache, Survey

CONFIGURATION = "shipway.yaml"
EMBEDDED_POLL_S = 0.25
AWS_POLL_S = 3.0
EMBEDDED_REGION = "eu-central-1"
MOVING_TAGS = ("branch-", "nightly-")


folders = surroundings.folders
"""Environment variables to the folders for state and cache; `shipway.local` needs it too."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command runs: the checkout, what it declares, and where state is kept."""

    root: Path
    service: Service
    state: Path


def place(start: Path, environ: Mapping[str, str]) -> Place:
    """Find and load the `shipway.yaml` of a folder or of the closest folder above it.

    Raises:
        FileIsMissing: there is none.
        ConfigurationIsInvalid: with every problem.
    """
    from shipway.adapters.config_cache import ConfigCache

    state, cache = folders(environ)
    for folder in (start, *start.parents):
        path = folder / CONFIGURATION
        if path.is_file():
            text = read_text(path)
            return Place(folder, ConfigCache(cache / "config").load(text, _parse), state)
    raise FileIsMissing(
        f"there is no {CONFIGURATION} in {start} or above",
        hint="go to a service's repository, or see docs/tutorial to write the first one",
    )


def _parse(text: str) -> Service:
    """Parse a configuration; pydantic is imported only where no cache spares it."""
    from shipway.config.load import load

    return load(text)


def ledger(state: Path) -> SqliteLedger:
    """Return the ledger of a state folder; it need not exist yet."""
    from shipway.adapters.ledger_sqlite import SqliteLedger

    return SqliteLedger(str(state / "ledger.sqlite"))


def history(where: Place) -> History:
    """Read a service's history, without touching anything else."""
    return fold(ledger(where.state).entries(where.service.name))


def checkout(where: Place) -> GitCheckout:
    """Return the git checkout."""
    from shipway.adapters.git import GitCheckout
    from shipway.adapters.shell import LocalShell

    return GitCheckout(str(where.root), LocalShell())


def actor(where: Place, environ: Mapping[str, str]) -> str:
    """Return who runs this: `SHIPWAY_ACTOR`, git's `user.name`, or the account's name."""
    named = environ.get("SHIPWAY_ACTOR") or checkout(where).identity()
    return named or environ.get("USER") or environ.get("LOGNAME") or f"uid {os.getuid()}"


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
    from shipway.adapters.docker import DockerEngine
    from shipway.adapters.files import DiskFiles
    from shipway.adapters.memory import FileMemory
    from shipway.adapters.secret_store import References
    from shipway.adapters.shell import LocalShell
    from shipway.adapters.tools import InstalledTools
    from shipway.adapters.tree import GitTree
    from shipway.apply.redaction import Redactor, secret_names
    from shipway.apply.world import World
    from shipway.model.secret import Secret

    wishes = wishes or Wishes()
    clock, root = SystemClock(), str(where.root)
    stream = _stream(where, environ, readers, clock.now)
    redactor = Redactor(Secret(environ[name], name) for name in secret_names(environ))
    engine = DockerEngine(root, LocalShell(), _docker(environ))
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
        clock=clock,
        shell=LocalShell(bins),
        files=DiskFiles(),
        builder=engine,
        registry=cast("Registry", _Later(lambda: _registry(where, engine.log_in, redactor))),
        orchestrator=cast("Orchestrator", _Later(lambda: orchestrator(where))),
        http=cast("Http", _Later(_http)),
        compose=compose(where.root, environ, stream.run),
        ledger=ledger(where.state),
        leases=leases(where),
        tree=GitTree(root, LocalShell()),
        tools=InstalledTools(root, cache, LocalShell(), environ),
        cache=step_cache(where, environ, stream, clock),
        memory=FileMemory(cache / "memory", where.service.name),
        secrets=References(environ, root, lambda: _aws_values(where)),
        redactor=redactor,
        stream=stream,
    )


class _Later:
    """Makes a port when it is first used: what needs no AWS must not wait for it to load."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make
        self._made: object | None = None

    def __getattr__(self, name: str) -> object:
        if self._made is None:
            self._made = self._make()
        return getattr(self._made, name)


def compose(
    root: Path,
    environ: Mapping[str, str],
    run: str = "none",
    clean: Callable[[bytes], bytes] = bytes,
) -> Compose:
    """Return compose for the checks of a run, and for what dead runs left behind.

    `clean` hides secrets in what is kept of the services' logs.
    """
    from shipway.adapters.compose import Compose, identity
    from shipway.adapters.shell import LocalShell

    docker = _docker(environ)
    # docker-compose 1.29 takes the first docker on PATH: let it be the one that we use
    beside = (str(Path(docker).parent),) if Path(docker).is_absolute() else ()
    home = identity(folders(environ)[0])
    return Compose(str(root), LocalShell(beside), docker, run=run, home=home, clean=clean)


def sweep(where: Place, environ: Mapping[str, str]) -> None:
    """Remove what checks of runs that died left in the engine; most services have no such."""
    if any(isinstance(check, ComposeCheck) for check in where.service.checks):
        compose(where.root, environ).sweep(lambda: leases(where).held("run"))


def cleanup(root: Path, environ: Mapping[str, str], run: str | None) -> tuple[str, ...]:
    """Remove what one run left in the engine, or every run of ours that died: `kind name` each.

    Raises:
        LeaseIsHeld: that run is at work.
        EngineIsDown: there is no answer.
    """
    from shipway.adapters.lease_file import FileLeases

    held = FileLeases(str(folders(environ)[0] / "leases"))
    if run is None:
        return compose(root, environ).sweep(lambda: held.held("run"))
    if run in held.held("run"):
        raise LeaseIsHeld(f"run {run} is at work", hint="stop it: it cleans up by itself")
    return compose(root, environ).clean_up(run)


def leases(where: Place) -> FileLeases:
    """Return the leases of this machine."""
    from shipway.adapters.lease_file import FileLeases

    return FileLeases(str(where.state / "leases"))


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


def _docker(environ: Mapping[str, str]) -> str:
    return environ.get("SHIPWAY_DOCKER") or "docker"


def _registry(where: Place, log_in: LogIn, redactor: Redactor) -> Registry:
    """Return the registry; the password that it gives for a push is hidden from then on."""
    from shipway.adapters.aws.ecr import EcrRegistry
    from shipway.model.secret import Secret

    def log_in_hidden(registry: str, user: str, password: str) -> None:
        redactor.add(Secret(password, "registry token"))
        log_in(registry, user, password)

    session = session_for(where)
    return EcrRegistry(session, lambda: account(where), log_in_hidden, MOVING_TAGS)


def _http() -> Http:
    from shipway.adapters.http import HttpProbes

    return HttpProbes()


def _aws_values(where: Place) -> AwsSecrets:
    """Return what reads secrets and parameters: AWS, or the embedded default in its place."""
    from shipway.adapters.aws.secrets import account_secrets, aws_secrets

    if where.service.aws is not None:
        return account_secrets(where.service.aws.region)
    found = _embedded(where.state)
    return aws_secrets(
        endpoint_url=str(found["aws"]), region=EMBEDDED_REGION, account=str(found["account"])
    )


def runs_folder(where: Place) -> Path:
    """Return where runs keep their logs and records."""
    return where.state / "runs"


def run_records(where: Place) -> Iterator[tuple[str, str]]:
    """Return the runs of this machine that left a record, newest first, each with its text."""
    folder = runs_folder(where)
    names = sorted((p.name for p in folder.iterdir()), reverse=True) if folder.is_dir() else []
    for name in names:
        path = folder / name / "run.json"
        if path.is_file():
            yield name, path.read_text(encoding="utf-8", errors="replace")


def step_cache(
    where: Place, environ: Mapping[str, str], stream: Stream, clock: SystemClock
) -> StepCache:
    """Return where results of checks are kept: on this machine, and for the team if it says so."""
    from shipway.adapters.step_cache.folder import FolderCache

    _, folder = folders(environ)
    rules = where.service.cache

    def warn(about: str, message: str) -> None:
        stream.publish(Warned(about, message))

    local = FolderCache(folder, size=rules.size, clock=clock, warn=warn)
    if rules.remote is None:
        return local
    from shipway.adapters.step_cache.layers import LayeredCache

    team = _team_cache(where, environ, rules.remote, clock, warn)
    return LayeredCache(local, cast("Remote", team), warn)


def _team_cache(
    where: Place,
    environ: Mapping[str, str],
    rules: RemoteCache,
    clock: SystemClock,
    warn: Callable[[str, str], None],
) -> _Later:
    """Return the team's bucket; only CI of a protected branch gets the key to write to it."""
    from shipway.adapters.secret_store import References
    from shipway.checks.economy import may_write

    build = surroundings.ci(environ)
    refusal = may_write(rules, branch=build.branch, pull_request=build.pull_request, ci=build.there)

    def made() -> object:
        from shipway.adapters.aws.step_cache_s3 import Bucket, S3Entries, s3_client

        endpoint = None if where.service.aws else str(_embedded(where.state)["aws"])
        store = References(environ, str(where.root), lambda: _aws_values(where))
        key = rules.signing_key
        return S3Entries(
            lambda: s3_client(rules.region or EMBEDDED_REGION, endpoint),
            Bucket(rules.bucket, rules.prefix),
            public_key=rules.public_key,
            signing_key=None if refusal or key is None else lambda: store.resolve(key),
            clock=clock,
            warn=warn,
        )

    return _Later(made)


def orchestrator(where: Place) -> Orchestrator:
    """Return ECS alone, for verbs that only look."""
    from shipway.adapters.aws.ecs import EcsOrchestrator
    from shipway.adapters.clock import SystemClock

    return EcsOrchestrator(session_for(where), SystemClock())


def remember(where: Place, environ: Mapping[str, str], event: HistoryEvent) -> None:
    """Write one event into the ledger, outside any delivery: an approval, say."""
    entry = Entry(time.time(), where.service.name, run_name(environ), event)
    ledger(where.state).append(entry)


def session_for(where: Place) -> Session:
    """Return the clients: for AWS where `shipway.yaml` names it, else for the embedded default."""
    from shipway.adapters.aws.session import Endpoints, Session

    if where.service.aws is not None:
        return Session(where.service.aws.region, None)

    def endpoints() -> Endpoints:
        found = _embedded(where.state)
        return Endpoints(str(found["aws"]), str(found["ecs"]), str(found["registry"]))

    return Session(EMBEDDED_REGION, endpoints)


def refuse_nowhere(where: Place) -> None:
    """Refuse to begin what could not get anywhere.

    Raises:
        LocalIsDown: the service is delivered to the embedded default, and it is not up.
    """
    if where.service.aws is None:
        _embedded(where.state)


def account(where: Place) -> str:
    """Return the AWS account that owns the images."""
    aws = where.service.aws
    return aws.account if aws else str(_embedded(where.state)["account"])


def _embedded(state: Path) -> Mapping[str, object]:
    """Read `local.json`, in which the embedded default says where it answers."""
    try:
        found = json.loads((state / "local.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        found = {}
    if not isinstance(found, dict) or not found.get("pid"):
        raise LocalIsDown(
            "the embedded default is not running",
            hint="`shipway local up` starts it; to deliver to AWS, add `aws:` to shipway.yaml",
        )
    return found


def local_secrets(*, endpoint_url: str, region: str, account: str) -> AwsSecrets:
    """Return what resolves secrets for the embedded default's containers."""
    from shipway.adapters.aws.secrets import aws_secrets

    return aws_secrets(endpoint_url=endpoint_url, region=region, account=account)


def local_logs(*, endpoint_url: str, region: str, account: str) -> AwsLogs:
    """Return where the embedded default's containers log to."""
    from shipway.adapters.aws.logs import aws_logs

    return aws_logs(endpoint_url=endpoint_url, region=region, account=account)


def survey(folder: Path) -> Survey:
    """Return what `shipway init` looks at a folder with; there need be no `shipway.yaml`."""
    from shipway.adapters.shell import LocalShell
    from shipway.adapters.survey import FolderSurvey

    return FolderSurvey(str(folder), LocalShell())
