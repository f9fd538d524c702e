"""`ports.Survey`, on real folders, with git and without."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from shipway.adapters.shell import LocalShell
from shipway.adapters.survey import FolderSurvey
from shipway.ports import Survey

WHO = ("-c", "user.name=Dora", "-c", "user.email=dora@example.com")
QUIET = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *words: str) -> None:
    """Run git in a folder."""
    subprocess.run(["git", *WHO, *words], cwd=folder, check=True, env=os.environ | QUIET)


def written(root: Path, *paths: str) -> Path:
    """Write files, each with its own path as its text."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path, encoding="utf-8")
    return root


def survey(root: Path, most: int = 100) -> Survey:
    """Return the adapter on a folder."""
    return FolderSurvey(str(root), LocalShell(), most=most)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is in no repository."""
    root = tmp_path / "parcels"
    root.mkdir()
    return root


def test_git_says_which_files_there_are(folder: Path) -> None:
    """Tracked and new files are listed, sorted; ignored and deleted ones are not."""
    git(folder, "init", "-q", "-b", "main")
    written(folder, "b.js", "a/ä ö.js", "gone.js", "dist/made.js", ".github/CODEOWNERS")
    (folder / ".gitignore").write_text("dist/\n", encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "All")
    (folder / "gone.js").unlink()
    written(folder, "new.js")

    found = survey(folder).files()

    assert found.paths == (".github/CODEOWNERS", ".gitignore", "a/ä ö.js", "b.js", "new.js")
    assert found.complete


def test_a_folder_of_a_repository_is_looked_at_alone(folder: Path) -> None:
    """In a folder below the root, paths are relative to it, and the rest is not seen."""
    git(folder, "init", "-q", "-b", "main")
    written(folder, "other/a.js", "service/src/b.js")
    assert survey(folder / "service").files().paths == ("src/b.js",)


def test_without_git_what_is_built_is_left_out(folder: Path) -> None:
    """Folders that are made by tools, and hidden ones, do not count as the repository's own."""
    own = ("a.js", "src/b.js", ".github/CODEOWNERS", ".prettierrc")
    written(folder, *own, "node_modules/x/package.json", "dist/c.js", ".cache/d")
    assert survey(folder).files().paths == tuple(sorted(own))


@pytest.mark.parametrize("repository", [True, False], ids=["git", "no git"])
def test_too_many_files_are_cut_off_and_said(folder: Path, *, repository: bool) -> None:
    """Beyond the bound, files are left out, and the listing says that it is not complete."""
    if repository:
        git(folder, "init", "-q")
    written(folder, "a", "b", "c")
    assert len(survey(folder, most=3).files().paths) == 3
    assert survey(folder, most=3).files().complete
    assert len(survey(folder, most=2).files().paths) == 2
    assert not survey(folder, most=2).files().complete


def test_only_the_beginning_of_a_file_is_read(folder: Path) -> None:
    """A text has at most as many bytes as were asked for."""
    written(folder, "long.txt")
    assert survey(folder).text("long.txt", 4) == "long"
    assert survey(folder).text("long.txt", 400) == "long.txt"


def test_what_is_no_text_of_this_folder_is_empty(folder: Path) -> None:
    """Missing files, folders, binary files, and links and paths that lead out are empty."""
    written(folder.parent, "secret.txt")
    written(folder, "src/a.js")
    (folder / "binary").write_bytes(b"\x7fELF\0\0")
    (folder / "link").symlink_to(folder.parent / "secret.txt")
    looked = survey(folder)
    paths = ("missing", "src", "binary", "link", "../secret.txt")
    assert [looked.text(path, 100) for path in paths] == [""] * len(paths)


def test_a_file_is_only_ever_added(folder: Path) -> None:
    """A new file is written whole; where something has the name, nothing happens."""
    looked = survey(folder)
    assert looked.add("shipway.yaml", "service: a\n")
    assert not looked.add("shipway.yaml", "service: b\n")
    assert (folder / "shipway.yaml").read_text(encoding="utf-8") == "service: a\n"
    (folder / "dangling").symlink_to(folder / "nowhere")
    assert not looked.add("dangling", "x")
    assert not (folder / "nowhere").exists()


def test_the_branch_is_the_remotes_own(folder: Path) -> None:
    """A clone says which branch is delivered, whatever is checked out."""
    git(folder, "init", "-q", "-b", "production")
    written(folder, "a")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "All")
    clone = folder.parent / "clone"
    git(folder.parent, "clone", "-q", str(folder), str(clone))
    git(clone, "checkout", "-q", "-b", "feature/x")
    assert survey(clone).branch() == "production"


@pytest.mark.parametrize(
    ("checked_out", "branch"), [("master", "master"), ("feature/x", None), ("main", "main")]
)
def test_without_a_remote_a_usual_branch_counts(
    folder: Path, checked_out: str, branch: str | None
) -> None:
    """What is checked out is taken for the delivered branch only where its name is a usual one."""
    git(folder, "init", "-q", "-b", checked_out)
    assert survey(folder).branch() == branch


def test_without_git_there_is_no_branch(folder: Path) -> None:
    """A folder that is in no repository has none."""
    assert survey(folder).branch() is None
