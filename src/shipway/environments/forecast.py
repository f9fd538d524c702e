"""What a deployment would change, what it would leave alone, and what has changed by itself.

A pure comparison, fit to be shown: values that are secret by their name are hidden. It refuses to
know how requests are made, which the adapter that sends them says.
"""

from __future__ import annotations

from shipway.model.document import Json, JsonObject, canonical, flat, objects, ordered, parsed
from shipway.model.foreseen import Foreseen, Request
from shipway.model.lazy import dataclass
from shipway.model.secret_names import shown
from shipway.model.spec import Spec
from shipway.model.task_definition import Change, TaskDefinition, differences

TRIGGERS = frozenset(
    {
        "forceNewDeployment",
        "loadBalancers",
        "networkConfiguration",
        "platformVersion",
        "serviceConnectConfiguration",
        "serviceRegistries",
        "taskDefinition",
        "volumeConfigurations",
        "vpcLatticeConfigurations",
    }
)
"""Attributes of a service that start a deployment when they change (API reference, UpdateService);
the others are taken over without one."""

_GRACE = "healthCheckGracePeriodSeconds"
_PLACE = frozenset({"cluster", "service", "serviceName", "taskDefinition", "forceNewDeployment"})
_VALUES = ("environment", "options", "dockerLabels", "driverOpts", "labels")
"""Where a definition holds values under names that people choose."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a deployment would do to an environment; all values are safe to show.

    `changes` are those of the task definition, `service` those of the service's own attributes,
    both from what is live. `drift` is how what is live differs from what the ledger says was put
    there, None where the ledger does not say. `because` names what would start a deployment; empty
    when nothing would. All are sorted, all may be empty.
    """

    changes: tuple[Change, ...]
    service: tuple[Change, ...]
    drift: tuple[Change, ...] | None
    because: tuple[str, ...]
    revision: str | None
    calls: tuple[Request, ...]
    untouched: tuple[str, ...]

    @property
    def pending(self) -> bool:
        """Whether a deployment would change anything."""
        return bool(self.changes or self.service)


def forecast(
    live: TaskDefinition | None,
    wanted: TaskDefinition,
    put_there: Spec | None,
    foreseen: Foreseen,
) -> Forecast:
    """Compare what is live with what is wanted, and with what was put there."""
    changes = differences(live, wanted)
    service = _service_changes(foreseen)
    drift = _drift(put_there, live, foreseen) if put_there and live else None
    because = ["taskDefinition"] if changes else []
    because += [c.field for c in service if c.field.partition(".")[0] in TRIGGERS]
    return Forecast(
        changes=tuple(_safe(change) for change in changes),
        service=service,
        drift=None if drift is None else tuple(_safe(change) for change in drift),
        because=tuple(because),
        revision=foreseen.revision,
        calls=tuple(_call(request) for request in foreseen.requests),
        untouched=foreseen.untouched,
    )


def _drift(put_there: Spec, live: TaskDefinition, foreseen: Foreseen) -> tuple[Change, ...]:
    """Compare what is live with all that the ledger says was asked for."""
    grace = parsed(foreseen.live).get(_GRACE)
    now = differences(put_there.definition, live)
    if grace is None or grace == put_there.grace_s:
        return now
    return (*now, Change(_GRACE, str(put_there.grace_s), str(grace)))


def _service_changes(foreseen: Foreseen) -> tuple[Change, ...]:
    """Compare the fields that would be sent with what the service has; the others stay."""
    if not foreseen.live:
        return ()
    sent: JsonObject = {}
    for request in foreseen.requests:
        if request.operation == "UpdateService":
            sent |= parsed(request.parameters)
    asked = {name: value for name, value in sent.items() if name not in _PLACE}
    new, old = flat(ordered(asked)), flat(ordered(parsed(foreseen.live)))
    return tuple(
        Change(name, old.get(name), new[name]) for name in sorted(new) if old.get(name) != new[name]
    )


def _safe(change: Change) -> Change:
    parts = change.field.split(".")
    under_name = any(name in parts[:-1] for name in _VALUES)
    name = parts[-1] if under_name else ""
    before = None if change.before is None else shown(name, change.before)
    after = None if change.after is None else shown(name, change.after)
    return Change(change.field, before, after)


def _call(request: Request) -> Request:
    from_json = _shown(parsed(request.parameters))
    return Request(request.operation, canonical(from_json))


def _shown(value: Json, under: str = "") -> Json:
    """Hide what is secret by its name, wherever values stand under names."""
    if isinstance(value, dict):
        named = under in _VALUES
        return {
            key: shown(key, inner) if named and isinstance(inner, str) else _shown(inner, key)
            for key, inner in value.items()
        }
    if isinstance(value, list) and under == "environment":
        return [
            {**item, "value": shown(str(item.get("name", "")), str(item.get("value", "")))}
            for item in objects(value)
        ]
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return shown("", value) if isinstance(value, str) else value
