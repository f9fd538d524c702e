"""`shipway import`: write a `shipway.yaml` from a service that runs already."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from shipway import wiring
from shipway.cli.conduct import json_option, tell
from shipway.discovery.live_service import adopt
from shipway.errors import WrongUsage
from shipway.wiring import CONFIGURATION

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")


@click.command(name="import")
@click.argument("service", metavar="CLUSTER/SERVICE")
@click.option("--region", help="AWS region; AWS_REGION when not given, else the embedded default.")
@click.option("--environment", metavar="NAME", help="Its name; that of the cluster if it fits.")
@click.option("--print", "only_print", is_flag=True, help="Print the file; write none.")
@json_option
def import_(
    *, service: str, region: str | None, environment: str | None, only_print: bool, as_json: bool
) -> None:
    """Write a `shipway.yaml` from a live ECS service, so that deploying it changes nothing else.

    What no key says goes into `task:`, what could not be known into comments. Nothing that exists
    is overwritten, and nothing on AWS is changed.
    """
    cluster, slash, name = service.partition("/")
    if not (cluster and slash and name) or "/" in name:
        raise WrongUsage(f"{service!r} is not CLUSTER/SERVICE", hint="such as production/sender")
    survey = wiring.survey(Path.cwd())
    if not only_print and (Path.cwd() / CONFIGURATION).exists():
        _refuse()
    named = _environment_name(environment, cluster)
    live = wiring.live_services(os.environ, region).live(cluster, name)
    found = adopt(live, named)
    wiring.parse(found.configuration)  # nothing is written that the next command could not read
    remarks = [{"key": r.key, "text": r.text} for r in found.remarks]
    if only_print:
        report = {"files": {CONFIGURATION: found.configuration}, "remarks": remarks}
        tell(report, found.configuration.rstrip("\n"), as_json=as_json)
        return
    if not survey.add(CONFIGURATION, found.configuration):
        _refuse()
    words = [f"wrote {CONFIGURATION}", "", "Look at these; they stand in the file too:"]
    words += [f"  {r.key}: {r.text}" for r in found.remarks]
    words += ["", "then: shipway image && shipway plan"]
    tell({"written": [CONFIGURATION], "remarks": remarks}, "\n".join(words), as_json=as_json)


def _environment_name(wanted: str | None, cluster: str) -> str:
    if wanted is not None and not _NAME.fullmatch(wanted):
        raise WrongUsage(
            f"{wanted!r} cannot be the name of an environment",
            hint="lower case, digits and hyphens, at most 32 characters",
        )
    return wanted or (cluster if _NAME.fullmatch(cluster) else "production")


def _refuse() -> None:
    raise WrongUsage(
        f"there is a {CONFIGURATION} here already, and it is never overwritten",
        hint="`shipway import CLUSTER/SERVICE --print` shows what would be written",
    )


globals()["import"] = import_  # the verb's own name, which no function may have
