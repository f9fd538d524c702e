"""What an image is built from: exactly the files of a commit, in a folder of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.adapters.docker.context import exported
from shipway.adapters.shell import LocalShell
from shipway.errors import CheckoutIsUnfit, FileIsMissing
from shipway.model.release import Commit
from shipway.testing.builders import a_commit
from tests.adapters.repositories import committed, git, head

FILES = {
    "root.txt": "top",
    "services/sender/Dockerfile": "FROM scratch\n",
    "services/sender/src/main.ts": "main",
    "services/other/src/other.ts": "other",
    "shared/a name [with] *.ts": "shared",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository of two services and what they share."""
    return committed(tmp_path / "repository", FILES)


def files_of(root: Path, *wanted: str, commit: Commit | None = None) -> dict[str, str]:
    """Export, and return the files by their path from the root."""
    with exported(str(root), commit or head(root), wanted, LocalShell()) as place:
        top = Path(place).parents[1] if root.name == "sender" else Path(place)
        return dict(all_files(top))


def all_files(place: Path) -> Iterator[tuple[str, str]]:
    """Each file below a folder, with its text."""
    for path in sorted(place.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(place)), path.read_text()


def test_it_is_the_commit_and_not_the_folder(root: Path) -> None:
    """Files that are changed, new or gone since the commit make no difference."""
    (root / "root.txt").write_text("changed")
    (root / "new.txt").touch()
    (root / "services/other/src/other.ts").unlink()
    assert files_of(root, ".") == FILES


def test_an_earlier_commit_can_be_had(root: Path) -> None:
    """The commit need not be the one that is checked out."""
    first = head(root)
    committed(root, {"root.txt": "later"})
    assert files_of(root, "root.txt", commit=first) == {"root.txt": "top"}


def test_only_what_is_needed_is_written(root: Path) -> None:
    """Of a service in a folder of its own, its context and Dockerfile are taken, wherever."""
    sender = root / "services/sender"
    assert set(files_of(sender, "src", "Dockerfile", "Dockerfile.dockerignore")) == {
        "services/sender/Dockerfile",
        "services/sender/src/main.ts",
    }
    assert set(files_of(sender, "../../shared", "Dockerfile")) == {
        "shared/a name [with] *.ts",
        "services/sender/Dockerfile",
    }


def test_a_path_is_no_pattern(root: Path) -> None:
    """Signs that are special to git mean themselves."""
    assert set(files_of(root, "shared/a name [with] *.ts")) == {"shared/a name [with] *.ts"}


def test_the_checkout_is_not_touched(root: Path) -> None:
    """Neither the index nor a hook of the checkout notices anything."""
    hook = root / ".git/hooks/post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {root}/hooked\n")
    hook.chmod(0o755)
    (root / "root.txt").write_text("staged")
    git(root, "add", "root.txt")
    before = (root / ".git/index").read_bytes()
    files_of(root, ".")
    assert (root / ".git/index").read_bytes() == before
    assert not (root / "hooked").exists()


def test_files_that_archives_leave_out_are_there(root: Path) -> None:
    """`export-ignore` is about archives of releases, not about what an image is built from."""
    committed(root, {".gitattributes": "root.txt export-ignore\n"})
    assert "root.txt" in files_of(root, ".")


def test_filters_work_as_in_any_checkout(root: Path) -> None:
    """What git-lfs or line endings would make of a file in a clone, they make of it here."""
    committed(root, {".gitattributes": "root.txt filter=loud\n"})
    git(root, "config", "filter.loud.smudge", "tr a-z A-Z")
    assert files_of(root / "services/sender", "../../root.txt")["root.txt"] == "TOP"


def test_modes_and_times_are_the_commits(root: Path) -> None:
    """Whatever the umask and the clock, the same commit has the same modes and times."""
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o700)
    (root / "link").symlink_to("run.sh")
    committed(root, {})
    before = os.umask(0o077)
    try:
        with exported(str(root), head(root), (".",), LocalShell()) as place:
            found = {
                path.name: (path.lstat().st_mode & 0o777, int(path.lstat().st_mtime))
                for path in (Path(place), *Path(place).rglob("*"))
                if not path.is_symlink()
            }
            assert (Path(place) / "link").readlink() == Path("run.sh")
    finally:
        os.umask(before)
    time = int(git(root, "log", "-1", "--format=%ct"))
    assert found["run.sh"] == found["shared"] == found["tree"] == (0o755, time)
    assert found["root.txt"] == found["main.ts"] == (0o644, time)


def test_a_submodule_is_an_empty_folder(root: Path, tmp_path: Path) -> None:
    """Files of another repository are in no commit of this one."""
    other = committed(tmp_path / "other", {"inside.txt": ""})
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "sub")
    committed(root, {})
    with exported(str(root), head(root), (".",), LocalShell()) as place:
        assert list((Path(place) / "sub").iterdir()) == []


def test_a_sparse_checkout_gives_whole_commits(root: Path) -> None:
    """What somebody left out of the working copy is in the commit all the same."""
    git(root, "sparse-checkout", "set", "shared")
    assert not (root / "services").exists()
    assert files_of(root, ".") == FILES


def test_a_linked_worktree_will_do(root: Path, tmp_path: Path) -> None:
    """A checkout that shares its repository with others is one like any other."""
    git(root, "worktree", "add", "-q", str(tmp_path / "linked"))
    assert files_of(tmp_path / "linked", ".") == FILES


def test_nothing_is_left(root: Path) -> None:
    """The export is gone when the build is over, and when it fails."""
    seen: list[Path] = []

    def fail() -> None:
        with exported(str(root), head(root), (".",), LocalShell()) as place:
            seen.append(Path(place))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not seen[0].exists()
    assert not seen[0].parent.exists()


def test_a_context_outside_the_repository_is_told(root: Path) -> None:
    """What lies beside the repository is in no commit."""
    with pytest.raises(FileIsMissing, match="outside the repository") as found:
        files_of(root, "../elsewhere")
    assert found.value.where == "image.context"


def test_a_commit_that_is_not_there_is_told(root: Path, tmp_path: Path) -> None:
    """Neither a strange commit nor a folder without repository can be built from."""
    with pytest.raises(CheckoutIsUnfit, match="does not hold commit"):
        files_of(root, ".", commit=a_commit())
    with pytest.raises(CheckoutIsUnfit, match="not a git checkout"):
        files_of(tmp_path, ".", commit=a_commit())


def test_a_clone_of_depth_one_will_do(root: Path, tmp_path: Path) -> None:
    """The one commit that a shallow clone has is enough."""
    clone = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{root}", str(clone))
    assert files_of(clone, ".") == FILES
