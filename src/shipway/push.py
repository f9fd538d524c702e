"""What was pushed (branch, tag, author, commit), and whether that asks for a delivery.

One parser for the lines of git's own hooks and for GitHub's webhook body, so that a push to the
embedded default and one to GitHub mean the same. It refuses to know how a push arrives.
"""

from __future__ import annotations

import re

from shipway.errors import WrongUsage
from shipway.model.lazy import dataclass
from shipway.model.release import Commit

_ZERO = re.compile(r"^0{40}(0{24})?$")
_COMMIT = re.compile(r"^[0-9a-f]{40}([0-9a-f]{24})?$")


@dataclass(frozen=True, slots=True)
class BranchPushed:
    """A branch moved to a commit; `created` when it did not exist before."""

    branch: str
    commit: Commit
    created: bool


@dataclass(frozen=True, slots=True)
class BranchDeleted:
    """A branch is gone; there is no commit to deliver."""

    branch: str


@dataclass(frozen=True, slots=True)
class TagPushed:
    """A tag was set or moved."""

    tag: str
    commit: Commit


@dataclass(frozen=True, slots=True)
class TagDeleted:
    """A tag is gone."""

    tag: str


@dataclass(frozen=True, slots=True)
class OtherRefPushed:
    """A note, a pull request's head or any other ref that is neither branch nor tag."""

    ref: str


Push = BranchPushed | BranchDeleted | TagPushed | TagDeleted | OtherRefPushed


@dataclass(frozen=True, slots=True)
class Deliver:
    """The push asks for a delivery of this commit."""

    branch: str
    commit: Commit


@dataclass(frozen=True, slots=True)
class Ignore:
    """The push asks for nothing, because."""

    reason: str


def parse_hook_line(line: str) -> Push:
    """Parse one `<old> <new> <ref>` line of git's post-receive hook.

    Raises:
        WrongUsage: when the line has another shape.

    Source: githooks(5), post-receive.
    """
    parts = line.split()
    shaped = len(parts) == 3 and all(_COMMIT.match(p) for p in parts[:2])  # noqa: PLR2004 - old, new, ref
    if not shaped or not parts[2].startswith("refs/"):
        raise WrongUsage(
            f"not a push: {line!r}",
            hint="expected `<old commit> <new commit> refs/…`, as git says it",
        )
    return classify(old=parts[0], new=parts[1], ref=parts[2])


def classify(*, old: str, new: str, ref: str) -> Push:
    """Tell what moving `ref` from `old` to `new` means; forty zeros stand for "not there".

    GitHub's `push` webhook carries the same three as `before`, `after` and `ref`.
    """
    gone = bool(_ZERO.match(new))
    if ref.startswith("refs/heads/"):
        branch = ref.removeprefix("refs/heads/")
        if gone:
            return BranchDeleted(branch)
        return BranchPushed(branch, Commit(new), created=bool(_ZERO.match(old)))
    if ref.startswith("refs/tags/"):
        tag = ref.removeprefix("refs/tags/")
        return TagDeleted(tag) if gone else TagPushed(tag, Commit(new))
    return OtherRefPushed(ref)


def asks_for(push: Push, *, delivered_branch: str) -> Deliver | Ignore:
    """Tell what a push asks for, given the branch that the service delivers."""
    match push:
        case BranchPushed(branch, commit, _) if branch == delivered_branch:
            return Deliver(branch, commit)
        case BranchPushed(branch, _, _):
            return Ignore(f"branch {branch!r} is not delivered, {delivered_branch!r} is")
        case BranchDeleted(branch):
            return Ignore(f"branch {branch!r} was deleted")
        case TagPushed(tag, _):
            return Ignore(f"tag {tag!r} was pushed; only branch {delivered_branch!r} is delivered")
        case TagDeleted(tag):
            return Ignore(f"tag {tag!r} was deleted")
        case OtherRefPushed(ref):
            return Ignore(f"{ref!r} is neither a branch nor a tag")
