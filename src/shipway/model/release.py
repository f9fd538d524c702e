"""A Release: one commit of one service, built once; the only thing that moves."""

from __future__ import annotations

from typing import NewType

from shipway.model.lazy import dataclass

Commit = NewType("Commit", str)
"""A full, lower-case git commit id (40 or 64 hexadecimal digits)."""

Digest = NewType("Digest", str)
"""`sha256:` and 64 hexadecimal digits, as the registry reports an image manifest."""

BUILD_CACHE = "buildcache"
"""The tag under which a builder keeps its cache, beside the images."""

SHORT = 8
"""How many digits of a commit stand in a release's name."""


@dataclass(frozen=True, slots=True)
class Source:
    """A commit as git tells it; `committed_at` is ISO 8601.

    `remote` is the URL it comes from, without credentials; "" where that is unknown or a folder.
    """

    commit: Commit
    branch: str
    author: str
    subject: str
    committed_at: str
    remote: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """A service at one commit, in the registry under one digest; never named by a tag.

    `repository` is the registry's own name of it (`ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME`),
    `author` a git identity (`Name <mail>`), `subject` the first line of the commit message.
    """

    service: str
    commit: Commit
    branch: str
    author: str
    subject: str
    repository: str
    digest: Digest

    @property
    def name(self) -> str:
        """The short name that people use, such as `sender-1a2b3c4d`."""
        return release_name(self.service, self.commit)

    @property
    def image(self) -> str:
        """The only reference by which the image is deployed: `repository@sha256:…`."""
        return f"{self.repository}@{self.digest}"


def release_name(service: str, commit: Commit) -> str:
    """Return the name that the release of this commit has, or will have."""
    return f"{service}-{commit[:SHORT]}"
