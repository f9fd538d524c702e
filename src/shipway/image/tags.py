"""The rules by which images are tagged and labelled.

`sha-<commit>` names one image for ever. `branch-<name>` moves with the branch and is for people
to look at; nothing is ever deployed by it.
"""

from __future__ import annotations

import re

from shipway.model.release import Commit

MOVING_PREFIXES = ("branch-", "nightly-")
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST = 128


def immutable_tag(commit: Commit) -> str:
    """Return the tag that belongs to this commit alone."""
    return f"sha-{commit}"


def branch_tag(branch: str) -> str:
    """Return the moving tag of a branch, fit for a registry.

    Source: OCI distribution specification, `<reference>`: 128 of `[a-zA-Z0-9._-]`.
    """
    return f"branch-{_FORBIDDEN.sub('-', branch).strip('-')}"[:_LONGEST]


def labels(
    *, service: str, commit: Commit, branch: str, committed_at: str
) -> tuple[tuple[str, str], ...]:
    """Return the labels of an image; all of them follow from the commit, so builds can be cached.

    Source: OCI image specification, annotations.
    """
    return (
        ("org.opencontainers.image.created", committed_at),
        ("org.opencontainers.image.ref.name", branch),
        ("org.opencontainers.image.revision", commit),
        ("org.opencontainers.image.title", service),
    )
