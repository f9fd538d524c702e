"""The Protocols that the core needs of the world; each docstring is the contract.

Every method may raise the errors of `errors.OutsideDidNotAnswer` when there is no answer within
its deadline, and never anything else unless its docstring says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from shipway.events.types import Entry
from shipway.model.observed import (
    DeploymentArn,
    ObservedDeployment,
    ObservedService,
    ProbeAnswer,
    RunningTask,
    StoppedTask,
)
from shipway.model.release import Commit, Digest, Source
from shipway.model.service import ComposeCheck, Environment, ImageRules
from shipway.model.task_definition import TaskDefinition

OnLine = Callable[[str], None]


class Clock(Protocol):
    """Time. The only place where anything waits."""

    def now(self) -> float:
        """Return seconds since the epoch, UTC."""

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start; never goes back."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a program ended; `timed_out` and `cancelled` say that we ended it."""

    status: int
    seconds: float
    timed_out: bool = False
    cancelled: bool = False


class Cancel(Protocol):
    """A wish to stop, which may be made from another thread."""

    def wanted(self) -> bool:
        """Tell whether somebody wants to stop."""


class Shell(Protocol):
    """Runs programs, never through a shell."""

    def run(
        self,
        command: tuple[str, ...],
        *,
        cwd: str,
        env: Mapping[str, str],
        on_line: OnLine,
        timeout_s: float,
        cancel: Cancel | None = None,
        stdin: str = "",
    ) -> Exit:
        """Run a program to its end, telling each line of its output (both streams) as it comes.

        `env` is added to our own; `stdin` is all that it can read. At the time-out, or when
        cancelled, the whole process group gets SIGTERM, and SIGKILL after a grace; nothing of it
        survives the call.

        Raises:
            ToolIsMissing: when there is no such program.
        """


class Files(Protocol):
    """The files of the checkout and of our own run folder."""

    def read(self, path: str) -> str | None:
        """Return the text of a file; None when it is not there."""

    def remove(self, path: str) -> None:
        """Remove a file if it is there."""

    def append(self, path: str, line: str) -> None:
        """Add a line to a file, making its folder and the file first where needed."""


class Repository(Protocol):
    """The git checkout that is delivered."""

    def source(self, *, branch: str | None) -> Source:
        """Return the commit that is checked out; `branch` names it where HEAD is detached.

        Raises:
            CheckoutIsUnfit: no repository, uncommitted changes, detached without a branch, or
                a commit that no remote has.
        """


class ImageBuilder(Protocol):
    """The Docker Engine, for building and pushing."""

    def build(
        self,
        image: ImageRules,
        *,
        commit: Commit,
        reference: str,
        labels: tuple[tuple[str, str], ...],
        on_line: OnLine,
    ) -> None:
        """Build an image and name it `reference`, in the local engine only.

        Raises:
            ImageBuildFailed: the build ran and failed.
            FileIsMissing: no Dockerfile.
            EngineIsDown: the engine does not answer.
        """

    def push(self, reference: str, *, on_line: OnLine) -> Digest:
        """Push a reference that was built here and return the digest the registry gave it."""


class Registry(Protocol):
    """The image registry, ECR in shape."""

    def address(self, repository: str) -> str:
        """Return the address that the engine pushes to: `host[:port]/name`."""

    def name(self, repository: str) -> str:
        """Return the registry's own name of a repository, as a task definition writes it."""

    def ensure(self, repository: str) -> None:
        """Make the repository if it is not there; repeatable."""

    def log_in(self) -> None:
        """Let the engine push; repeatable."""

    def digest(self, repository: str, tag: str) -> Digest | None:
        """Return what a tag names; None when there is no such tag or no repository."""

    def point(self, repository: str, tag: str, digest: Digest) -> None:
        """Make a moving tag name a digest that is in the repository; repeatable."""


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

    def stopped_tasks(
        self, environment: Environment, deployment: DeploymentArn
    ) -> tuple[StoppedTask, ...]:
        """Return the tasks that this deployment started and that have ended, with last lines."""

    def running_tasks(self, environment: Environment) -> tuple[RunningTask, ...]:
        """Return the tasks that run for the service now."""


class Http(Protocol):
    """HTTP, for probes."""

    def get(self, url: str, *, timeout_s: float) -> ProbeAnswer:
        """GET once; a refused connection or a time-out is an answer, never an error."""


class ComposeRunner(Protocol):
    """Compose, for checks that need other services beside them."""

    def run(
        self,
        check: ComposeCheck,
        *,
        project: str,
        on_line: OnLine,
        cancel: Cancel,
    ) -> Exit:
        """Start the file's services in a project of their own and return the decisive exit.

        Everything of the project is gone afterwards, whatever happens.
        """


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
