"""From a strategy as it is written to the one that is meant, and what does not go together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shipway.config.strategy_schema import BreakerPart, StrategyPart
from shipway.config.strict_yaml import Data, Path
from shipway.model.strategy import (
    Breaker,
    CodeDeploy,
    EarlySuccess,
    Hook,
    Pause,
    Steps,
    Strategy,
    StrategyRules,
    Threshold,
    Traffic,
)

BAKE_MIN = 5
"""Minutes of bake where nothing is said: long enough for an alarm of one-minute periods."""

_SHIFTING = ("blue_green", "canary", "linear")
_BELONGS = {
    "bake": _SHIFTING,
    "canary": ("canary",),
    "linear": ("linear",),
    "min_healthy": ("rolling",),
    "max": ("rolling",),
    "breaker": ("rolling",),
    "alarms": ("rolling", *_SHIFTING),
    "early_success": ("rolling",),
    "pause": _SHIFTING,
    "pause_timeout": _SHIFTING,
    "pause_then": _SHIFTING,
    "hooks": _SHIFTING,
    "traffic": _SHIFTING,
    "code_deploy": ("code_deploy",),
}
"""Which keys belong to which kinds; any other pair is a mistake."""


def strategy_rules(part: StrategyPart) -> StrategyRules:
    """Return the strategy that is meant, with what its kind needs filled in."""
    kind = Strategy(part.kind)
    return StrategyRules(
        kind=kind,
        bake_min=(BAKE_MIN if part.bake is None else part.bake) if kind.shifts_traffic else 0,
        steps=_steps(kind, part),
        min_healthy=part.min_healthy,
        max=part.max,
        breaker=_breaker(part.breaker),
        alarms=tuple(part.alarms),
        early_success=EarlySuccess(
            part.early_success.healthy_percent, part.early_success.cleanup == "deferred"
        )
        if part.early_success
        else None,
        pause=Pause(_stages(part.pause), part.pause_timeout, part.pause_then == "continue")
        if part.pause
        else None,
        hooks=tuple(Hook(h.function, h.role, _stages(h.stages)) for h in part.hooks),
        traffic=_traffic(part),
        code_deploy=CodeDeploy(
            part.code_deploy.application, part.code_deploy.group, part.code_deploy.config
        )
        if part.code_deploy
        else None,
    )


def _steps(kind: Strategy, part: StrategyPart) -> Steps | None:
    match kind:
        case Strategy.CANARY:
            return Steps(part.canary.percent, part.canary.bake) if part.canary else Steps(5.0, 10)
        case Strategy.LINEAR:
            return Steps(part.linear.percent, part.linear.bake) if part.linear else Steps(10.0, 6)
        case _:
            return None


def _breaker(part: BreakerPart | None) -> Breaker | None:
    if part is None:
        return None
    given = {
        Threshold.COUNT: part.count,
        Threshold.BOUNDED_PERCENT: part.percent,
        Threshold.UNBOUNDED_PERCENT: part.unbounded_percent,
    }
    kind, value = next(((k, v) for k, v in given.items() if v), (Threshold.BOUNDED_PERCENT, 50))
    return Breaker(kind, value, part.reset_on_healthy)


def _stages(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.upper() for name in names)


def _traffic(part: StrategyPart) -> Traffic | None:
    if part.traffic is None:
        return None
    found = part.traffic
    return Traffic(found.alternate_target_group, found.production_rule, found.role, found.test_rule)


def strategy_findings(strategy: Data, path: Path, *, on_aws: bool) -> Iterator[tuple[Path, str]]:
    """Yield what contradicts itself in one strategy; `path` is where it stands."""
    keys: dict[str, Data] = strategy if isinstance(strategy, dict) else {"kind": strategy}
    kind = keys.get("kind", "rolling")
    known = {*_SHIFTING, "rolling", "code_deploy"}
    if not isinstance(kind, str) or kind not in known:
        return  # the schema says what is wrong with it
    for key in keys:
        kinds = _BELONGS.get(key, ())
        if kinds and kind not in kinds:
            belongs = ", ".join(repr(k) for k in kinds)
            yield (*path, key), f"belongs to {belongs}, not to {kind!r}"
    yield from _sense(keys, path)
    if kind == "code_deploy":
        if "code_deploy" not in keys:
            yield path, "the strategy 'code_deploy' needs the key 'code_deploy': whose group it is"
        if not on_aws:
            yield path, "CodeDeploy is on AWS: it needs 'aws' -> 'blue_green' works on one machine"


def _sense(keys: dict[str, Data], path: Path) -> Iterator[tuple[Path, str]]:
    if keys.get("min_healthy", "100") == "100" and keys.get("max") == "100":
        yield (*path, "max"), "with min_healthy 100 no task could ever be replaced"
    breaker = keys.get("breaker")
    given = [k for k in ("count", "percent", "unbounded_percent") if k in _map(breaker)]
    if len(given) > 1:
        yield (*path, "breaker", given[1]), f"needs one of {', '.join(given)}, has {len(given)}"
    pause = keys.get("pause")
    for key in ("pause_timeout", "pause_then"):
        if key in keys and not pause:
            yield (*path, key), "needs 'pause': the stages at which to wait"
    stages = [s for s in pause if isinstance(s, str)] if isinstance(pause, list) else []
    for n, stage in enumerate(stages):
        if stage in stages[:n]:
            yield (*path, "pause", n), f"{stage!r} stands here twice"


def _map(data: Data) -> dict[str, Data]:
    return data if isinstance(data, dict) else {}
