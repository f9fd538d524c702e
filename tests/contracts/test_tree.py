"""`ports.Tree`, on the fake and on real git checkouts."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shipway.adapters.shell import LocalShell
from shipway.adapters.tree import GitTree
from shipway.errors import CheckoutIsUnfit
from shipway.model.release import Commit
from shipway.ports import Tree
from shipway.testing.calls import Misuse
from shipway.testing.checkout import FakeTree

GIT = shutil.which("git") or "git"
UNKNOWN = Commit("0123456789" * 4)


def git(*words: str, cwd: Path) -> str:
    """Run git as Ada, whatever this machine's git is set to."""
    who = ("-c", "user.name=Ada Author", "-c", "user.email=ada@example.test")
    allowed = ("-c", "protocol.file.allow=always")
    command = (GIT, *who, *allowed, *words)
    done = subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def _plain_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Git as it is by default."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@dataclass
class Checkout:
    """A working copy that can be written to; the real one unless it has a fake."""

    root: Path
    fake: FakeTree | None = None
    made: list[str] = field(default_factory=list)

    @property
    def tree(self) -> Tree:
        """The port under test."""
        return self.fake or GitTree(str(self.root), LocalShell())

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        if self.fake:
            self.fake.texts[path] = text
            return
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def remove(self, path: str) -> None:
        """Remove a file."""
        if self.fake:
            del self.fake.texts[path]
        else:
            (self.root / path).unlink()

    def commit(self) -> Commit:
        """Commit all that is there."""
        if self.fake:
            made = Commit(f"{len(self.fake.commits) + 1:040x}")
            self.fake.commits[made] = dict(self.fake.texts)
            return made
        git("add", "-A", cwd=self.root)
        git("commit", "-q", "--allow-empty", "-m", "Change", cwd=self.root)
        return Commit(git("rev-parse", "HEAD", cwd=self.root))

    def ids(self) -> dict[str, str]:
        """The listing, as a dictionary."""
        return dict(self.tree.listing().files)


def a_repository(root: Path) -> Checkout:
    """A repository with one commit of `a` and `src/b`."""
    root.mkdir(parents=True)
    git("init", "-q", "-b", "main", cwd=root)
    checkout = Checkout(root)
    checkout.write("a", "one")
    checkout.write("src/b", "two")
    checkout.commit()
    return checkout


