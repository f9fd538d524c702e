"""What a deployment depends on, in memory: all of it is well, but for what a test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from shipway.model.preflight import AlarmState, Facts, Keeping, Needs, Place, Role, Seen
from shipway.model.service import Environment
from shipway.testing.calls import Calls, Misuse

ECS_TASKS = "ecs-tasks.amazonaws.com"


@dataclass(slots=True)
class FakeInspector:
    """`ports.Inspector`; `change` may make other facts, `states` says what alarms do.

    Each look at alarms takes the next state that `states` has for a name; the last one stays.
    An alarm that is not named there is OK.
    """

    calls: Calls = field(default_factory=Calls)
    change: Callable[[Facts], Facts] = field(default=lambda facts: facts)
    states: dict[str, list[Seen[AlarmState]]] = field(default_factory=dict)
    asked: list[Needs] = field(default_factory=list)

    def facts(self, environment: Environment, needs: Needs) -> Facts:
        """Say that all is well, unless told otherwise; see `ports.Inspector`."""
        if not environment.name:
            raise Misuse("an environment without a name")
        with self.calls.call("inspector.facts"):
            self.asked.append(needs)
            platforms = (needs.platform,) if needs.platform else ()
            if needs.only_image:
                return self.change(Facts(platforms=platforms))
            return self.change(
                Facts(
                    platforms=platforms,
                    cluster="ACTIVE",
                    service=Place("ACTIVE", needs.tasks, fargate=True, network="awsvpc"),
                    roles=tuple((arn, Role(arn, frozenset({ECS_TASKS}))) for arn in needs.roles),
                    secrets=tuple((each, Keeping.THERE) for each in needs.secrets),
                )
            )

    def alarms(self, names: tuple[str, ...]) -> tuple[tuple[str, Seen[AlarmState]], ...]:
        """Say the state of each alarm."""
        with self.calls.call("inspector.alarms"):
            return tuple((name, self._state(name)) for name in names)

    def _state(self, name: str) -> Seen[AlarmState]:
        waiting = self.states.get(name, [AlarmState.OK])
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]
