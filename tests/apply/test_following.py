"""Following a deployment: each thing is told once, and no silence ends it before its time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from shipway.apply.deployment import watch
from shipway.apply.following import Watched, follow
from shipway.environments.health import Ended
from shipway.errors import (
    AccessIsDenied,
    AwsDidNotAnswer,
    Interrupted,
    ShipwayError,
    Signalled,
    StoppedWatching,
    Terminated,
)
from shipway.events.types import DeploymentEnded, Warned
from shipway.events.watching import DeploymentMoved, DeploymentPaused, EcsSaid, TaskStopped
from shipway.model.observed import (
    Alarms,
    AwaitedHook,
    DeploymentArn,
    DeploymentStatus,
    LifecycleStage,
    Moments,
    ObservedDeployment,
    RevisionCount,
    RolloutKind,
    ServiceEvent,
)
from shipway.model.outcome import DeploymentOutcome
from shipway.model.service import Environment, OnInterrupt
from shipway.plan.steps import Watch
from shipway.testing.builders import Stage, a_release, an_environment
from shipway.testing.ecs import FakeOrchestrator
from shipway.testing.fakes import Ending

ARN = DeploymentArn("arn:1")
GOING = ObservedDeployment(
    arn=ARN,
    status=DeploymentStatus.IN_PROGRESS,
    reason="",
    images=(),
    desired=2,
    running=1,
    failures=0,
    breaker_tripped=False,
    first=False,
    moments=Moments(created=1000.0),
)
OVER = replace(GOING, status=DeploymentStatus.SUCCESSFUL, running=2)


@dataclass(slots=True)
class Shown(FakeOrchestrator):
    """Shows one deployment as it is told, look by look, the last for ever; errors are raised."""

    looks: list[ObservedDeployment | ShipwayError | Signalled] = field(default_factory=list)
    deaf: ShipwayError | None = None
    blind: ShipwayError | None = None

    def deployment(self, deployment: DeploymentArn) -> ObservedDeployment:
        """Show the next look."""
        with self.calls.call("orchestrator.deployment"):
            look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, ShipwayError | Signalled):
            raise look
        return replace(look, arn=deployment)

    def said(self, environments: object) -> dict[str, tuple[ServiceEvent, ...]]:
        """Say what a test let ECS say, or refuse."""
        del environments
        if self.deaf is not None:
            raise self.deaf
        return {name: tuple(events) for name, events in self.sayings.items()}

    def stopped_tasks(self, environment: Environment, deployment: DeploymentArn) -> tuple[()]:
        """No task, or a refusal."""
        del environment, deployment
        if self.blind is not None:
            raise self.blind
        self.calls.made["stopped_tasks"] += 1
        return ()


def shown(*looks: ObservedDeployment | ShipwayError | Signalled) -> Stage:
    """A stage whose ECS shows these looks."""
    stage = Stage()
    stage.orchestrator = Shown(stage.calls, looks=list(looks))
    return stage


def followed(stage: Stage, *, within_s: float = 600) -> list[Ended]:
    """Follow the one deployment; return its end, if it came."""
    ends: list[Ended] = []
    watched = Watched(an_environment(), ARN)
    follow((watched,), stage.world(), within_s=within_s, on_end=lambda _, end: ends.append(end))
    return ends


def told(stage: Stage, kind: type) -> list[object]:
    """Return the events of one kind."""
    return [event for event in stage.events if isinstance(event, kind)]


def ecs_of(stage: Stage) -> Shown:
    """The orchestrator of `shown`."""
    assert isinstance(stage.orchestrator, Shown)
    return stage.orchestrator


# --- what is told -------------------------------------------------------------------------------


def test_a_move_is_told_once() -> None:
    """Looks that show nothing new say nothing; one that does says what it is."""
    more = replace(GOING, running=2)
    stage = shown(GOING, GOING, GOING, more, more, OVER)
    followed(stage)
    moved = told(stage, DeploymentMoved)
    assert [(e.running, e.status) for e in moved if isinstance(e, DeploymentMoved)] == [
        (1, "IN_PROGRESS"),
        (2, "IN_PROGRESS"),
        (2, "SUCCESSFUL"),
    ]


def test_stage_weights_and_alarms_are_told() -> None:
    """A move carries strategy, stage, weights, the breaker's limit and which alarms fired."""
    canary = replace(
        GOING,
        kind=RolloutKind.CANARY,
        stage=LifecycleStage.PRODUCTION_TRAFFIC_SHIFT,
        target=RevisionCount("r", 2, 2, 0, 5.0, 100.0),
        threshold=3,
        alarms=Alarms(("errors", "latency"), ("latency",)),
    )
    stage = shown(canary, OVER)
    followed(stage)
    first = told(stage, DeploymentMoved)[0]
    assert isinstance(first, DeploymentMoved)
    assert (first.strategy, first.stage) == ("CANARY", "PRODUCTION_TRAFFIC_SHIFT")
    assert (first.weight, first.test_weight, first.threshold) == (5.0, 100.0, 3)
    assert (first.alarms, first.alarms_fired) == (("errors", "latency"), ("latency",))
    assert "latency fired" in first.sentence


