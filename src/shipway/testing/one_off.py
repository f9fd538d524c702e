"""One-off tasks in memory: each has ended by the first look at it."""

from __future__ import annotations

from dataclasses import dataclass, field

from shipway.model.migration import TaskRun
from shipway.model.service import Environment
from shipway.model.task_definition import TaskDefinition
from shipway.testing.calls import Calls, Misuse

ARN = "arn:aws:ecs:eu-central-1:000000000000"


@dataclass(slots=True)
class OneOffTasks:
    """The part of `ports.Orchestrator` that runs tasks once.

    `one_offs` are environment, image and command of each, by token; `task_ends` is the exit code
    of all of them from now on, when it holds one.
    """

    calls: Calls = field(default_factory=Calls)
    one_offs: dict[str, tuple[str, str, tuple[str, ...]]] = field(default_factory=dict)
    task_ends: list[int | None] = field(default_factory=list)

    def run_task(
        self,
        environment: Environment,
        definition: TaskDefinition,
        *,
        command: tuple[str, ...],
        token: str,
        tags: tuple[tuple[str, str], ...],
    ) -> str:
        """Run a one-off task; one token is one task."""
        with self.calls.call("orchestrator.run_task"):
            if "shipway:release" not in dict(tags):
                raise Misuse("the tags do not name the release")
            self.one_offs.setdefault(token, (environment.name, definition.image, command))
            return f"{ARN}:task/{token}"

    def one_task(
        self, environment: Environment, definition: TaskDefinition, task: str, *, after: str
    ) -> TaskRun:
        """Return a one-off task that has ended, as `task_ends` says; 0 when that says nothing."""
        with self.calls.call("orchestrator.one_task"):
            known = self.one_offs.get(task.rpartition("/")[2])
            if known is None or known[:2] != (environment.name, definition.image):
                raise Misuse(f"there is no task {task}")
            code = self.task_ends[0] if self.task_ends else 0
            lines = () if after else (f"ran {' '.join(known[2])}",)
            return TaskRun(
                stopped=True,
                exit_code=code,
                reason="" if code is not None else "no container",
                lines=lines,
                read_to="end",
            )