@pytest.fixture(params=["fake", "real"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Checkout:
    """Both kinds, with the same files."""
    if request.param == "real":
        return a_repository(tmp_path / "checkout")
    return Checkout(tmp_path, FakeTree({"a": "one", "src/b": "two"}))


@pytest.fixture
def real(tmp_path: Path) -> Checkout:
    """A real working copy."""
    return a_repository(tmp_path / "checkout")


def test_a_listing_has_each_file_by_gits_id(either: Checkout) -> None:
    """Tracked and untracked files are listed, sorted, by the id that git gives their content."""
    either.write("new file", "one")
    ids = either.ids()
    assert ids["a"] == ids["new file"] == "43dd47ea691c90a5fa7827892c70241913351963"
    assert list(either.ids()) == ["a", "new file", "src/b"]


def test_an_id_follows_the_content(either: Checkout) -> None:
    """A file that changes has another id, and its old one when it changes back."""
    before = either.ids()
    either.write("a", "changed")
    assert either.ids()["a"] != before["a"]
    either.write("a", "one")
    assert either.ids() == before


def test_a_removed_file_is_not_listed(either: Checkout) -> None:
    """A file that is gone is not listed, whether or not a commit still holds it."""
    either.remove("a")
    assert list(either.ids()) == ["src/b"]


def test_changes_are_told_by_their_paths(either: Checkout) -> None:
    """What was changed, made or removed since a commit is told, committed or not."""
    since = either.commit()
    assert either.tree.changes(since).paths == frozenset()
    either.write("a", "changed")
    either.commit()
    either.write("new", "new")
    either.remove("src/b")
    changes = either.tree.changes(since)
    assert changes.paths == {"a", "new", "src/b"}
    assert changes.everything == ""


def test_what_was_changed_back_has_not_changed(either: Checkout) -> None:
    """Two trees are compared, so a change that was taken back is none."""
    since = either.commit()
    either.write("a", "changed")
    either.commit()
    either.write("a", "one")
    assert either.tree.changes(since).paths == frozenset()


def test_from_a_commit_nobody_has_everything_changed(either: Checkout) -> None:
    """Where the commit cannot be had, all counts as changed, and it is said why."""
    changes = either.tree.changes(UNKNOWN)
    assert changes.everything.startswith("commit 01234567 is not in this clone")


def test_the_fake_complains_of_what_is_no_path() -> None:
    """The fake accepts neither paths that git cannot have nor commits by a name."""
    with pytest.raises(Misuse):
        FakeTree({"../a": ""}).listing()
    with pytest.raises(Misuse):
        FakeTree().changes(Commit("main"))


def test_a_staged_file_counts_as_it_is_on_disk(real: Checkout) -> None:
    """What was staged and changed again has the id of what a check would read."""
    real.write("a", "staged")
    git("add", "a", cwd=real.root)
    real.write("a", "on disk")
    assert real.ids()["a"] == git("hash-object", "a", cwd=real.root)


def test_touching_a_file_changes_nothing(real: Checkout) -> None:
    """A newer time alone is no change, neither of the id nor since a commit."""
    before, since = real.ids(), Commit(git("rev-parse", "HEAD", cwd=real.root))
    os.utime(real.root / "a", (1, 1))
    assert real.ids() == before
    assert real.tree.changes(since).paths == frozenset()


def test_looking_leaves_the_index_alone(real: Checkout) -> None:
    """Neither question writes to the index, which another program may be using."""
    os.utime(real.root / "a", (1, 1))
    index = real.root / ".git/index"
    before = (index.stat().st_mtime_ns, index.read_bytes())
    real.ids()
    real.tree.changes(Commit(git("rev-parse", "HEAD", cwd=real.root)))
    assert (index.stat().st_mtime_ns, index.read_bytes()) == before


def test_what_git_ignores_is_not_listed(real: Checkout) -> None:
    """Ignored files are neither listed nor changes."""
    real.write(".gitignore", "built/\n")
    since = real.commit()
    real.write("built/x", "x")
    assert list(real.ids()) == [".gitignore", "a", "src/b"]
    assert real.tree.changes(since).paths == frozenset()


@pytest.mark.parametrize("tracked", [True, False])
def test_strange_names_are_names(real: Checkout, *, tracked: bool) -> None:
    """Spaces, line ends, quotes and bytes that are no UTF-8 are kept as they are."""
    names = [b"a b", b"line\nend", b'"quoted"', b"tab\there", b"\xff\xfe", "é".encode()]
    since = real.commit()
    for name in names:
        (real.root / os.fsdecode(name)).write_bytes(name)
    if tracked:
        real.commit()
    strange = {name.decode("utf-8", "surrogateescape") for name in names}
    assert set(real.ids()) == {"a", "src/b", *strange}
    assert real.tree.changes(since).paths == strange


@pytest.mark.parametrize("tracked", [True, False])
def test_what_may_be_run_has_another_id(real: Checkout, *, tracked: bool) -> None:
    """A file that becomes executable has another id, the same tracked and untracked."""
    real.write("tool", "x")
    before = real.ids()["tool"]
    (real.root / "tool").chmod(0o755)
    if tracked:
        real.commit()
    assert real.ids()["tool"] == f"{before}x"


@pytest.mark.parametrize("tracked", [True, False])
def test_a_link_is_what_it_names(real: Checkout, *, tracked: bool) -> None:
    """A symbolic link has the id of its target's name, and is told from a file of that text."""
    real.write("text", "src")
    (real.root / "link").symlink_to("src")
    (real.root / "lost").symlink_to("nowhere")
    if tracked:
        real.commit()
    ids = real.ids()
    assert ids["link"] == f"{ids['text']}l"
    assert "lost" in ids
    assert "link/b" not in ids


def test_line_ends_that_git_converts_are_no_change(real: Checkout) -> None:
    """A file that differs from the index only by git's own filters keeps the index's id."""
    real.write(".gitattributes", "*.txt text eol=crlf\n")
    (real.root / "x.txt").write_bytes(b"one\r\ntwo\r\n")
    real.commit()
    before = real.ids()
    os.utime(real.root / "x.txt", (1, 1))
    assert real.ids() == before


def test_a_file_that_git_was_told_to_overlook_is_read(real: Checkout) -> None:
    """A change in a file that is assumed unchanged is noticed, though git hides it."""
    git("update-index", "--assume-unchanged", "a", cwd=real.root)
    before = real.ids()
    real.write("a", "hidden")
    assert real.ids()["a"] != before["a"]


def test_a_change_that_git_overlooks_is_told(real: Checkout) -> None:
    """A change in a file that is assumed unchanged is a change since a commit, too."""
    since = real.commit()
    git("update-index", "--assume-unchanged", "a", cwd=real.root)
    assert real.tree.changes(since).paths == frozenset()
    real.write("a", "hidden")
    assert real.tree.changes(since).paths == {"a"}


def test_a_file_that_is_not_checked_out_is_not_listed(real: Checkout) -> None:
    """In a sparse checkout only what is on the disk is listed."""
    since = real.commit()
    git("sparse-checkout", "set", "--no-cone", "/a", cwd=real.root)
    assert list(real.ids()) == ["a"]
    assert real.tree.changes(since).paths == frozenset()


def test_a_conflict_is_listed_once(real: Checkout) -> None:
    """A file in the middle of a merge is listed by what is on the disk."""
    git("checkout", "-q", "-b", "other", cwd=real.root)
    real.write("a", "theirs")
    real.commit()
    git("checkout", "-q", "main", cwd=real.root)
    real.write("a", "ours")
    real.commit()
    with pytest.raises(subprocess.CalledProcessError):
        git("merge", "-q", "other", cwd=real.root)
    assert real.ids()["a"] == git("hash-object", "a", cwd=real.root)


def test_what_is_no_file_is_not_listed(real: Checkout) -> None:
    """A pipe in place of a file is left out, and nobody waits for what it says."""
    real.remove("a")
    os.mkfifo(real.root / "a")
    os.mkfifo(real.root / "b")
    assert list(real.ids()) == ["src/b"]


def test_a_file_in_place_of_a_folder_is_seen(real: Checkout) -> None:
    """A folder that became a file is listed as that file."""
    real.remove("src/b")
    (real.root / "src").rmdir()
    real.write("src", "now a file")
    assert list(real.ids()) == ["a", "src"]


def test_a_folder_of_the_checkout_is_a_root_too(real: Checkout) -> None:
    """From a folder inside, paths are relative to it and what lies outside is not seen."""
    since = real.commit()
    real.write("src/new", "x")
    real.write("c", "x")
    tree = GitTree(str(real.root / "src"), LocalShell())
    assert list(tree.listing().files) == ["b", "new"]
    assert tree.changes(since).paths == {"new"}
    assert tree.top() == str(real.root.resolve())


def test_a_linked_worktree_is_a_checkout(real: Checkout, tmp_path: Path) -> None:
    """A second working copy of one repository is listed by its own files."""
    git("worktree", "add", "-q", str(tmp_path / "second"), cwd=real.root)
    second = Checkout(tmp_path / "second")
    second.write("a", "second")
    assert second.ids()["a"] != real.ids()["a"]


def test_a_hooks_variables_do_not_lead_astray(
    real: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside a hook of another repository, the folder's own repository is read."""
    other = a_repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "none"))
    real.write("mine", "x")
    assert list(real.ids()) == ["a", "mine", "src/b"]


def test_a_submodule_is_its_files(real: Checkout, tmp_path: Path) -> None:
    """The files of a submodule are listed below it as they are now, uncommitted ones too."""
    part = a_repository(tmp_path / "part")
    git("submodule", "--quiet", "add", str(part.root), "part", cwd=real.root)
    real.commit()
    before = real.ids()
    real.write("part/a", "changed here")
    real.write("part/new", "x")
    after = real.ids()
    assert set(after) - set(before) == {"part/new"}
    assert after["part/src/b"] == before["part/src/b"]
    assert after["part/a"] != before["part/a"]


def test_a_change_in_a_submodule_is_told(real: Checkout, tmp_path: Path) -> None:
    """A file changed in a submodule is told by its path, one of a new commit by the submodule's."""
    part = a_repository(tmp_path / "part")
    git("submodule", "--quiet", "add", str(part.root), "part", cwd=real.root)
    since = real.commit()
    assert real.tree.changes(since).paths == frozenset()
    real.write("part/a", "changed here")
    assert real.tree.changes(since).paths == {"part/a"}
    Checkout(real.root / "part").commit()
    real.commit()
    assert real.tree.changes(since).paths == {"part"}


def test_a_submodule_that_is_not_there_is_its_commit(real: Checkout, tmp_path: Path) -> None:
    """In a clone without its submodules, each is listed by the commit that is recorded of it."""
    part = a_repository(tmp_path / "part")
    git("submodule", "--quiet", "add", str(part.root), "part", cwd=real.root)
    real.commit()
    git("clone", "-q", str(real.root), str(tmp_path / "clone"), cwd=tmp_path)
    head = git("rev-parse", "HEAD", cwd=part.root)
    assert Checkout(tmp_path / "clone").ids()["part"] == f"{head}m"


def test_a_repository_inside_is_its_files(real: Checkout) -> None:
    """Another repository that merely lies in the checkout is listed by its files."""
    a_repository(real.root / "inner")
    assert {"inner/a", "inner/src/b"} <= set(real.ids())


def test_a_repository_of_sha_256_has_such_ids(tmp_path: Path) -> None:
    """Where git uses SHA-256, so do the ids of files that it does not know yet."""
    git("init", "-q", "--object-format=sha256", str(tmp_path), cwd=tmp_path)
    checkout = Checkout(tmp_path)
    checkout.write("a", "one")
    checkout.commit()
    checkout.write("b", "one")
    ids = checkout.ids()
    assert ids["a"] == ids["b"]
    assert len(ids["b"]) == 64


def test_a_repository_without_a_commit_is_listed(tmp_path: Path) -> None:
    """Before the first commit all files are there already."""
    git("init", "-q", str(tmp_path), cwd=tmp_path)
    checkout = Checkout(tmp_path)
    checkout.write("a", "one")
    assert list(checkout.ids()) == ["a"]


def test_a_folder_that_is_no_repository_is_unfit(tmp_path: Path) -> None:
    """Outside of any repository that is said, in git's own words."""
    with pytest.raises(CheckoutIsUnfit, match="not a git repository"):
        GitTree(str(tmp_path), LocalShell()).listing()


def a_shallow_clone(real: Checkout, tmp_path: Path, *, generous: bool) -> tuple[Checkout, Commit]:
    """A clone of depth 1 of a server that gives single commits, or not; and an older commit."""
    since = real.commit()
    real.write("a", "changed")
    real.commit()
    server = tmp_path / "server.git"
    git("clone", "-q", "--bare", str(real.root), str(server), cwd=tmp_path)
    for setting in ("allowReachableSHA1InWant", "allowAnySHA1InWant"):
        git("config", f"uploadpack.{setting}", str(generous).lower(), cwd=server)
    git("clone", "-q", "--depth", "1", f"file://{server}", str(tmp_path / "clone"), cwd=tmp_path)
    return Checkout(tmp_path / "clone"), since


def test_a_shallow_clone_fetches_that_one_commit(real: Checkout, tmp_path: Path) -> None:
    """In a clone of depth 1 the earlier commit is fetched alone, and compared with."""
    clone, since = a_shallow_clone(real, tmp_path, generous=True)
    clone.write("new", "x")
    assert clone.tree.changes(since).paths == {"a", "new"}
    assert git("rev-list", "--count", since, cwd=clone.root) == "1"
    assert not (clone.root / ".git/FETCH_HEAD").exists()


def test_without_its_server_a_shallow_clone_knows_nothing(real: Checkout, tmp_path: Path) -> None:
    """Where the commit cannot be fetched, everything has changed: never nothing."""
    clone, since = a_shallow_clone(real, tmp_path, generous=True)
    shutil.rmtree(tmp_path / "server.git")
    changes = clone.tree.changes(since)
    assert changes.everything == (
        f"commit {since[:8]} is not in this clone, and origin does not give it"
    )
    assert changes.paths == frozenset()


def test_a_server_that_refuses_is_no_answer(real: Checkout, tmp_path: Path) -> None:
    """A server that gives only branches leaves everything changed."""
    clone, since = a_shallow_clone(real, tmp_path, generous=False)
    git("config", "protocol.version", "0", cwd=clone.root)  # version 2 lets anybody ask for any
    assert "origin does not give it" in clone.tree.changes(since).everything


def test_a_whole_clone_stays_whole(real: Checkout, tmp_path: Path) -> None:
    """Fetching a commit into a clone that has its history does not cut that off."""
    git("clone", "-q", "--bare", str(real.root), str(tmp_path / "server.git"), cwd=tmp_path)
    server = f"file://{tmp_path / 'server.git'}"
    git("clone", "-q", server, str(tmp_path / "clone"), cwd=tmp_path)
    real.write("a", "later")
    later = real.commit()
    git("push", "-q", server, "main", cwd=real.root)
    clone = Checkout(tmp_path / "clone")
    assert clone.tree.changes(later).paths == {"a"}
    assert git("rev-parse", "--is-shallow-repository", cwd=clone.root) == "false"


@pytest.mark.parametrize("since", ["main", "--output=stolen", "HEAD", ""])
def test_only_an_id_is_a_commit(real: Checkout, since: str) -> None:
    """A name or an option in place of a commit reaches no git command."""
    assert "is not the id of a commit" in real.tree.changes(Commit(since)).everything
    assert not (real.root / "stolen").exists()
