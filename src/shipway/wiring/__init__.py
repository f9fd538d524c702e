"""The only room that names concrete adapters: environment and folders in, a World out.

Adapters are imported where they are made: `shipway status` needs no AWS, and must not wait for it.
"""

from __future__ import annotations

from shipway.wiring.clouds import (
    EMBEDDED_REGION,
    Later,
    account,
    aws_values,
    embedded,
    hide,
    http,
    local_logs,
    local_secrets,
    operations,
    orchestrator,
    redactor_for,
    refuse_nowhere,
    registry,
    session_for,
)
from shipway.wiring.engines import cleanup, compose, compose_for, docker, engine_for, sweep
from shipway.wiring.places import (
    CONFIGURATION,
    Place,
    actor,
    checkout,
    died_lately,
    folders,
    history,
    is_touched,
    leases,
    ledger,
    place,
    remember,
    run_records,
    runs_folder,
    survey,
)
from shipway.wiring.results import step_cache, team_cache
from shipway.wiring.worlds import AWS_POLL_S, EMBEDDED_POLL_S, Wishes, world

__all__ = [
    "AWS_POLL_S",
    "CONFIGURATION",
    "EMBEDDED_POLL_S",
    "EMBEDDED_REGION",
    "Later",
    "Place",
    "Wishes",
    "account",
    "actor",
    "aws_values",
    "checkout",
    "cleanup",
    "compose",
    "compose_for",
    "died_lately",
    "docker",
    "embedded",
    "engine_for",
    "folders",
    "hide",
    "history",
    "http",
    "is_touched",
    "leases",
    "ledger",
    "local_logs",
    "local_secrets",
    "operations",
    "orchestrator",
    "place",
    "redactor_for",
    "refuse_nowhere",
    "registry",
    "remember",
    "run_records",
    "runs_folder",
    "session_for",
    "step_cache",
    "survey",
    "sweep",
    "team_cache",
    "world",
]
