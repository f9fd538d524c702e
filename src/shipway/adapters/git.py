"""The git checkout, read through the git program."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from shipway.adapters.shell import LocalShell
from shipway.errors import CheckoutIsUnfit
from shipway.model.release import Commit, Source

_FOR_ALL = frozenset({"git", "http", "https", "ssh"})
_FULL = re.compile(r"[0-9a-f]{40}\Z")
_FIELDS = "%H%x1f%an <%ae>%x1f%s%x1f%cI"


class GitCheckout:
    """`ports.Repository` on a working copy."""

    def __init__(self, root: str, shell: LocalShell) -> None:
        self._root, self._shell = root, shell

    def source(self, *, branch: str | None) -> Source:
        """Return the commit that is checked out, if it is fit to be delivered."""
        status, lines = self._git("log", "-1", f"--format={_FIELDS}")
        if status != 0:
            raise CheckoutIsUnfit(
                f"{self._root} is not a git checkout with a commit",
                hint="run this in a clone of the service's repository",
            )
        commit, author, subject, committed_at = lines[0].split("\x1f")
        self._refuse_dirty()
        name = branch or self._branch(commit)
        self._refuse_unpushed(commit)
        return Source(Commit(commit), name, author, subject, committed_at, self._remote())

    def identity(self) -> str | None:
        """Return `user.name` of git's configuration; None when there is none."""
        asked = (("git", "config", "user.name"),)
        ((done, name),) = self._shell.ask(asked, cwd=self._root, env={})
        return name.decode("utf-8", "replace").strip() or None if done.status == 0 else None

    def resolve(self, name: str) -> str:
        """Return the full id of the commit that a branch, tag or beginning of an id names.

        Raises:
            CheckoutIsUnfit: there is none such here.
        """
        status, lines = self._git("rev-parse", "--verify", "-q", f"{name}^{{commit}}")
        if status == 0 and lines:
            return lines[0]
        if _FULL.match(name):
            return name  # not here yet: a clone of depth 1 fetches it
        raise CheckoutIsUnfit(f"there is no commit {name!r}", hint="`git fetch` may bring it")

    def _remote(self) -> str:
        status, lines = self._git("remote", "get-url", "origin")
        return public_url(lines[0]) if status == 0 and lines else ""

    def _git(self, *words: str) -> tuple[int, list[str]]:
        return self._shell.capture(("git", *words), cwd=self._root)

    def _refuse_dirty(self) -> None:
        _, changed = self._git("status", "--porcelain", "--untracked-files=normal")
        if changed:
            shown = ", ".join(line[3:] for line in changed[:3])
            more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""  # noqa: PLR2004 - as shown
            raise CheckoutIsUnfit(
                f"the checkout has changes that no commit holds: {shown}{more}",
                hint="commit them and push, or `git stash`; a release is always one commit",
            )

    def _branch(self, commit: str) -> str:
        status, lines = self._git("symbolic-ref", "--short", "-q", "HEAD")
        if status != 0:
            raise CheckoutIsUnfit(
                f"HEAD is detached at {commit[:8]}, so its branch is not known",
                hint="check a branch out, or name it with `--branch NAME`",
            )
        return lines[0]

    def _refuse_unpushed(self, commit: str) -> None:
        _, remotes = self._git("branch", "-r", "--contains", commit)
        if not remotes:
            raise CheckoutIsUnfit(
                f"commit {commit[:8]} was never pushed",
                hint="push it first: what nobody else can check out must not be delivered",
            )


def public_url(remote: str) -> str:
    """Return the URL of a remote without user, password and query; "" where it is a folder.

    The short form of ssh, `user@host:path`, becomes `ssh://host/path`.
    """
    if "://" not in remote:
        host, colon, path = remote.rpartition("@")[2].partition(":")
        is_ssh = colon and "/" not in host and not host.startswith(".")
        return f"ssh://{host}/{path.removeprefix('/')}" if is_ssh else ""
    parts = urlsplit(remote)
    if parts.scheme not in _FOR_ALL:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"
