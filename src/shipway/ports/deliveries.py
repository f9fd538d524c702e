"""Where releases run, and what is remembered of them. A part of `shipway.ports`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # for annotations alone: not every command pays for loading them
    from shipway.events.types import Entry
    from shipway.model.migration import TaskRun
    from shipway.model.observed import (
        DeploymentArn,
        ObservedDeployment,
        ObservedService,
        RunningTask,
        ServiceEvent,
        StoppedTask,
    )
    from shipway.model.service import Environment
    from shipway.model.task_definition import TaskDefinition


class Orchestrator(Protocol):
    """ECS: what runs, and the one request that changes it."""

    def ensure_place(self, environment: Environment) -> None:
        """Make cluster, load balancer and target group on the embedded default; nothing on AWS."""

    def address(self, environment: Environment) -> str:
        """Return the URL at which the environment's load balancer answers, without final slash."""

    def observe(self, environment: Environment) -> ObservedService | None:
        """Return the service as it is; None when there is none, or it was deleted."""

    def deploy(
        self,
        environment: Environment,
        definition: TaskDefinition,
        *,
        tags: tuple[tuple[str, str], ...],
        create: bool,
    ) -> DeploymentArn:
        """Register the definition, unless its content is registered, and update or create once.

        Returns our own service deployment. Never changes the number of tasks of a service that
        exists. Not repeatable: the caller writes its intention down before.
        """

    def deployment(self, deployment: DeploymentArn) -> ObservedDeployment:
        """Return our deployment as it is now."""

    def stop_deployment(self, deployment: DeploymentArn) -> None:
        """Ask ECS to roll a deployment back that is under way; repeatable.

        One that has ended, or is on its way back already, is left as it is: look at it.
        """

    def continue_deployment(self, deployment: DeploymentArn, *, go_on: bool) -> bool:
        """Answer the pause at which a deployment waits: go on, or roll back.

        False, and nothing is asked, where it waits at none.
        """

    def run_task(
        self,
        environment: Environment,
        definition: TaskDefinition,
        *,
        command: tuple[str, ...],
        token: str,
        tags: tuple[tuple[str, str], ...],
    ) -> str:
        """Register the definition, unless its content is, run it once, and return the task's ARN.

        With `command` in place of its own container's, and in the service's network. Repeatable:
        one `token` is one task, whoever asks.
        """

    def one_task(
        self, environment: Environment, definition: TaskDefinition, task: str, *, after: str
    ) -> TaskRun:
        """Return how a task of `run_task` stands, and the lines it wrote after a place in its log.

        `after` is "" for the beginning, else `TaskRun.read_to` of the look before.
        """

    def look(self, arns: Collection[DeploymentArn]) -> Mapping[DeploymentArn, ObservedDeployment]:
        """Return deployments as they are now, in one request for each 20 of them.

        Those that ECS does not show are left out: it forgets after 90 days, and a new one may
        not be visible at once. `images` stay empty.
        """

    def said(self, environments: Collection[Environment]) -> Mapping[str, tuple[ServiceEvent, ...]]:
        """Return what ECS said lately, by environment's name, oldest first, at most 100 each.

        One request for each 10 services of a cluster. A service that is not there is left out.
        """

    def stopped_tasks(
        self, environment: Environment, deployment: DeploymentArn
    ) -> tuple[StoppedTask, ...]:
        """Return the tasks that this deployment started and that have ended, with last lines.

        In the order of their ends, without those that were merely one too many.
        """

    def running_tasks(self, environment: Environment) -> tuple[RunningTask, ...]:
        """Return the tasks that run for the service now."""


class LedgerStore(Protocol):
    """Where history is kept: append-only, in order, for ever."""

    def append(self, entry: Entry) -> None:
        """Add a history entry durably before returning."""

    def entries(self, service: str) -> Iterator[Entry]:
        """Return the history of a service in the order of writing; unknown kinds are left out."""


class Leases(Protocol):
    """One at a time, per name; a lease ends with the process that holds it, however it dies."""

    def hold(self, name: str, *, owner: str) -> AbstractContextManager[None]:
        """Hold the lease inside the context.

        Raises:
            LeaseIsHeld: at once, saying who holds it.
        """