def test_a_pause_is_told_with_the_commands_that_answer_it() -> None:
    """Hook, stage, expiry, what happens then, and both exact commands, once for each hook."""
    hook = AwaitedHook("h1", LifecycleStage.POST_TEST_TRAFFIC_SHIFT, 2000.0, "ROLLBACK")
    paused = replace(GOING, hook=hook)
    stage = shown(paused, paused, replace(GOING, hook=replace(hook, id="h2")), OVER)
    followed(stage)
    assert told(stage, DeploymentPaused) == [
        DeploymentPaused(
            environment="preprod",
            hook=name,
            stage="POST_TEST_TRAFFIC_SHIFT",
            expires_at=2000.0,
            at_expiry="ROLLBACK",
            goes_on="shipway continue preprod",
            goes_back="shipway continue preprod --rollback",
        )
        for name in ("h1", "h2")
    ]


def test_events_are_told_once_and_only_since_our_start() -> None:
    """An event of before the deployment is not ours; the clocks compared are both AWS's."""
    stage = shown(GOING, *[replace(GOING, failures=n) for n in range(1, 60)], OVER)
    stage.clock.at = 5.0  # our own clock is years behind, and nobody minds
    stage.orchestrator.sayings["preprod"] = [
        ServiceEvent("old", 999.0, "has reached a steady state."),
        ServiceEvent("a", 1000.0, "has started 1 tasks"),
        ServiceEvent("b", 1001.0, "was unable to place a task."),
    ]
    followed(stage)
    assert told(stage, EcsSaid) == [
        EcsSaid("preprod", "has started 1 tasks", trouble=False),
        EcsSaid("preprod", "was unable to place a task.", trouble=True),
    ]


def test_stopped_tasks_are_asked_for_only_when_failures_change() -> None:
    """Twenty looks with two new failures cost two requests for tasks."""
    one, two = replace(GOING, failures=1), replace(GOING, failures=2)
    stage = shown(*[GOING] * 5, *[one] * 5, *[two] * 10, OVER)
    followed(stage)
    assert stage.calls.made["stopped_tasks"] == 2


def test_stopped_tasks_carry_their_cause() -> None:
    """A task that stopped is told with its exit code, its last lines and a word for the cause."""
    stage = Stage()
    stage.orchestrator.ensure_place(an_environment())
    stage.orchestrator.will("preprod", Ending.ROLLS_BACK)
    from shipway.environments.taskdef import task_definition  # noqa: PLC0415 - only here

    definition = task_definition(a_release(), an_environment())
    tags = (("shipway:release", "r"),)
    arn = stage.orchestrator.deploy(an_environment(), definition, tags=tags, create=True)
    follow((Watched(an_environment(), arn),), stage.world(), within_s=60, on_end=lambda *_: None)
    assert [(e.task, e.cause) for e in stage.events if isinstance(e, TaskStopped)] == [
        ("task-0", "crashed"),
        ("task-1", "crashed"),
    ]


