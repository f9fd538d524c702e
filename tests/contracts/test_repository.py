"""`ports.Repository`, on a real git checkout."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from shipway.adapters.git import GitCheckout
from shipway.adapters.shell import LocalShell
from shipway.errors import CheckoutIsUnfit
from shipway.testing.builders import a_source
from shipway.testing.fakes import FakeRepository

GIT = shutil.which("git") or "git"


class Clone:
    """A working copy beside the bare repository that it pushes to."""

    def __init__(self, root: Path) -> None:
        self.root = root / "clone"
        self.git("init", "-q", "--bare", "-b", "main", str(root / "bare"), cwd=root)
        self.git("clone", "-q", str(root / "bare"), str(self.root), cwd=root)
        self.git("checkout", "-q", "-B", "main")
        self.commit("First: what it is")
        self.git("push", "-q", "origin", "main")

    def git(self, *words: str, cwd: Path | None = None) -> str:
        """Run git as Ada."""
        who = ("-c", "user.name=Ada Author", "-c", "user.email=ada@example.test")
        command = (GIT, *who, *words)
        done = subprocess.run(
            command, cwd=cwd or self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, subject: str) -> str:
        """Commit a change and return its id."""
        (self.root / "file").write_text(subject, encoding="utf-8")
        self.git("add", "file")
        self.git("commit", "-q", "-m", subject)
        return self.git("rev-parse", "HEAD")

    @property
    def checkout(self) -> GitCheckout:
        """The adapter on it."""
        return GitCheckout(str(self.root), LocalShell())


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """A clone with one pushed commit, whatever this machine's git is set to."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return Clone(tmp_path)


def test_a_pushed_commit_is_a_source(clone: Clone) -> None:
    """A clean checkout of a pushed commit tells commit, branch, author, subject and time."""
    source = clone.checkout.source(branch=None)
    assert source.commit == clone.git("rev-parse", "HEAD")
    assert (source.branch, source.subject) == ("main", "First: what it is")
    assert source.author == "Ada Author <ada@example.test>"
    assert source.committed_at == clone.git("log", "-1", "--format=%cI")


def test_changes_make_it_unfit(clone: Clone) -> None:
    """Changed and untracked files are named, the first three of them."""
    for name in ("file", "b", "c", "d"):
        (clone.root / name).write_text("changed", encoding="utf-8")
    with pytest.raises(CheckoutIsUnfit, match="file, b, c and 1 more"):
        clone.checkout.source(branch=None)


def test_ignored_files_do_not_matter(clone: Clone) -> None:
    """What git ignores is not part of the commit."""
    (clone.root / ".gitignore").write_text("built\n", encoding="utf-8")
    clone.git("add", ".gitignore")
    clone.git("commit", "-q", "-m", "Ignore what is built")
    clone.git("push", "-q", "origin", "main")
    (clone.root / "built").write_text("x", encoding="utf-8")
    assert clone.checkout.source(branch=None).subject == "Ignore what is built"


def test_a_detached_head_needs_its_branch(clone: Clone) -> None:
    """Where HEAD is detached, the branch has to be named."""
    clone.git("checkout", "-q", "--detach")
    with pytest.raises(CheckoutIsUnfit, match="HEAD is detached at") as found:
        clone.checkout.source(branch=None)
    assert "--branch" in found.value.hint
    assert clone.checkout.source(branch="main").branch == "main"


def test_what_was_never_pushed_is_unfit(clone: Clone) -> None:
    """A commit that no remote has is not delivered."""
    clone.commit("Second: only here")
    with pytest.raises(CheckoutIsUnfit, match="was never pushed"):
        clone.checkout.source(branch=None)


def test_a_folder_that_is_no_repository_is_unfit(tmp_path: Path) -> None:
    """Outside of any repository that is said."""
    with pytest.raises(CheckoutIsUnfit, match="not a git checkout"):
        GitCheckout(str(tmp_path), LocalShell()).source(branch=None)


def test_a_repository_without_commit_is_unfit(clone: Clone, tmp_path: Path) -> None:
    """A fresh repository has nothing to deliver."""
    clone.git("init", "-q", str(tmp_path / "fresh"))
    with pytest.raises(CheckoutIsUnfit, match="with a commit"):
        GitCheckout(str(tmp_path / "fresh"), LocalShell()).source(branch=None)


def test_the_identity_is_gits(clone: Clone) -> None:
    """The name in git's configuration is who we are; without one there is none."""
    assert clone.checkout.identity() is None
    clone.git("config", "user.name", "Grace")
    assert clone.checkout.identity() == "Grace"


def test_the_fake_names_the_branch_as_asked() -> None:
    """The fake tells its commit, on the branch that it is asked for."""
    fake = FakeRepository(a_source())
    assert fake.source(branch=None) == a_source()
    assert fake.source(branch="other") == a_source(branch="other")
