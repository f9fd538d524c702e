"""`shipway logs`: what the containers of an environment write, merged in the order of time."""

from __future__ import annotations

import json
import re

import click

from shipway import wiring
from shipway.apply.log_following import Follower, Line
from shipway.cli.conduct import environment_of, here, json_option
from shipway.errors import Interrupted, Terminated, WrongUsage
from shipway.model.operations import LogPlace
from shipway.views.operations import log_words

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
AWS_POLL_S, EMBEDDED_POLL_S = 2.0, 0.5


@click.command()
@click.argument("environment_name", metavar="ENV")
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C.")
@click.option(
    "--since",
    default="10m",
    show_default=True,
    metavar="TIME",
    help="How far back: 30s, 10m, 2h, 1d.",
)
@click.option("--task", default="", metavar="ID", help="Of this task only; its first digits do.")
@click.option("--filter", "text", default="", help="Only what contains this text.")
@json_option
def logs(
    *, environment_name: str, follow: bool, since: str, task: str, text: str, as_json: bool
) -> None:
    """Show what the containers of ENV write, an event a line with its task's first digits.

    Read from CloudWatch Logs, where the log configuration of the running task definition says.
    With --json each event is an object on a line of its own.
    """
    place = here()
    environment = environment_of(place, environment_name)
    clock = wiring.clock()
    follower = Follower(
        port=wiring.operations(place),
        environment=environment,
        clock=clock,
        since_ms=round((clock.now() - seconds_of(since)) * 1000),
        task=task.rpartition("/")[2],
        text=text,
    )
    new = follower.look()
    _refuse_unreadable(follower)
    many = len({p.container for p in follower.places}) > 1
    _tell(new, many=many, as_json=as_json)
    if not follow:
        if not new:
            click.echo(f"nothing was written in the last {since}", err=True)
        return
    every_s = AWS_POLL_S if place.service.aws else EMBEDDED_POLL_S
    try:
        while True:
            _tell(follower.next(every_s), many=many, as_json=as_json)
    except (Interrupted, Terminated) as over:
        raise SystemExit(over.exit_status) from None  # whoever follows ends it so: no problem


def seconds_of(text: str) -> int:
    """Return the seconds that `30s`, `10m`, `2h` or `1d` mean.

    Raises:
        WrongUsage: it is none of these.
    """
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None:
        raise WrongUsage(f"--since {text!r} is no time", hint="such as 30s, 10m, 2h or 1d")
    return int(found[1]) * _UNITS[found[2]]


def _tell(lines: tuple[Line, ...], *, many: bool, as_json: bool) -> None:
    for line in lines:
        event = line.event
        if as_json:
            report = {
                "version": 1,
                "at": event.at_ms / 1000,
                "task": event.task_id,
                "container": line.container,
                "text": event.text,
            }
            click.echo(json.dumps(report))
        else:
            click.echo(log_words(event, line.container if many else ""))


def _refuse_unreadable(follower: Follower) -> None:
    """Say that nothing can be read, or which container cannot.

    Raises:
        WrongUsage: no container logs to CloudWatch Logs.
    """
    if not follower.places:
        port, name = follower.port, follower.environment.name
        drivers = port.log_places(port.definition(follower.environment))
        raise WrongUsage(
            f"no container logs to CloudWatch Logs: {', '.join(map(_driver, drivers)) or 'none'}",
            where=name,
            hint="only the log driver awslogs can be read from here",
        )


def _driver(place: LogPlace) -> str:
    return f"{place.container} has {place.driver or 'no log driver'}"