# --- silence and refusals -----------------------------------------------------------------------


def test_no_silence_ends_the_watch_and_it_is_told_once() -> None:
    """Ten minutes of throttling are survived; one warning, and one when ECS answers again."""
    silence: list[ObservedDeployment | ShipwayError | Signalled] = [
        AwsDidNotAnswer("throttled")
    ] * 20
    stage = shown(GOING, *silence, OVER)
    ends = followed(stage, within_s=3600)
    assert [end.outcome for end in ends] == [DeploymentOutcome.SUCCEEDED]
    warned = [e.message for e in stage.events if isinstance(e, Warned)]
    assert len(warned) == 2
    assert "throttled" in warned[0]
    assert "answers again" in warned[1]
    assert stage.clock.waited > 300


def test_a_single_lost_look_is_not_worth_a_word() -> None:
    """One look without an answer passes without a warning."""
    stage = shown(GOING, AwsDidNotAnswer("throttled"), OVER)
    followed(stage)
    assert told(stage, Warned) == []


def test_it_backs_off_while_it_gets_no_answer() -> None:
    """The distance between lost looks doubles, up to 32 intervals."""
    stage = shown(AwsDidNotAnswer("throttled"))
    followed(stage, within_s=1000)
    assert 30 < stage.calls.made["orchestrator.deployment"] < 42


def test_silence_until_the_time_out_is_no_verdict() -> None:
    """Who never got an answer stops watching, exit 12; the deployment has not failed."""
    stage = shown(AwsDidNotAnswer("throttled"))
    with pytest.raises(StoppedWatching) as found:
        watch(Watch(an_environment(), a_release(), ARN), stage.world())
    assert found.value.exit_status == 12
    assert "shipway watch preprod" in found.value.hint
    assert told(stage, DeploymentEnded) == []


def test_denied_access_to_deployments_is_told_at_once() -> None:
    """Waiting does not change what an identity may do; and it is not "not found"."""
    stage = shown(AccessIsDenied("no"))
    with pytest.raises(AccessIsDenied):
        followed(stage)
    assert stage.clock.waited == 0


@pytest.mark.parametrize("sense", ["deaf", "blind"])
def test_what_is_only_for_people_may_be_denied(sense: str) -> None:
    """Without the right to read events or tasks the end is still known; one warning says so."""
    failing = [replace(GOING, failures=n) for n in range(1, 40)]
    stage = shown(GOING, *failing, OVER)
    setattr(ecs_of(stage), sense, AccessIsDenied("no ecs:Describe"))
    assert [end.outcome for end in followed(stage)] == [DeploymentOutcome.SUCCEEDED]
    assert [e.message for e in stage.events if isinstance(e, Warned)] != []
    assert len(told(stage, Warned)) == 1


def test_a_deployment_that_is_not_shown_yet_is_waited_for() -> None:
    """ECS may not show a new deployment at once; that is no end."""
    stage = Stage()
    waits = [{}, {}, {ARN: OVER}]

    class Late(FakeOrchestrator):
        def look(self, arns: object) -> dict[DeploymentArn, ObservedDeployment]:
            del arns
            return waits.pop(0)

    stage.orchestrator = Late(stage.calls)
    assert [end.outcome for end in followed(stage)] == [DeploymentOutcome.SUCCEEDED]


# --- pace ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("chance", "between"), [(0.0, 2.4), (0.5, 3.0), (1.0, 3.6)])
def test_the_pace_has_jitter(chance: float, between: float) -> None:
    """Chance moves each wait by a fifth: watchers that begin together drift apart."""
    stage = shown(GOING, OVER)
    world = replace(stage.world(), chance=lambda: chance)
    follow((Watched(an_environment(), ARN),), world, within_s=60, on_end=lambda *_: None)
    assert stage.clock.waited == pytest.approx(between)


