"""How soon the next look at a deployment is worth a request: soon where its end may be near.

Pure: it gets what was seen and for how long nothing has changed, and gives a number of shortest
intervals. It knows no clock and no chance.
"""

from __future__ import annotations

from shipway.environments.health import Paused, Settling
from shipway.model.observed import DeploymentStatus, LifecycleStage, ObservedDeployment

NEAR, SOON, FAR = 1.0, 3.0, 5.0
"""Between two looks, in shortest intervals (1 s on AWS)."""

CALM_S = 10.0
"""After so long without a change the end is no longer about to come."""


def intervals(deployment: ObservedDeployment, judged: Settling | Paused, calm_s: float) -> float:
    """Return how many shortest intervals may pass before the next look.

    An end that could come at any moment is looked for every interval at first; when it does not
    come, more slowly, since draining may take minutes and requests are counted.
    """
    if isinstance(judged, Paused):
        return FAR
    if _may_end(deployment):
        return NEAR if calm_s < CALM_S else SOON
    return SOON if calm_s < CALM_S else FAR


def _may_end(deployment: ObservedDeployment) -> bool:
    """Tell whether the very next thing that happens may be the end."""
    if deployment.status not in {DeploymentStatus.PENDING, DeploymentStatus.IN_PROGRESS}:
        return True
    if deployment.stage is not None:
        return deployment.stage is LifecycleStage.CLEAN_UP
    failing = 0 < deployment.threshold <= deployment.failures + 1
    return failing or deployment.running >= deployment.desired > 0
