"""`shipway cleanup`: remove what runs that died left in the Docker Engine."""

from __future__ import annotations

import os
from pathlib import Path

import click

from shipway import wiring
from shipway.cli.conduct import json_option, tell


@click.command()
@click.option("--run", metavar="R", help="What this run left; without it, every dead run of ours.")
@json_option
def cleanup(*, run: str | None, as_json: bool) -> None:
    """Remove the containers, networks, volumes and images that dead runs left behind.

    Only what carries our own label is touched, and nothing of a run that is at work. It needs no
    shipway.yaml, and may be repeated.
    """
    removed = wiring.cleanup(Path.cwd(), os.environ, run)
    nothing = f"nothing is left of run {run}" if run else "no dead run left anything"
    words = "\n".join(f"removed {thing}" for thing in removed) or nothing
    tell({"removed": list(removed)}, words, as_json=as_json)
