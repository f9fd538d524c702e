"""ECS in memory: deployments that end as they are told to, one look at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from shipway.errors import ShipwayError
from shipway.model.observed import (
    DeploymentArn,
    DeploymentStatus,
    ObservedDeployment,
    ObservedService,
    RunningTask,
    ServiceEvent,
    StoppedTask,
)
from shipway.model.release import Digest
from shipway.model.service import Environment
from shipway.model.task_definition import TaskDefinition
from shipway.testing.calls import Misuse
from shipway.testing.endings import REPLACED, Ending, looks, looks_back
from shipway.testing.one_off import OneOffTasks

_ARN = "arn:aws:ecs:eu-central-1:000000000000"
_OTHER = Digest(f"sha256:{'0' * 64}")
_UNDER_WAY = frozenset(
    {
        DeploymentStatus.PENDING,
        DeploymentStatus.IN_PROGRESS,
        DeploymentStatus.ROLLBACK_REQUESTED,
        DeploymentStatus.ROLLBACK_IN_PROGRESS,
    }
)


@dataclass(slots=True)
class FakeDeployment:
    """One deployment: what it brings, how it will end, and how it looks now."""

    environment: str
    definition: TaskDefinition
    ending: Ending
    now: ObservedDeployment
    looks: Iterator[ObservedDeployment]

    @property
    def under_way(self) -> bool:
        """Whether it has not ended."""
        return self.now.status in _UNDER_WAY


@dataclass(slots=True)
class FakeOrchestrator(OneOffTasks):
    """`ports.Orchestrator`.

    `will` says how the next deployments of an environment end; the others succeed. `tags` are
    those that the last request of an environment came with. `sick` are
    commits that answer 500 when they run. `trouble` is raised, one at a time, by looks at
    deployments, `task_trouble` by looks at running tasks.
    """

    deployments: list[FakeDeployment] = field(default_factory=list)
    places: set[str] = field(default_factory=set)
    running: dict[str, tuple[TaskDefinition, Digest]] = field(default_factory=dict)
    endings: dict[str, deque[Ending]] = field(default_factory=dict)
    sick: set[str] = field(default_factory=set)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    trouble: deque[ShipwayError] = field(default_factory=deque)
    task_trouble: deque[ShipwayError] = field(default_factory=deque)
    sayings: dict[str, list[ServiceEvent]] = field(default_factory=dict)

    def will(self, environment: str, *endings: Ending) -> None:
        """Say how the next deployments to an environment end."""
        self.endings.setdefault(environment, deque()).extend(endings)

    def asked(self, environment: str) -> int:
        """Return how many deployments were asked for in an environment."""
        return sum(d.environment == environment for d in self.deployments)

    def status_of(self, url: str) -> int | str:
        """Return what a GET at an environment's address is answered; see `FakeHttp`."""
        name = url.removeprefix("http://").partition(".")[0]
        if name not in self.running:
            return "connection refused"
        commit = dict(self.running[name][0].env).get("SHIPWAY_COMMIT")
        return 500 if commit in self.sick else 200

    def ensure_place(self, environment: Environment) -> None:
        """Make the place."""
        with self.calls.call("orchestrator.ensure_place"):
            self.places.add(environment.name)

    def address(self, environment: Environment) -> str:
        """Return the URL at which the environment answers."""
        return f"http://{environment.name}.test"

    def observe(self, environment: Environment) -> ObservedService | None:
        """Return the service as it is; None when there is none."""
        with self.calls.call("orchestrator.observe"):
            mine = self._of(environment.name)
            if not mine:
                return None
            definition = mine[0].definition
            return ObservedService(
                arn=f"{_ARN}:service/{environment.cluster}/{environment.ecs_service}",
                task_definition=f"{_ARN}:task-definition/{definition.family}:{len(mine)}",
                definition=definition,
                desired=environment.container.tasks,
                running=environment.container.tasks,
                deployments=tuple(d.now for d in mine),
            )

    def deploy(
        self,
        environment: Environment,
        definition: TaskDefinition,
        *,
        tags: tuple[tuple[str, str], ...],
        create: bool,
    ) -> DeploymentArn:
        """Begin a deployment; complain about what ECS would refuse or a user would regret."""
        with self.calls.call("orchestrator.deploy"):
            mine = self._of(environment.name)
            self._refuse_misuse(environment, definition, mine, create=create)
            if "shipway:release" not in dict(tags):
                raise Misuse("the tags do not name the release")
            self.tags[environment.name] = dict(tags)
            for older in mine:
                if older.under_way:
                    older.ending, older.looks = Ending.SUPERSEDED, iter(())
                    older.now = replace(older.now, status=DeploymentStatus.STOPPED, reason=REPLACED)
            return self._begin(environment, definition, first=not mine).now.arn

    def deployment(self, deployment: DeploymentArn) -> ObservedDeployment:
        """Return a deployment as it is now; each look moves it on by one step."""
        if self.trouble:
            raise self.trouble.popleft()
        with self.calls.call("orchestrator.deployment"):
            found = self._named(deployment)
            found.now = next(found.looks, found.now)
            if found.now.status is DeploymentStatus.SUCCESSFUL:
                wrong = found.ending is Ending.WRONG_IMAGE
                digest = Digest(found.definition.image.partition("@")[2])
                self.running[found.environment] = (found.definition, _OTHER if wrong else digest)
            return found.now

    def continue_deployment(self, deployment: DeploymentArn, *, go_on: bool) -> bool:
        """Answer a pause; False where nobody waits."""
        with self.calls.call("orchestrator.continue_deployment"):
            found = self._named(deployment)
            if not (found.ending is Ending.PAUSES and found.under_way):
                return False
            found.ending = Ending.SUCCEEDS if go_on else Ending.ROLLS_BACK
            found.looks = looks(found.now, Ending.SUCCEEDS) if go_on else looks_back(found.now)
            return True

    def look(self, arns: Collection[DeploymentArn]) -> Mapping[DeploymentArn, ObservedDeployment]:
        """Return deployments as they are now; each look moves each of them on by one step."""
        return {arn: self.deployment(arn) for arn in arns}

    def said(self, environments: Collection[Environment]) -> Mapping[str, tuple[ServiceEvent, ...]]:
        """Return what a test let ECS say."""
        with self.calls.call("orchestrator.said"):
            return {e.name: tuple(self.sayings.get(e.name, ())) for e in environments}

    def stopped_tasks(
        self, environment: Environment, deployment: DeploymentArn
    ) -> tuple[StoppedTask, ...]:
        """Return one task for each failure that the deployment has counted."""
        with self.calls.call("orchestrator.stopped_tasks"):
            found = self._named(deployment)
            if found.environment != environment.name:
                raise Misuse(f"{deployment} is not of {environment.name}")
            return tuple(
                StoppedTask(f"{deployment}/task-{n}", "Essential container exited", 1, ("boom",))
                for n in range(found.now.failures)
            )

    def stop_deployment(self, deployment: DeploymentArn) -> None:
        """Send a deployment that is under way back to what ran before."""
        with self.calls.call("orchestrator.stop_deployment"):
            found = self._named(deployment)
            if found.under_way:
                found.ending, found.looks = Ending.ROLLS_BACK, looks_back(found.now)

    def running_tasks(self, environment: Environment) -> tuple[RunningTask, ...]:
        """Return the tasks that run for the service now."""
        if self.task_trouble:
            raise self.task_trouble.popleft()
        with self.calls.call("orchestrator.running_tasks"):
            if environment.name not in self.running:
                return ()
            _, digest = self.running[environment.name]
            count = environment.container.tasks
            return tuple(RunningTask(f"{environment.name}/{n}", digest) for n in range(count))

    def stranger(self, environment: Environment, definition: TaskDefinition) -> DeploymentArn:
        """Let somebody else begin a deployment that never ends."""
        self.will(environment.name, Ending.HANGS)
        return self._begin(environment, definition, first=not self._of(environment.name)).now.arn

    def _begin(
        self, environment: Environment, definition: TaskDefinition, *, first: bool
    ) -> FakeDeployment:
        waiting = self.endings.get(environment.name)
        ending = waiting.popleft() if waiting else Ending.SUCCEEDS
        number = len(self.deployments) + 1
        begun = ObservedDeployment(
            arn=DeploymentArn(f"{_ARN}:service-deployment/{environment.name}/{number}"),
            status=DeploymentStatus.PENDING,
            reason="",
            images=(definition.image,),
            desired=environment.container.tasks,
            running=0,
            failures=0,
            breaker_tripped=False,
            first=first,
        )
        deployment = FakeDeployment(
            environment.name, definition, ending, begun, looks(begun, ending)
        )
        self.deployments.insert(0, deployment)
        return deployment

    def _of(self, environment: str) -> list[FakeDeployment]:
        return [d for d in self.deployments if d.environment == environment]

    def _named(self, arn: DeploymentArn) -> FakeDeployment:
        found = next((d for d in self.deployments if d.now.arn == arn), None)
        if found is None:
            raise Misuse(f"there is no deployment {arn}")
        return found

    def _refuse_misuse(
        self,
        environment: Environment,
        definition: TaskDefinition,
        mine: list[FakeDeployment],
        *,
        create: bool,
    ) -> None:
        if environment.name not in self.places:
            raise Misuse(f"nobody made the place of {environment.name}")
        if create is bool(mine):
            raise Misuse(f"create={create}, but {len(mine)} deployments were made there")
        if mine and mine[0].under_way and mine[0].definition.image == definition.image:
            raise Misuse(f"asked twice for {definition.image} in {environment.name}")
