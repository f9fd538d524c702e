"""`shipway init`: look at a repository, and draft its `shipway.yaml`."""

from __future__ import annotations

from pathlib import Path

import click

from shipway import wiring
from shipway.cli.conduct import json_option, tell
from shipway.config.load import load
from shipway.discovery.draft import Proposal
from shipway.discovery.proposal import COMPOSE, propose
from shipway.discovery.reading import worth_reading
from shipway.discovery.seen import Seen
from shipway.errors import WrongUsage
from shipway.ports import Survey
from shipway.wiring import CONFIGURATION


@click.command()
@click.option("--print", "only_print", is_flag=True, help="Print the files; write none.")
@json_option
def init(*, only_print: bool, as_json: bool) -> None:
    """Look at this folder and write a `shipway.yaml` for the service in it.

    What could not be known stands in it as comments. Nothing that exists is overwritten. Where
    the code uses MongoDB, Redis, Kafka or PostgreSQL and no compose file tests it, one is
    written too.
    """
    survey, folder = wiring.survey(Path.cwd()), Path.cwd()
    seen = _look(survey, folder.name)
    if CONFIGURATION in seen.paths and not only_print:
        _refuse(folder)
    if not any(
        path.rpartition("/")[2].startswith(("package.json", "Dockerfile")) for path in seen.paths
    ):
        raise WrongUsage(
            f"there is neither a package.json nor a Dockerfile in {folder}",
            hint="run this in the folder of a service",
        )
    proposal = propose(seen)
    load(proposal.configuration)  # nothing is written that the next command could not read
    if only_print:
        _show(proposal, as_json=as_json)
        return
    if not survey.add(CONFIGURATION, proposal.configuration):
        _refuse(folder)
    added = bool(proposal.compose) and survey.add(COMPOSE, proposal.compose)
    written = [CONFIGURATION, *([COMPOSE] * added)]
    left = [COMPOSE] * (bool(proposal.compose) and not added)
    remarks = [{"key": r.key, "text": r.text} for r in proposal.remarks]
    words = [f"wrote {' and '.join(written)}", *(f"left {name} as it was" for name in left)]
    words += ["", "Look at these; they stand in the file too:"] * bool(remarks)
    words += [f"  {r.key}: {r.text}" for r in proposal.remarks]
    words += ["", "then: shipway run"]
    tell({"written": written, "left": left, "remarks": remarks}, "\n".join(words), as_json=as_json)


def _look(survey: Survey, name: str) -> Seen:
    listed = survey.files()
    texts = {path: survey.text(path, limit) for path, limit in worth_reading(listed.paths)}
    return Seen(name, listed.paths, texts, survey.branch(), listed.complete)


def _refuse(folder: Path) -> None:
    raise WrongUsage(
        f"there is a {CONFIGURATION} in {folder} already, and it is never overwritten",
        hint="`shipway init --print` shows what would be written",
    )


def _show(proposal: Proposal, *, as_json: bool) -> None:
    """Print the files as one stream of YAML documents, or as one JSON object."""
    files = {CONFIGURATION: proposal.configuration}
    if proposal.compose:
        files[COMPOSE] = proposal.compose
    text = proposal.configuration.rstrip("\n")
    if proposal.compose:
        text += f"\n--- # {COMPOSE}\n{proposal.compose.rstrip()}"
    tell({"files": files}, text, as_json=as_json)
