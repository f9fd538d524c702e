"""What a deployment depends on, looked at before and after it. A part of `shipway.ports`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # for annotations alone: not every command pays for loading them
    from shipway.model.preflight import AlarmState, Facts, Needs, Seen
    from shipway.model.service import Environment


class Inspector(Protocol):
    """Looks at what a deployment depends on; changes nothing, and reads no secret value."""

    def facts(self, environment: Environment, needs: Needs) -> Facts:
        """Look at everything that a deployment needs, all at once: a few seconds at most.

        What could not be asked is `Unknown`, never missing; this never raises for it.
        """

    def alarms(self, names: tuple[str, ...]) -> tuple[tuple[str, Seen[AlarmState]], ...]:
        """Return the state of each alarm, in the order of the names.

        What could not be asked is `Unknown`; None where there is no such alarm.
        """
