"""What each default costs a deployment, in seconds, and what it could cost: pure arithmetic.

The figures are those of AWS's own documents; where they are estimates they say so. A price is what
one wave of tasks waits for; waves come one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from shipway.model.examined import Examined
from shipway.model.lazy import dataclass

DRAIN_S, INTERVAL_S, THRESHOLD, STOP_S = 10, 5, 2, 10
"""What a service that answers within a second can live with."""

UNWATCHED_S: Final = 40
"""How long ECS waits after RUNNING where nothing tells whether a task is well.

Source: ECS API Reference, DeploymentConfiguration, minimumHealthyPercent.
"""

START_S: Final = 35
"""A usual start on Fargate, 30 to 45 s; nothing here shortens it, but each wave waits for it."""

PULL_S_PER_MB: Final = 0.1
"""An estimate: images of 250 MB start about 25 s later (aws/containers-roadmap#696)."""

SOCI_MB: Final = 250
ZSTD_SAVES: Final = 0.27
"""AWS's own measurement: zstd starts up to 27 % faster."""

_DEFAULT_STOP_S = 30


@dataclass(frozen=True, slots=True)
class Price:
    """What one setting costs and could cost, in seconds, and how to get there.

    `estimate` where the figure depends on more than the setting; `worst` where it is only paid
    when something does not go well, so that it is no part of the sum.
    """

    what: str
    seconds: float
    tuned: float
    fix: str
    estimate: bool = False
    worst: bool = False

    @property
    def saved(self) -> float:
        """How many seconds the fix saves."""
        return max(0.0, self.seconds - self.tuned)


def prices(seen: Examined) -> tuple[Price, ...]:
    """Return what could be saved, the dearest first; empty where every setting is tuned."""
    found = [
        *_drain(seen),
        *_health(seen),
        *_image(seen),
        *_stop(seen),
        *_strategy(seen),
        *_grace(seen),
    ]
    wave = START_S + sum(p.tuned for p in found if not p.worst and p.what.startswith(_PER_WAVE))
    found += _waves(seen, wave)
    return tuple(sorted((p for p in found if p.saved > 0), key=lambda p: -p.saved))


def total(found: tuple[Price, ...]) -> float:
    """Return the seconds that all fixes together save in a deployment that goes well."""
    return sum(price.saved for price in found if not price.worst)


_PER_WAVE = ("deregistration", "health check", "no health check", "container health")


def _drain(seen: Examined) -> Iterator[Price]:
    if seen.rules.early or not seen.groups:
        return  # clean-up of old tasks is off the path
    delay = max(group.delay_s for group in seen.groups)
    yield Price(
        f"deregistration delay of {delay} s",
        delay,
        min(delay, DRAIN_S),
        f"deregistration_delay.timeout_seconds={DRAIN_S} on the target group (twice your slowest "
        "answer), or earlySuccessCriteria with DEFERRED clean-up, which takes it off the path",
    )


def _health(seen: Examined) -> Iterator[Price]:
    for group in seen.groups[:1]:
        now = group.interval_s * group.threshold
        yield Price(
            f"health check every {group.interval_s} s, {group.threshold} times",
            now,
            min(now, INTERVAL_S * THRESHOLD),
            f"HealthCheckIntervalSeconds={INTERVAL_S}, HealthyThresholdCount={THRESHOLD}",
        )
    checks = [c.checks_every_s for c in seen.containers if c.checks_every_s is not None]
    if checks:
        yield Price(
            f"container health check every {max(checks)} s",
            max(checks),
            min(max(checks), INTERVAL_S),
            f"interval: {INTERVAL_S} in the container's health check",
        )
    elif not seen.balanced:
        yield Price(
            f"no health check at all: ECS waits {UNWATCHED_S} s after each start",
            UNWATCHED_S,
            INTERVAL_S,
            "give the container a health check",
        )


def _image(seen: Examined) -> Iterator[Price]:
    if seen.image is None:
        return
    mb = seen.image.size / 1e6
    cost = mb * PULL_S_PER_MB
    if mb > SOCI_MB:
        yield Price(
            f"image of {mb:.0f} MB, pulled by every task",
            cost,
            SOCI_MB * PULL_S_PER_MB,
            f"a smaller base image, or a SOCI index, which AWS advises above {SOCI_MB} MB",
            estimate=True,
        )
    elif not seen.image.zstd and mb * PULL_S_PER_MB * ZSTD_SAVES >= 1:
        yield Price(
            f"layers of {mb:.0f} MB are gzip, not zstd",
            cost,
            cost * (1 - ZSTD_SAVES),
            "docker buildx build --output type=image,compression=zstd,force-compression=true",
            estimate=True,
        )


def _stop(seen: Examined) -> Iterator[Price]:
    waits = [
        _DEFAULT_STOP_S if c.stop_timeout_s is None else c.stop_timeout_s for c in seen.containers
    ]
    if waits and not seen.rules.early:
        yield Price(
            f"stop timeout of {max(waits)} s, waited for by a container that ignores SIGTERM",
            max(waits),
            min(max(waits), STOP_S),
            "end on SIGTERM (node as PID 1, not npm or a shell), then lower stopTimeout",
            worst=True,
        )


def _strategy(seen: Examined) -> Iterator[Price]:
    rules = seen.rules
    if rules.bake_min:
        yield Price(
            f"bake time of {rules.bake_min} min",
            rules.bake_min * 60,
            rules.bake_min * 60 if rules.alarms else 60,
            "without alarms nothing watches while it bakes: name alarms, or shorten it",
        )
    if rules.strategy in {"LINEAR", "CANARY"} and rules.step_bake_min:
        steps = (
            1 if rules.strategy == "CANARY" else math.ceil(100 / (rules.step_percent or 100)) - 1
        )
        cost = steps * rules.step_bake_min * 60
        yield Price(
            f"{steps} steps of {rules.step_bake_min} min each ({rules.strategy})",
            cost,
            cost if rules.alarms else steps * 60,
            "without alarms nothing is watched between the steps: name alarms, or shorten them",
        )


def _grace(seen: Examined) -> Iterator[Price]:
    if seen.rules.grace_s > 60:  # noqa: PLR2004 - a start that takes more than a minute is rare
        yield Price(
            f"grace period of {seen.rules.grace_s} s, before a release that never answers fails",
            seen.rules.grace_s,
            60,
            "set `container.grace` to twice your slowest start",
            worst=True,
        )


def _waves(seen: Examined, wave_s: float) -> Iterator[Price]:
    """Price what makes a deployment go in several waves: too little room above what must stay."""
    waves = waves_of(seen.desired, seen.rules.minimum, seen.rules.maximum)
    if seen.rules.strategy == "ROLLING" and waves > 1:
        yield Price(
            f"{waves} waves: minimum {seen.rules.minimum} %, maximum {seen.rules.maximum} %",
            waves * wave_s,
            wave_s,
            "minimumHealthyPercent=100, maximumPercent=200: all new tasks start at once",
        )


def waves_of(desired: int, minimum: int, maximum: int) -> int:
    """Return how many times a rolling deployment starts tasks and waits for them; at least 1.

    Source: ECS Developer Guide, rolling update: the minimum is rounded up, the maximum down.
    """
    if desired == 0:
        return 1
    stay = math.ceil(desired * minimum / 100)
    most = math.floor(desired * maximum / 100)
    batch = most - stay
    return max(1, math.ceil(desired / batch)) if batch > 0 else desired
