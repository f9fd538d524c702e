"""Stays with one deployment until its end, its time-out, or a signal that asks us to go.

Whoever goes leaves the deployment alone, or has ECS roll it back, as the environment wants it; and
says how to come back.
"""

from __future__ import annotations

from shipway.apply.following import Watched, follow
from shipway.apply.world import World
from shipway.environments.health import Ended
from shipway.errors import Interrupted, OutsideDidNotAnswer, StoppedWatching, Terminated
from shipway.model.observed import DeploymentArn
from shipway.model.service import Environment, OnInterrupt


def attend(
    environment: Environment, deployment: DeploymentArn, world: World, *, what: str, ours: bool
) -> Ended:
    """Watch a deployment to its end; `what` names what it brings, for people.

    `ours` is false where somebody else started it: then nothing is ever rolled back from here.

    Raises:
        StoppedWatching: the environment's time-out is over; the deployment goes on.
        Interrupted, Terminated: a signal came first; with the same exit status as ever, since
            what became of the deployment is not known.
    """
    name = environment.name
    ends: list[Ended] = []
    try:
        follow(
            (Watched(environment, deployment),),
            world,
            within_s=environment.timeout_s,
            on_end=lambda _, ended: ends.append(ended),
        )
    except (Interrupted, Terminated) as stop:
        if ends:  # the signal came when all was over: the next look tells it again
            raise
        raise _gone(stop, environment, deployment, world, what=what, ours=ours) from stop
    if ends:
        return ends[0]
    raise StoppedWatching(
        f"{what} is still rolling out after {environment.timeout_s:g} s",
        where=name,
        hint=f"the deployment goes on; `shipway watch {name}` watches it again",
    )


def _gone(
    stop: Interrupted | Terminated,
    environment: Environment,
    deployment: DeploymentArn,
    world: World,
    *,
    what: str,
    ours: bool,
) -> Interrupted | Terminated:
    """Do what the environment wants when we are asked to go, and say how it stands."""
    hint = f"`shipway watch {environment.name}` watches it again"
    said = f"{stop.message} while {what} was rolling out; the deployment goes on"
    if ours and environment.on_interrupt is OnInterrupt.ROLLBACK:
        try:
            if not world.orchestrator.continue_deployment(deployment, go_on=False):
                world.orchestrator.stop_deployment(deployment)
            said = f"{stop.message} while {what} was rolling out; ECS was asked to roll it back"
        except OutsideDidNotAnswer as problem:
            said = f"{said}, since ECS could not be asked to roll it back: {problem.message}"
    return type(stop)(said, where=environment.name, hint=hint)
