"""The checkout: commit, files by content, tools and secrets. A part of `shipway.ports`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from shipway.model.lazy import dataclass

if TYPE_CHECKING:  # for annotations alone: not every command pays for loading them
    from shipway.model.release import Commit, Source
    from shipway.model.tree import Around, Changes, Listing


class Repository(Protocol):
    """The git checkout that is delivered."""

    def source(self, *, branch: str | None) -> Source:
        """Return the commit that is checked out; `branch` names it where HEAD is detached.

        Raises:
            CheckoutIsUnfit: no repository, uncommitted changes, detached without a branch, or
                a commit that no remote has.
        """


class Tree(Protocol):
    """The checkout's files, by content, through git's index: what did not change is not read."""

    def listing(self) -> Listing:
        """Return every file that git does not ignore, tracked or not, as it is now.

        Raises:
            CheckoutIsUnfit: not a git checkout.
        """

    def around(self) -> Around | None:
        """Return the repository around the checkout; None where that is all of it, or no git."""

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
