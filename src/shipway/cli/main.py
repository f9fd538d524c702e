"""The command tree, loaded a verb at a time, and the one place that turns an error into an exit."""

from __future__ import annotations

import importlib
import signal
import sys
from contextlib import suppress
from typing import NoReturn

import click

import shipway
from shipway.cli.verbs import VERBS, help_page
from shipway.errors import Interrupted, ShipwayError, Signalled, Terminated

BUG = 1


class _Verbs(click.Group):
    """A group that imports a verb when it is used, so that `--help` imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in VERBS:
            return None
        found = getattr(importlib.import_module(VERBS[cmd_name][0]), cmd_name)
        return found if isinstance(found, click.Command) else None

    def get_help(self, ctx: click.Context) -> str:
        del ctx
        return help_page()

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from difflib import get_close_matches  # noqa: PLC0415 - only after a mistake

            close = get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(shipway.__version__, prog_name="shipway")
def shipway_command() -> None:
    """From git push to production on AWS ECS, and always able to show why."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run one command and exit with its status; see `errors` for what each means."""
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGINT, _interrupt)
    try:
        # click returns the status of an early exit, and otherwise what the verb returned: None
        status = shipway_command.main(args=arguments, prog_name="shipway", standalone_mode=False)
    except click.ClickException as problem:
        problem.show()
        sys.exit(problem.exit_code)
    except click.Abort:
        sys.exit(Interrupted.exit_status)
    except (ShipwayError, Signalled) as problem:
        with suppress(BrokenPipeError):  # nobody listens any more; the status still tells
            show(problem, as_json="--json" in (arguments or sys.argv))
        sys.exit(problem.exit_status)
    except BrokenPipeError:
        sys.exit(Terminated.exit_status)
    except Exception:  # noqa: BLE001 - the only traceback that a user ever sees
        import traceback  # noqa: PLC0415 - not before it is needed: it would slow every command

        traceback.print_exc()
        click.echo("this is a bug in Shipway: please report it with the lines above", err=True)
        sys.exit(BUG)
    sys.exit(status or 0)


def show(problem: ShipwayError | Signalled, *, as_json: bool) -> None:
    """Say what happened, where, and what to do next; to stderr, and as JSON to stdout if asked."""
    where = f"{problem.where}: " if problem.where else ""
    click.echo(f"shipway: {where}{problem.message}", err=True)
    if problem.hint:
        click.echo(f"  -> {problem.hint}", err=True)
    if as_json:
        import json  # noqa: PLC0415 - as above

        report = {
            "error": problem.code(),
            "exit": problem.exit_status,
            "where": problem.where,
            "message": problem.message,
            "hint": problem.hint,
        }
        click.echo(json.dumps(report))


def _terminate(number: int, frame: object) -> NoReturn:
    del number, frame
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough; let the way out run
    raise Terminated("terminated", hint="run the same command again: it goes on where it stood")


def _interrupt(number: int, frame: object) -> NoReturn:
    del number, frame
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise Interrupted("interrupted", hint="run the same command again: it goes on where it stood")