def test_an_end_that_is_near_is_looked_for_every_second() -> None:
    """With all tasks running the next look is a second away, far from it up to five."""
    near = shown(replace(GOING, running=2), OVER)
    followed(near)
    assert near.clock.waited == pytest.approx(1.0)
    far = shown(*[GOING] * 8, OVER)
    followed(far)
    assert far.clock.waited == pytest.approx(4 * 3.0 + 4 * 5.0)


# --- signals ------------------------------------------------------------------------------------


def _signal(kind: type[Interrupted | Terminated]) -> Callable[[Stage], None]:
    """Send a signal with the third look."""

    def send(stage: Stage) -> None:
        ecs_of(stage).looks[2:2] = [kind("stopped by a signal")]

    return send


@pytest.mark.parametrize(("kind", "status"), [(Interrupted, 130), (Terminated, 143)])
@pytest.mark.parametrize("policy", OnInterrupt)
def test_a_signal_ends_the_watching_and_says_how_to_come_back(
    kind: type[Interrupted | Terminated], status: int, policy: OnInterrupt
) -> None:
    """Never 0; the deployment goes on, or goes back where the environment wants that."""
    stage = shown(GOING, GOING, GOING)
    _signal(kind)(stage)
    asked: list[DeploymentArn] = []

    class Stoppable(Shown):
        def continue_deployment(self, deployment: DeploymentArn, *, go_on: bool) -> bool:
            del deployment, go_on
            return False

        def stop_deployment(self, deployment: DeploymentArn) -> None:
            asked.append(deployment)

    stage.orchestrator = Stoppable(stage.calls, looks=ecs_of(stage).looks)
    environment = replace(an_environment(), on_interrupt=policy)
    with pytest.raises(kind) as found:
        watch(Watch(environment, a_release(), ARN), stage.world())
    assert found.value.exit_status == status
    assert "shipway watch preprod" in found.value.hint
    rolled_back = policy is OnInterrupt.ROLLBACK
    assert asked == ([ARN] if rolled_back else [])
    assert ("roll it back" in found.value.message) is rolled_back
    assert told(stage, DeploymentEnded) == []


def test_a_rollback_that_cannot_be_asked_for_is_told() -> None:
    """When ECS does not take the wish, the signal still ends the watching, and says so."""
    stage = shown(GOING)

    class Refusing(Shown):
        def continue_deployment(self, deployment: DeploymentArn, *, go_on: bool) -> bool:
            del deployment, go_on
            raise AccessIsDenied("no ecs:StopServiceDeployment")

    stage.orchestrator = Refusing(stage.calls, looks=[Terminated("terminated")])
    environment = replace(an_environment(), on_interrupt=OnInterrupt.ROLLBACK)
    with pytest.raises(Terminated) as found:
        watch(Watch(environment, a_release(), ARN), stage.world())
    assert "no ecs:StopServiceDeployment" in found.value.message
    assert "the deployment goes on" in found.value.message


def test_a_paused_deployment_is_rolled_back_by_its_pause() -> None:
    """Where a hook waits for a person, the wish to roll back answers it, and nothing is stopped."""
    answers: list[bool] = []
    stage = shown(GOING)

    class Waiting(Shown):
        def continue_deployment(self, deployment: DeploymentArn, *, go_on: bool) -> bool:
            del deployment
            answers.append(go_on)
            return True

    stage.orchestrator = Waiting(stage.calls, looks=[Terminated("terminated")])
    environment = replace(an_environment(), on_interrupt=OnInterrupt.ROLLBACK)
    with pytest.raises(Terminated, match="ECS was asked to roll it back"):
        watch(Watch(environment, a_release(), ARN), stage.world())
    assert answers == [False]
    assert stage.calls.made["orchestrator.stop_deployment"] == 0
