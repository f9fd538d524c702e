"""The verbs of every day: tasks, logs, exec, scale. None of them is part of a deployment."""

from __future__ import annotations

from collections.abc import Mapping

import click

from shipway import wiring
from shipway.cli.conduct import environment_of, here, json_option, tell
from shipway.environments.task_reasons import capacity_problems, digest_words, why_stopped
from shipway.ledger import History
from shipway.model.operations import TaskState
from shipway.model.release import Digest
from shipway.model.service import Environment
from shipway.ports.operations import Operations
from shipway.views.operations import Row, Stopped, tasks_words
from shipway.wiring import Place

_environment = click.argument("environment_name", metavar="ENV")
LINES = 5
LOOKED_INTO = 10
"""Of how many stopped tasks the log is read; one call each."""


@click.command()
@_environment
@click.option("--lines", default=LINES, show_default=True, help="Last lines of a stopped task.")
@json_option
def tasks(*, environment_name: str, lines: int, as_json: bool) -> None:
    """Show the tasks of ENV: those that run, and why the others stopped.

    Running tasks with their health, address, and whether their image is the live release. Stopped
    ones, as long as ECS remembers them (about an hour), with reason, exit code and last lines.
    """
    place = here()
    environment = environment_of(place, environment_name)
    port = wiring.operations(place)
    found = port.tasks(environment)
    history = wiring.history(place)
    wanted, names = _wanted(history, environment), {r.digest: r.name for r in history.releases}
    running = tuple(_row(t, place, wanted, names) for t in _by_age(found) if t.status != "STOPPED")
    over = sorted((t for t in found if t.status == "STOPPED"), key=_end, reverse=True)
    stopped = tuple(
        Stopped(t, why_stopped(t), _last(port, t, lines) if n < LOOKED_INTO else ())
        for n, t in enumerate(over)
    )
    capacity = capacity_problems(port.events(environment))
    report = {
        "environment": environment.name,
        "running": [row.report() for row in running],
        "stopped": [each.report() for each in stopped],
        "capacity": [{"at": e.at, "text": e.text} for e in capacity],
    }
    tell(report, tasks_words(environment.name, running, stopped, capacity), as_json=as_json)


def _row(task: TaskState, place: Place, wanted: Digest | None, names: Mapping[Digest, str]) -> Row:
    main = task.container(place.service.name)
    digest = main.digest if main else None
    return Row(
        task,
        at=task.ip or (main.at if main else ""),
        digest=digest,
        right=None if wanted is None or digest is None else digest == wanted,
        image=digest_words(digest, wanted, names),
    )


def _wanted(history: History, environment: Environment) -> Digest | None:
    """Return the digest of the release that is live there by the ledger."""
    live = history.live(environment.name)
    release = history.named(live.release) if live else None
    return release.digest if release else None


def _last(port: Operations, task: TaskState, lines: int) -> tuple[str, ...]:
    """Return the last lines of the containers of a task, those that failed first."""
    if lines <= 0:
        return ()
    places = {place.container: place for place in port.log_places(task.definition)}
    ended = sorted(task.containers, key=lambda c: not c.exit_code)
    found = (port.last_lines(places[c.name], task.id, lines) for c in ended if c.name in places)
    return next((said for said in found if said), ())


def _by_age(found: tuple[TaskState, ...]) -> list[TaskState]:
    return sorted(found, key=lambda task: (task.created_at or 0.0, task.arn))


def _end(task: TaskState) -> float:
    return task.stopped_at or task.created_at or 0.0
