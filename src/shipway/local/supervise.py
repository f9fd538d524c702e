"""The supervisor's front door: which parts it runs, and wired to what."""

# ruff: noqa: PLC0415 -- botocore is imported while ministack starts, not before
from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.errors import ShipwayError
from shipway.local.home import home
from shipway.local.reports import Reports
from shipway.local.supervisor import Parts, Supervisor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.local.ecs.ports import SecretResolver
    from shipway.local.home import Home
    from shipway.local.instance import Instance
    from shipway.local.plane import ClosableLogs
    from shipway.local.supervisor import StartPlane


def load_plane() -> StartPlane:
    """Return what starts the control plane."""
    from shipway.local.plane import StartDockerPlane

    return StartDockerPlane(WiredSources())


class WiredSources:
    """Secrets from ministack, and output into its CloudWatch Logs."""

    def secrets(self, place: Home, record: Instance) -> SecretResolver:
        """Return the resolver for an instance whose ministack answers."""
        del place
        from shipway import wiring

        return wiring.local_secrets(
            endpoint_url=record.aws, region=record.region, account=record.account
        )

    def logs(self, place: Home, record: Instance) -> ClosableLogs:
        """Return the sink for an instance whose ministack answers."""
        del place
        from shipway import wiring

        return wiring.local_logs(
            endpoint_url=record.aws, region=record.region, account=record.account
        )


def supervise(python: str, pipe: int) -> int:
    """Run the instance that the environment names until told to stop; return the exit status."""
    reports = Reports(pipe)
    parts = Parts(Path(python), load_plane, deliver_command(os.environ))
    try:
        Supervisor(home(os.environ), parts, reports.note).run(reports.ready)
    except ShipwayError as problem:
        reports.failed(problem)
        return problem.exit_status
    return 0


def deliver_command(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the command that delivers a push; `SHIPWAY_LOCAL_DELIVER` replaces it in tests.

    -P, because it runs inside the pushed checkout, whose files must not pass for modules of ours.
    """
    instead = environ.get("SHIPWAY_LOCAL_DELIVER")
    if instead:
        return tuple(shlex.split(instead))
    return (sys.executable, "-P", "-m", "shipway", "deliver")
