"""Where images are built and kept, and what is attached to them. A part of `shipway.ports`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from shipway.model.lazy import dataclass

if TYPE_CHECKING:  # for annotations alone: not every command pays for loading them
    from shipway.model.contents import Contents
    from shipway.model.release import Commit, Digest
    from shipway.model.service import ImageRules
    from shipway.ports.machine import Cancel, OnLine


NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Document:
    """What is attached to a digest: `kind` is its media type, and the artifact's."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The registry answered that it does not take artifacts, and why."""

    reason: str


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
