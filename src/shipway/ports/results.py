"""Where checks with services run, and where results are kept. A part of `shipway.ports`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # for annotations alone: not every command pays for loading them
    from shipway.model.kept import Kept, Past
    from shipway.model.service import ComposeCheck
    from shipway.ports.machine import Cancel, Exit, OnOutput


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


SecretIn = Callable[[Iterable[bytes]], bool]
"""Tells whether the content that these chunks make holds a secret."""


def no_secret(_: Iterable[bytes]) -> bool:
    """Say no: where nobody knows a secret, nothing holds one."""
    return False


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

    def store(
        self,
        kept: Kept,
        root: str,
        outputs: tuple[str, ...],
        log: str,
        secret_in: SecretIn = no_secret,
    ) -> None:
        """Keep the files under `outputs` (paths or folders from the root) and the log.

        `kept.files`, `size` and `remote` are found out here. Atomic, whenever it is killed. What
        cannot be kept (too large, no room, a link out of the root, a file that `secret_in` says
        no to) is told and left out. Upload to the team's cache, where it is allowed, goes on in
        the background.
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
