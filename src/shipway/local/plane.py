"""The control plane of a running instance, made from what `local.json` says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shipway.local.ports import free_port

if TYPE_CHECKING:
    from shipway.local.home import Home
    from shipway.local.instance import Instance
    from shipway.local.supervisor import Plane


@dataclass(frozen=True, slots=True)
class _Nothing:
    port: int

    def stop(self) -> None:
        """Nothing runs."""


def start_plane(place: Home, record: Instance) -> Plane:
    """Start the control plane."""
    del place
    return _Nothing(free_port(record.ports().ecs))
