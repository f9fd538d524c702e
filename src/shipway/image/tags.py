"""The rules by which images are tagged and labelled.

`sha-<commit>` names one image for ever. `branch-<name>` moves with the branch, `nightly-<date>` is
the last image of that day's scheduled runs; both are for people to look at, and nothing is ever
deployed by them. `buildcache` is no image: the builder keeps its cache there.
"""

from __future__ import annotations

import re

from shipway.model.release import BUILD_CACHE, Commit, Source

MOVING_PREFIXES = ("branch-", "nightly-", BUILD_CACHE)
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


def nightly_tag(date: str) -> str:
    """Return the moving tag of a day, given in UTC as `YYYY-MM-DD`."""
    return f"nightly-{date}"


def labels(service: str, source: Source) -> tuple[tuple[str, str], ...]:
    """Return the labels of an image, sorted; they belong to its configuration, not to a layer.

    Source: OCI image specification, annotations.
    """
    remote = (("org.opencontainers.image.source", source.remote),) if source.remote else ()
    return (
        ("org.opencontainers.image.created", source.committed_at),
        ("org.opencontainers.image.ref.name", source.branch),
        ("org.opencontainers.image.revision", source.commit),
        *remote,
        ("org.opencontainers.image.title", service),
    )
