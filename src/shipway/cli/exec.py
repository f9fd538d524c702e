"""`shipway exec`: a shell in a container that runs, on AWS and on the embedded default."""

from __future__ import annotations

import os
import shlex
import shutil
import sys

import click

from shipway import wiring
from shipway.cli.conduct import environment_of, here, json_option, tell
from shipway.environments.exec_access import PLUGIN, UNPROVEN, obstacles
from shipway.errors import WrongUsage
from shipway.model.operations import ExecPlace, TaskState
from shipway.wiring import Place

SHELL = ("/bin/sh",)


@click.command(name="exec", context_settings={"ignore_unknown_options": True})
@click.argument("environment_name", metavar="ENV")
@click.option("--task", default="", metavar="ID", help="Into this task; its first digits do.")
@click.option("--container", default="", metavar="NAME", help="Into this container of the task.")
@click.argument("command", nargs=-1)
@json_option
def exec(  # noqa: A001 - the verb's own name
    *, environment_name: str, task: str, container: str, command: tuple[str, ...], as_json: bool
) -> None:
    """Open a shell in a running container of ENV, or run COMMAND there (after `--`).

    On AWS this is ECS Exec: what it needs is looked at first, and what is missing is said. With
    --json that is all that is done. On the embedded default it is `docker exec`.
    """
    place = here()
    environment = environment_of(place, environment_name)
    port = wiring.operations(place)
    chosen = choose(port.tasks(environment), task)
    if place.service.aws is None:
        _enter_here(place, chosen, container, command, as_json=as_json)
        return
    target = port.exec_place(environment, chosen, container or place.service.name)
    missing = obstacles(target, plugin=shutil.which(PLUGIN) is not None)
    if as_json:
        found = [{"what": each.what, "fix": each.fix} for each in missing]
        report = {"task": chosen.id, "container": target.container.name, "missing": found}
        tell({**report, "unproven": UNPROVEN}, "", as_json=True)
        return
    if missing:
        lines = [f"{each.what}\n    -> {each.fix}" for each in missing]
        said = "\n  ".join((f"task {chosen.id} cannot be entered:", *lines))
        raise WrongUsage(said, where=environment.name)
    raise SystemExit(_hand_over(place, target, command))


def choose(found: tuple[TaskState, ...], named: str) -> TaskState:
    """Return the task that a person means: the named one, or the newest that runs.

    Raises:
        WrongUsage: none fits, or several do.
    """
    running = sorted(
        (t for t in found if t.status == "RUNNING"), key=lambda t: (t.started_at or 0.0, t.arn)
    )
    short = named.rpartition("/")[2]
    fitting = [t for t in running if t.id.startswith(short)]
    if not fitting or (short and len(fitting) > 1):
        there = ", ".join(t.id for t in running) or "none runs"
        problem = "several tasks fit" if fitting else "no running task fits"
        raise WrongUsage(f"{problem} {named!r}" if named else "no task runs", hint=there)
    return fitting[-1]


def _hand_over(place: Place, target: ExecPlace, command: tuple[str, ...]) -> int:
    """Let the plugin talk with the container, called as the AWS CLI calls it."""
    session = wiring.operations(place).open_session(target, shlex.join(command or SHELL))
    profile = os.environ.get("AWS_PROFILE", "")
    words = (session.session, session.region, "StartSession", profile, session.request)
    return wiring.attach(place, (PLUGIN, *words, session.endpoint))


def _enter_here(
    place: Place, task: TaskState, container: str, command: tuple[str, ...], *, as_json: bool
) -> None:
    found = task.container(container or place.service.name)
    if found is None or not found.runtime_id:
        raise WrongUsage(f"task {task.id} has no container yet")
    if as_json:
        tell({"task": task.id, "container": found.name, "missing": []}, "", as_json=True)
        return
    terminal = ("-t",) if sys.stdin.isatty() else ()
    docker = wiring.docker(os.environ)
    words = (docker, "exec", "-i", *terminal, found.runtime_id, *(command or SHELL))
    raise SystemExit(wiring.attach(place, words))
