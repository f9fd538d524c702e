"""Writes the pages of docs/reference from the code: `python docs/generate.py`.

Each page is a pure function of the code, so that a house test can tell a stale one. It refuses to
know anything that the code does not say, but for what a caller does with an exit status.
"""
# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_args

import click

from shipway import errors
from shipway.cli.main import shipway_command
from shipway.cli.verbs import VERBS
from shipway.config import reference
from shipway.errors import ShipwayError, Signalled
from shipway.events.codec import encode_entry
from shipway.events.types import Entry, Event, HistoryEvent, ProgressEvent, ReleaseRecorded

_BASES = (ShipwayError, Signalled)

REFERENCE = Path(__file__).resolve().parent / "reference"
NOTE = "<!-- Made by docs/generate.py; change the code, then run `python docs/generate.py`. -->\n"

COMMANDS = """\
Every command reads the `shipway.yaml` of the current folder, or of the closest folder above it;
`shipway local` needs none. Results go to standard output, all else to standard error. The
[exit codes](exit-codes.md) are an interface.

A release `R` is named by its name (`sender-1a2b3c4d`), by its digest, or by the first four or
more digits of its commit. Without `--release`, the release of the checked-out commit is meant.

Every command knows `-h` and `--help`, and `shipway --version` tells the version.
"""

ERRORS = """\
Each problem is told with what happened, where, and what to do next. With `--json` it is also one
JSON object on standard output, whose `error` is the code below. Match the code, never the words.
"""

EXIT_CODES = """\
They are an interface: scripts and Jenkins branch on them. After a signal the status is never 0,
since a 0 would start the next stage.
"""

EVENTS = """\
With `--json`, the commands that act write one JSON object a line: first the schema and its
version, then each event as it happens, then the result. Fields may be added within a version; a
change of meaning raises it. An event in its envelope:
"""

ENVIRONMENT = """\
## Environment variables

| Variable | Meaning |
|---|---|
| `SHIPWAY_STATE` | Folder of what must not be lost. Default: `~/.local/state/shipway`. |
| `SHIPWAY_CACHE` | Folder of what can be made again. Default: `~/.cache/shipway`. |
| `SHIPWAY_ACTOR` | Who acts. Default: git's `user.name`; for a push, the commit's author. |
| `SHIPWAY_RUN` | Id of the run, chosen by the caller: lower-case letters, digits, hyphens. |
| `SHIPWAY_DOCKER` | The docker client to use; the first `docker` on the path when not set. |
| `SHIPWAY_HAPROXY_IMAGE` | Image that HAProxy runs from where it is not installed (Linux). |
| `NO_COLOR` | When set, plain lines instead of a live view. |

`XDG_STATE_HOME` and `XDG_CACHE_HOME` are honoured where the first two are not set.

Shipway sets these for your own programs:

| Variable | For | Meaning |
|---|---|---|
| `SHIPWAY_URL` | acceptance commands (`verify`, `run`) | Address of the environment. |
| `SHIPWAY_ENVIRONMENT` | those, and containers | Name of the environment. |
| `SHIPWAY_COMMIT` | those, and containers | Full commit of the release. |
| `SHIPWAY_IMAGE_DIGEST` | those, and containers | Digest of the image. |
| `SHIPWAY_RELEASE` | containers | Name of the release. |
"""

CALLERS = {
    0: "Go on.",
    1: "Report it, with the traceback: it is a bug.",
    2: "Correct the command, the checkout or `shipway.yaml`. Trying again does not help.",
    3: "Look at the check, the probe or the container that failed, and push a correction.",
    4: "Approve or change what the message names, then run the same command again.",
    5: "Run the same command again; look at the network and the service that it names.",
    6: "Wait until the other run has ended, then run the same command again.",
    7: "Run the same command again: it plans from what is there now.",
    8: "Production is safe. Push a correction.",
    9: "Page a person: `shipway status` shows what runs.",
    10: "Nothing to do: the newer deployment counts.",
    11: "Read the plan; `shipway deploy` or `promote` carries it out.",
    12: "`shipway watch ENV` goes on watching; the same command does too.",
    130: "Run the same command again: it goes on where it stood.",
    143: "Run the same command again: it goes on where it stood.",
}


