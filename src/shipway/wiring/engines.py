"""The Docker Engine and compose, and what dead runs left in them. A part of `shipway.wiring`."""

# ruff: noqa: PLC0415 - imports inside functions, see `shipway.wiring`
from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.errors import CheckoutIsUnfit, LeaseIsHeld, ToolIsMissing
from shipway.model.service import ComposeCheck
from shipway.wiring.places import Place, checkout, folders, leases

if TYPE_CHECKING:  # named for the type checker; made where they are needed
    from shipway.adapters.compose import Compose
    from shipway.adapters.docker import DockerEngine
    from shipway.apply.redaction import Redactor
    from shipway.model.examined import Machine


def docker(environ: Mapping[str, str]) -> str:
    """Return the name or path of the docker client."""
    return environ.get("SHIPWAY_DOCKER") or "docker"


def attach(where: Place, command: tuple[str, ...]) -> int:
    """Run a program on our own terminal, for a person to talk with; return its status.

    Raises:
        ToolIsMissing: there is no such program.
    """
    from shipway.adapters.shell import LocalShell

    return LocalShell().attach(command, cwd=str(where.root), env={}).status


def machine(where: Place, environ: Mapping[str, str]) -> Machine:
    """Look at this machine: what there is of the programs that a service needs."""
    from shipway.adapters.machine_look import look_at_machine
    from shipway.wiring.clouds import reachable

    embedded, git = None if where.service.aws else reachable(where), ""
    try:
        checkout(where).source(branch="HEAD")
    except (CheckoutIsUnfit, ToolIsMissing) as problem:
        git = problem.message
    return look_at_machine(where.root, docker(environ), git=git, embedded=embedded)


def engine_for(where: Place, environ: Mapping[str, str]) -> DockerEngine:
    """Return the Docker Engine."""
    from shipway.adapters.docker import DockerEngine
    from shipway.adapters.shell import LocalShell

    return DockerEngine(str(where.root), LocalShell(), docker(environ))


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

    client = docker(environ)
    # docker-compose 1.29 takes the first docker on PATH: let it be the one that we use
    beside = (str(Path(client).parent),) if Path(client).is_absolute() else ()
    home = identity(folders(environ)[0])
    return Compose(str(root), LocalShell(beside), client, run=run, home=home, clean=clean)


def compose_for(where: Place, environ: Mapping[str, str], run: str, redactor: Redactor) -> Compose:
    """Return compose for a run; no secret gets into what is kept of the services' logs."""

    def clean(said: bytes) -> bytes:
        stream = redactor.stream()
        return stream.feed(said) + stream.end()

    return compose(where.root, environ, run, clean)


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
