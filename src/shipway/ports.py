"""The Protocols that the core needs of the world; each docstring is the contract.

Every method may raise the errors of `errors.OutsideDidNotAnswer` when there is no answer within
its deadline, and never anything else unless its docstring says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from shipway.events.types import Entry
from shipway.model.contents import Contents
from shipway.model.kept import Kept, Past
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
from shipway.model.tree import Changes, Listing

NOTHING: Mapping[str, str] = MappingProxyType({})
OnLine = Callable[[str], None]
OnOutput = Callable[[bytes], None]


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
    """How a program ended; `timed_out`, `cancelled` and `silent` say that we ended it, and why."""

    status: int
    seconds: float
    timed_out: bool = False
    cancelled: bool = False
    silent: bool = False


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

    def stream(
        self,
        command: tuple[str, ...],
        *,
        cwd: str,
        env: Mapping[str, str],
        on_output: OnOutput,
        timeout_s: float,
        silence_s: float | None = None,
        cancel: Cancel | None = None,
    ) -> Exit:
        """Run a program to its end, handing on its output (both streams) in chunks as it comes.

        As `run`, for programs that may print a lot: a chunk has up to 1 MiB, may end inside a line
        or a character, and is told from one thread only. A program that prints nothing for
        `silence_s` seconds is ended as at the time-out. An error of `on_output` ends the program
        and reaches the caller.

        Raises:
            ToolIsMissing: when there is no such program.
        """

    def attach(self, command: tuple[str, ...], *, cwd: str, env: Mapping[str, str]) -> Exit:
        """Run a program on our own terminal, for a person to talk with, however long that takes.

        Raises:
            ToolIsMissing: when there is no such program.
        """


class LogFile(Protocol):
    """A file that only grows."""

    def write(self, data: bytes) -> None:
        """Add bytes; they reach the file at the latest a second later, or when it is closed.

        Raises:
            DiskIsFull: there is no room.
        """

    def close(self) -> None:
        """Write what is left; repeatable."""


class Files(Protocol):
    """The files of the checkout and of our own run folder."""

    def write(self, path: str, text: str) -> None:
        """Write a whole file, making its folder where needed: readers see all of it, or the old.

        Raises:
            DiskIsFull: there is no room.
        """

    def open_log(self, path: str) -> LogFile:
        """Begin a file anew, making its folder where needed.

        Raises:
            DiskIsFull: there is no room.
        """

    def read(self, path: str) -> str | None:
        """Return the text of a file; None when it is not there."""

    def exists(self, path: str) -> bool:
        """Tell whether there is such a file or folder."""

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
    """The Docker Engine, for building, pushing and looking into images."""

    def build(
        self,
        image: ImageRules,
        *,
        commit: Commit,
        reference: str,
        labels: tuple[tuple[str, str], ...],
        on_line: OnLine,
        secrets: Mapping[str, str] = NOTHING,
        cache: tuple[str, ...] = (),
        cancel: Cancel | None = None,
    ) -> bool:
        """Build an image and name it `reference`, in the local engine only.

        Built from exactly the commit where `image.needs` is empty, else from the working folder.
        `secrets` are values by id; no command line and no environment ever holds one. `cache` are
        references in the registry, closest first, whose layers may be used again; those that are
        not there do not matter. False when `cancel` stopped it before it was done.

        Raises:
            ImageBuildFailed: the build ran and failed, or needs what this client cannot do.
            CheckoutIsUnfit: the checkout does not hold the commit.
            FileIsMissing: no Dockerfile, or no context, in what it is built from.
            SecretIsMissing: one that `image.secrets` names is not among the `secrets`.
            EngineIsDown: the engine does not answer.
        """

    def push(self, reference: str, *, on_line: OnLine) -> Digest:
        """Push a reference that was built here and return the digest the registry gave it."""

    def digests(self, reference: str) -> tuple[Digest, ...]:
        """Return under which digests registries hold what was built here; empty before a push."""

    def labels(self, reference: str) -> tuple[tuple[str, str], ...]:
        """Return the labels of an image, sorted, pulling it where the engine does not have it."""

    def contents(self, reference: str) -> Contents:
        """Return what is in an image, pulling it where the engine does not have it; runs nothing.

        No container of it is left, whatever happens.
        """


@dataclass(frozen=True, slots=True)
class Document:
    """What is attached to a digest: `kind` is its media type, and the artifact's."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The registry answered that it does not take artifacts, and why."""

    reason: str


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

    def attached(self, repository: str, digest: Digest) -> frozenset[str]:
        """Return the kinds of documents that are attached to a digest."""

    def attach(
        self, repository: str, digest: Digest, documents: tuple[Document, ...]
    ) -> Refused | None:
        """Attach documents to a digest that is in the repository; None when all are attached.

        Repeatable: the same document is attached once. What is attached already stays.
        """


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
    """Compose, for checks that need other services beside them.

    A project is a name of its own for each check and run, as `checks.compose.project` makes it.
    """

    def run(
        self,
        check: ComposeCheck,
        *,
        project: str,
        env: Mapping[str, str],
        on_output: OnOutput,
        logs: str,
        cancel: Cancel,
    ) -> Exit:
        """Start the file's services in a project of their own and return the decisive exit.

        Tells what building and starting say, then what the deciding service says, as
        `Shell.stream` does, within the check's `timeout_s` and `silence_s`. `env` is added to our
        own environment. Unless the exit is 0, the folder `logs` gets what each service said, in
        `<service>.log`, and what is wrong with the others is told last. Everything of the project
        is gone afterwards, whatever happens.

        Raises:
            FileIsMissing: there is no such compose file.
            ComposeFileIsUnfit: what it says cannot be run so; nothing was started.
            EngineIsDown: the engine does not answer, before or during; says what may be left.
            ToolIsMissing: compose is not installed.
        """

    def down(self, project: str) -> tuple[str, ...]:
        """Remove all containers, networks, volumes and images of one of our projects; repeatable.

        By label only, without its file. Returns what was removed, as `kind name`; may be empty.

        Raises:
            EngineIsDown: the engine does not answer.
        """

    def enter(
        self,
        check: ComposeCheck,
        *,
        project: str,
        env: Mapping[str, str],
        command: tuple[str, ...],
    ) -> Exit:
        """Run a command in a container of the deciding service, on our own terminal.

        What that service depends on is started first, and is healthy where the file asks for it;
        everything of the project is gone afterwards. Raises as `run`.
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


class Tree(Protocol):
    """The checkout's files, by content, through git's index: what did not change is not read."""

    def listing(self) -> Listing:
        """Return every file that git does not ignore, tracked or not, as it is now.

        Raises:
            CheckoutIsUnfit: not a git checkout.
        """

    def changes(self, since: Commit) -> Changes:
        """Compare an earlier commit's tree with the checkout as it is now, committed or not.

        Where the commit is not there (a clone of depth 1) exactly that one is fetched; where that
        fails, everything has changed, and the answer says why.
        """


class Tools(Protocol):
    """The programs outside the checkout that checks run."""

    def version(self, program: str, cwd: str) -> str:
        """Return what a program says of its version, first line; asked once per installed file.

        A program inside the checkout has the version that the checkout's files decide: "".

        Raises:
            ToolIsMissing: there is no such program.
        """


class StepCache(Protocol):
    """Results of checks by key: what is read is whole and genuine, or there is none.

    Safe from several threads. Never raises: what goes wrong is told through `warn` (given when it
    was made), and the run goes on without. A key has letters and digits only.
    """

    def find(self, key: str) -> Kept | None:
        """Return the entry of a key, from this machine or from the team's; None when none is fit.

        An entry that is cut short, unsigned or signed by somebody else is told and is none; so is
        a team's cache that does not answer in time. The content is looked at by `restore` only.
        """

    def restore(self, kept: Kept, root: str, log: str) -> bool:
        """Put an entry's files where the check would have made them, and its log at `log`.

        Files that are there with the same content stay untouched; what else lies in the outputs'
        folders stays as well. False, and told, when the entry is not to be had any more, is
        corrupt, or would lead out of the root: no output was changed then, unless the disk failed
        in the middle. The check has to run.
        """

    def store(self, kept: Kept, root: str, outputs: tuple[str, ...], log: str) -> None:
        """Keep the files under `outputs` (paths or folders from the root) and the log.

        `kept.files`, `size` and `remote` are found out here. Atomic, whenever it is killed. What
        cannot be kept (too large, no room, a link out of the root) is told and left out. Upload
        to the team's cache, where it is allowed, goes on in the background.
        """

    def mark_in_place(self, key: str, root: str, outputs: tuple[str, ...]) -> None:
        """Remember that the outputs, as they stand under the root now, are those of this key."""

    def in_place(self, key: str, root: str, outputs: tuple[str, ...]) -> bool:
        """Tell whether the outputs still stand there as they were when marked with this key.

        Cheap, so not deep: it looks at the outputs and at what lies directly in them.
        """

    def close(self, patience_s: float) -> None:
        """Wait for uploads, at most that long, give up the rest, and drop the oldest entries."""


class Memory(Protocol):
    """What this machine remembers of earlier runs of checks, for the order and for the cache."""

    def recall(self, check: str, *, remote: bool = False) -> Past:
        """Return what is remembered of a check; empty where nothing is, or it cannot be read.

        `restored` are those of the team's cache with `remote`, else those of this machine's.
        """

    def remember(self, check: str, outcome: str, seconds: float) -> None:
        """Add how a check that ran went (not one that was restored); never raises."""

    def remember_restore(self, size: int, seconds: float, *, remote: bool) -> None:
        """Add what restoring an entry of `size` bytes took; never raises."""


class SecretStore(Protocol):
    """Where references to secrets lead."""

    def resolve(self, reference: str) -> str:
        """Return the value behind `env:NAME`, `file:PATH`, `aws+sm://NAME` or `aws+ps://NAME`.

        Raises:
            SecretIsMissing: there is nothing behind it.
            OutsideDidNotAnswer: AWS did not say.
        """


@dataclass(frozen=True, slots=True)
class Surveyed:
    """Paths of files, sorted, relative, with `/`; not `complete` where there were too many."""

    paths: tuple[str, ...]
    complete: bool


class Survey(Protocol):
    """A folder that is looked at to draft its configuration; what is in it is never changed."""

    def files(self) -> Surveyed:
        """Return the files that git does not ignore, tracked or not.

        Without git, all but what is usually built. Bounded: the answer says when some are missing.
        """

    def text(self, path: str, limit: int) -> str:
        """Return the beginning of a file, at most `limit` bytes.

        Empty where it is no file of this folder, or no text.
        """

    def branch(self) -> str | None:
        """Return the branch that is likely to be delivered; None where git does not tell."""

    def add(self, path: str, text: str) -> bool:
        """Write a new file; False, and nothing is done, where something has that name already."""
