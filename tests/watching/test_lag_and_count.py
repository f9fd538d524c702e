"""How soon an end is noticed, and what that costs: virtual time and counted requests."""

from __future__ import annotations

import random
from collections import Counter
from statistics import mean

from shipway.apply.following import Watched
from shipway.events.watching import DeploymentMoved
from shipway.local.ecs.runtime_virtual import Script
from shipway.model.observed import DeploymentArn
from shipway.model.outcome import DeploymentOutcome as O
from tests.watching.lookout import Lookout

SCRIPTS = {
    "slow": Script(start_s=35.0, healthy_after_s=12.0),
    "draining": Script(drain_s=45.0),
    "late crash": Script(healthy_after_s=2.0, exit_after_s=4.0),
    "never healthy": Script(healthy_after_s=None, unhealthy_after_s=25.0),
}
SCENARIOS = {
    "quick": ("better", "good", O.SUCCEEDED),
    "slow start": ("slow", "good", O.SUCCEEDED),
    "old tasks drain": ("better", "draining", O.SUCCEEDED),
    "crashes": ("crash", "good", O.ROLLED_BACK),
    "crashes late": ("late crash", "good", O.ROLLED_BACK),
    "cannot be pulled": ("missing", "good", O.ROLLED_BACK),
    "never healthy": ("never healthy", "good", O.ROLLED_BACK),
    "fails while old tasks drain": ("crash", "draining", O.ROLLED_BACK),
}


def test_ends_are_noticed_within_two_seconds_in_the_mean() -> None:
    """Over all scenarios, two offsets each, the mean lag is below 2 s; each ends as it must."""
    dice = random.Random(4)  # noqa: S311 - a seed that is told makes a failure repeatable
    lags: list[float] = []
    for new, old, outcome in SCENARIOS.values():
        lookout = Lookout()
        for name, script in SCRIPTS.items():
            lookout.script(name, script)
        for _ in range(2):
            service = lookout.stage.serve(old)
            service.until_over(300)
            watched = lookout.update(service, new)
            lookout.stage.pass_time(dice.uniform(0, 5))
            assert lookout.watch(watched, chance=dice.random) == ()
            assert lookout.ends[watched.deployment].outcome is outcome, (new, old)
        lags += lookout.lags
        lookout.close()
    assert len(lags) == 2 * len(SCENARIOS)
    assert min(lags) > -0.001  # what the wire rounds
    assert mean(lags) <= 2.0, lags


def test_a_three_minute_deployment_costs_ninety_requests_at_most(lookout: Lookout) -> None:
    """Three minutes of a rolling deployment, one task after the other, cost at most 90 requests."""
    lookout.script("slow", Script(start_s=30.0, healthy_after_s=10.0))
    service = lookout.stage.serve("good", count=4)
    service.until_over()
    start = lookout.clock.monotonic()
    limits = {"minimumHealthyPercent": 100, "maximumPercent": 125}
    watched = lookout.update(service, "slow", deploymentConfiguration=limits)
    lookout.requests.clear()
    lookout.watch(watched)
    took = lookout.clock.monotonic() - start
    assert lookout.ends[watched.deployment].outcome is O.SUCCEEDED
    assert 160 < took < 220
    assert len(lookout.requests) <= 90, Counter(lookout.requests)


def test_two_requests_a_tick_are_enough_for_ten_services(lookout: Lookout) -> None:
    """Ten services are looked at with two requests, one for deployments and one for services."""
    watched = _hundred(lookout, 10)
    lookout.requests.clear()
    lookout.watch(*watched, within_s=0)
    assert Counter(lookout.requests) == {"DescribeServiceDeployments": 1, "DescribeServices": 1}


def test_a_hundred_services_cost_at_most_25_requests_a_tick(lookout: Lookout) -> None:
    """The first tick, which asks for all there is, makes 15 requests for 100 services."""
    watched = _hundred(lookout, 100)
    lookout.requests.clear()
    left = lookout.watch(*watched, within_s=0)
    assert len(left) == 100
    assert len({event.environment for event in lookout.events(DeploymentMoved)}) == 100
    assert len(lookout.requests) <= 25, Counter(lookout.requests)


def test_a_hundred_services_are_followed_to_their_ends(lookout: Lookout) -> None:
    """Each of a hundred deployments has its own end, and none is forgotten."""
    watched = _hundred(lookout, 100)
    assert lookout.watch(*watched) == ()
    assert {ended.outcome for ended in lookout.ends.values()} == {O.SUCCEEDED}
    assert len(lookout.ends) == 100


def _hundred(lookout: Lookout, count: int) -> tuple[Watched, ...]:
    """Services whose first deployment is under way."""
    services = [lookout.stage.serve("good", count=1, balanced=False) for _ in range(count)]
    return tuple(
        Watched(lookout.place(s), DeploymentArn(s.service()["currentServiceDeployment"]))
        for s in services
    )