def pages() -> dict[str, str]:
    """Return the text of every generated file, by its name in docs/reference."""
    return {
        "configuration.md": NOTE + reference.configuration_page(),
        "shipway.schema.json": reference.json_schema(),
        "cli.md": NOTE + cli_page(),
        "errors.md": NOTE + errors_page(),
        "exit-codes.md": NOTE + exit_codes_page(),
        "events.md": NOTE + events_page(),
    }


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command that people use, with its full name, in the order of the help."""
    context = click.Context(shipway_command)
    for verb in VERBS:
        command = shipway_command.get_command(context, verb)
        if command is None:
            raise LookupError(verb)
        yield f"shipway {verb}", command
        if isinstance(command, click.Group):
            for name, inner in command.commands.items():
                if not inner.hidden:
                    yield f"shipway {verb} {name}", inner


def cli_page() -> str:
    """Return the page of all commands with their arguments and options."""
    parts = [
        "# Commands\n",
        COMMANDS,
        *(_command(name, command) for name, command in commands()),
        ENVIRONMENT,
    ]
    return "\n".join(parts)


def errors_page() -> str:
    """Return the page of all problems that a user can meet."""
    parts = [
        "# Errors\n",
        ERRORS,
        *(_error(kind) for kind in error_classes()),
    ]
    return "\n".join(parts)


def error_classes() -> tuple[type[ShipwayError | Signalled], ...]:
    """Return every error, in the order of errors.py."""
    return tuple(
        kind
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, _BASES) and kind not in _BASES
    )


def exit_codes_page() -> str:
    """Return the page of exit codes: what each means, and what the caller does."""
    codes: dict[int, list[type[ShipwayError | Signalled]]] = {}
    for kind in error_classes():
        codes.setdefault(kind.exit_status, []).append(kind)
    rows = ["| 0 | Done. | | Go on. |", f"| 1 | A bug in Shipway. | | {CALLERS[1]} |"]
    for status, kinds in sorted(codes.items()):
        names = ", ".join(f"[`{k.code()}`](errors.md#{k.code()})" for k in kinds)
        rows.append(f"| {status} | {_words(kinds[0])} | {names} | {CALLERS[status]} |")
    parts = [
        "# Exit codes\n",
        EXIT_CODES,
        "| Status | Meaning | Errors | What the caller does |",
        "|---|---|---|---|",
        *rows,
    ]
    return "\n".join(parts) + "\n"


def events_page() -> str:
    """Return the page of all events."""
    return "\n".join(
        [
            "# Events\n",
            EVENTS,
            f"```json\n{_sample_event()}\n```\n",
            "| Field of the envelope | Type | Meaning |",
            "|---|---|---|",
            "| `at` | number | When, in seconds since the epoch, UTC. |",
            "| `service` | text | Whose event it is. |",
            "| `run` | text | The run that it belongs to. |",
            "| `event` | text | The kind: one of the headings below. |",
            "| `version` | whole number | The version of that kind. |",
            "\n## History\n",
            "These the ledger keeps for ever.\n",
            *(_event(kind) for kind in get_args(HistoryEvent)),
            "## Progress\n",
            "These tell how a run is going, and are forgotten.\n",
            *(_event(kind) for kind in get_args(ProgressEvent)),
        ]
    )


def _command(name: str, command: click.Command) -> str:
    with click.Context(command, info_name=name) as context:
        usage = command.get_usage(context).removeprefix("Usage: ")
        parameters = [p for p in command.params if isinstance(p, click.Option)]
    heading = "###" if name.count(" ") > 1 else "##"
    words = inspect.cleandoc(command.help or "")
    parts = [f"{heading} `{name}`\n", f"{words}\n", f"```text\n{' '.join(usage.split())}\n```\n"]
    if parameters:
        rows = (f"| {_names(option)} | {_meaning(option)} |" for option in parameters)
        parts.append("\n".join(["| Option | Meaning |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _names(option: click.Option) -> str:
    value = "" if option.is_flag else f" {option.metavar or option.type.name.upper()}"
    return ", ".join(f"`{name}{value}`" for name in option.opts)


def _meaning(option: click.Option) -> str:
    default = f" Default: `{option.default}`." if option.show_default else ""
    return f"{option.help or ''}{default}"


def _error(kind: type[ShipwayError | Signalled]) -> str:
    parent = kind.__bases__[0]
    family = ""
    if issubclass(parent, _BASES) and parent not in _BASES:
        family = f"; a kind of [`{parent.code()}`](#{parent.code()})"
    return (
        f"## `{kind.code()}`\n\n{_words(kind)}\n\n"
        f"`{kind.__name__}`, exit status {kind.exit_status}{family}.\n"
    )


def _event(kind: type[Event]) -> str:
    rows = [f"| `{field.name}` | {_type(str(field.type))} |" for field in fields(kind)]
    table = "\n".join(["| Field | Type |", "|---|---|", *rows])
    return f"### `{kind.__name__}`\n\n{_words(kind)}\n\nVersion {kind.version}.\n\n{table}\n"


def _type(annotation: str) -> str:
    names = {
        "str": "text",
        "int": "whole number",
        "float": "number",
        "bool": "truth value",
        "None": "null",
        "tuple[str, ...]": "list of text",
    }
    return " or ".join(names[part] for part in annotation.split(" | "))


def _words(kind: type[object]) -> str:
    return " ".join((inspect.getdoc(kind) or "").split())


def _sample_event() -> str:
    commit, digest = "1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b", "sha256:" + "0123456789abcdef" * 4
    event = ReleaseRecorded(
        release="sender-1a2b3c4d",
        commit=commit,
        branch="main",
        author="Ada <ada@example.com>",
        subject="Send messages",
        repository="123456789012.dkr.ecr.eu-central-1.amazonaws.com/sender",
        digest=digest,
    )
    return encode_entry(Entry(1_795_461_855.639, "sender", "20261123-192251-bc7d824", event))


def main() -> None:
    """Write every page that is not as it should be, and name it."""
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        path = REFERENCE / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote docs/reference/{name}\n")


if __name__ == "__main__":
    main()
