"""A Docker Engine and a registry in memory: every build is a new image, tags of commits stay."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from shipway.errors import RegistryDidNotAnswer, ShipwayError, Signalled
from shipway.model.contents import Contents
from shipway.model.release import Commit, Digest
from shipway.model.service import ImageRules
from shipway.ports import NOTHING, Cancel, Document, OnLine, Refused
from shipway.testing.calls import Calls, Misuse

HOST = "127.0.0.1:5000"
NAME = "000000000000.dkr.ecr.eu-central-1.amazonaws.com"
MOVING = ("branch-", "nightly-")


@dataclass(frozen=True, slots=True)
class Pushed:
    """An image that came into the registry under a tag."""

    repository: str
    tag: str
    digest: Digest


@dataclass(slots=True)
class FakeRegistry:
    """`ports.Registry`; `tags` holds what each tag of each repository names.

    `forgetful` lets it take images without ever showing them; `refusal` is why it takes no
    documents; `silent` lets it not answer when it is asked for a digest.
    """

    calls: Calls = field(default_factory=Calls)
    tags: dict[str, dict[str, Digest]] = field(default_factory=dict)
    pushed: list[Pushed] = field(default_factory=list)
    documents: dict[tuple[str, Digest], list[Document]] = field(default_factory=dict)
    refusal: str = ""
    logged_in: bool = False
    forgetful: bool = False
    silent: bool = False

    def address(self, repository: str) -> str:
        """Return the address that the engine pushes to."""
        return f"{HOST}/{repository}"

    def name(self, repository: str) -> str:
        """Return the registry's own name of a repository."""
        return f"{NAME}/{repository}"

    def ensure(self, repository: str) -> None:
        """Make the repository if it is not there."""
        with self.calls.call("registry.ensure"):
            self.tags.setdefault(repository, {})

    def log_in(self) -> None:
        """Let the engine push."""
        with self.calls.call("registry.log_in"):
            self.logged_in = True

    def digest(self, repository: str, tag: str) -> Digest | None:
        """Return what a tag names; None when there is no such tag or no repository."""
        with self.calls.call("registry.digest"):
            if self.silent:
                raise RegistryDidNotAnswer("the registry does not answer")
            return None if self.forgetful else self.tags.get(repository, {}).get(tag)

    def point(self, repository: str, tag: str, digest: Digest) -> None:
        """Make a moving tag name a digest that is in the repository."""
        with self.calls.call("registry.point"):
            if not tag.startswith(MOVING):
                raise Misuse(f"{tag} is no moving tag")
            if digest not in self.tags.get(repository, {}).values():
                raise Misuse(f"{digest} is not in {repository}")
            self.tags[repository][tag] = digest

    def attached(self, repository: str, digest: Digest) -> frozenset[str]:
        """Return the kinds of documents that are attached to a digest."""
        with self.calls.call("registry.attached"):
            return frozenset(d.kind for d in self.documents.get((repository, digest), []))

    def attach(
        self, repository: str, digest: Digest, documents: tuple[Document, ...]
    ) -> Refused | None:
        """Attach documents to a digest that is in the repository."""
        with self.calls.call("registry.attach"):
            if digest not in self.tags.get(repository, {}).values():
                raise Misuse(f"{digest} is not in {repository}")
            if self.refusal:
                return Refused(self.refusal)
            there = self.documents.setdefault((repository, digest), [])
            there += [document for document in documents if document not in there]
            return None

    def take(self, reference: str, digest: Digest) -> None:
        """Take an image that the engine pushes."""
        place, _, tag = reference.rpartition(":")
        repository = place.removeprefix(f"{HOST}/")
        if not self.logged_in:
            raise Misuse("pushed without a log-in")
        if repository not in self.tags:
            raise Misuse(f"there is no repository {repository}")
        if tag in self.tags[repository] and not tag.startswith(MOVING):
            raise Misuse(f"{tag} would move")
        self.tags[repository][tag] = digest
        self.pushed.append(Pushed(repository, tag, digest))


@dataclass(slots=True)
class FakeBuilder:
    """`ports.ImageBuilder`; each build gives another digest, as builds in truth do.

    `inside` is what it finds in every image. `build_problem` and `push_problem` are raised instead
    of doing the work. `got_secrets` are the values that the last build was given.
    """

    registry: FakeRegistry
    calls: Calls = field(default_factory=Calls)
    built: dict[str, Digest] = field(default_factory=dict)
    labelled: dict[Digest, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    held: dict[str, tuple[Digest, ...]] = field(default_factory=dict)
    got_secrets: dict[str, str] = field(default_factory=dict)
    got_cache: tuple[str, ...] = ()
    inside: Contents = field(default_factory=lambda: Contents(()))
    builds: int = 0
    build_problem: ShipwayError | Signalled | None = None
    push_problem: ShipwayError | None = None

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
        """Build an image in the local engine; see `ports.ImageBuilder`."""
        with self.calls.call("builder.build"):
            if self.build_problem:
                raise self.build_problem
            if ("org.opencontainers.image.revision", commit) not in labels:
                raise Misuse("the labels do not name the commit")
            if {name for name, _ in image.secrets} != set(secrets):
                raise Misuse(f"secrets for the build are {sorted(secrets)}")
            if cancel is not None and cancel.wanted():
                return False
            self.got_secrets, self.got_cache = dict(secrets), cache
            self.builds += 1
            on_line(f"building {image.dockerfile}")
            content = f"{commit} {self.builds}".encode()
            digest = Digest(f"sha256:{hashlib.sha256(content).hexdigest()}")
            self.built[reference], self.labelled[digest] = digest, labels
            self.held.pop(reference, None)
            return True

    def push(self, reference: str, *, on_line: OnLine) -> Digest:
        """Push what was built here; see `ports.ImageBuilder`."""
        with self.calls.call("builder.push"):
            if self.push_problem:
                raise self.push_problem
            if reference not in self.built:
                raise Misuse(f"{reference} was never built here")
            on_line(f"pushing {reference}")
            self.registry.take(reference, self.built[reference])
            self.held[reference] = (self.built[reference],)
            return self.built[reference]

    def digests(self, reference: str) -> tuple[Digest, ...]:
        """Return under which digests registries hold what was built here."""
        with self.calls.call("builder.digests"):
            return self.held.get(reference, ())

    def labels(self, reference: str) -> tuple[tuple[str, str], ...]:
        """Return the labels of an image that is in the registry; of a strange one, none."""
        with self.calls.call("builder.labels"):
            return self.labelled.get(self._pulled(reference), ())

    def contents(self, reference: str) -> Contents:
        """Return what is in an image that is in the registry."""
        with self.calls.call("builder.contents"):
            self._pulled(reference)
            return self.inside

    def _pulled(self, reference: str) -> Digest:
        place, _, name = reference.rpartition("@")
        held = self.registry.tags.get(place.removeprefix(f"{HOST}/"), {})
        if Digest(name) not in held.values():
            raise Misuse(f"{reference} cannot be pulled")
        return Digest(name)
