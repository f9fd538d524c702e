"""The remote of a commit, as everybody may see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.adapters.git import GitCheckout, public_url
from shipway.adapters.shell import LocalShell
from tests.adapters.repositories import committed, git


@pytest.mark.parametrize(
    ("remote", "shown"),
    [
        ("https://git.example.test/team/sender.git", "https://git.example.test/team/sender.git"),
        ("https://ada:tok@git.example.test/sender.git", "https://git.example.test/sender.git"),
        ("https://tok@git.example.test:8443/sender", "https://git.example.test:8443/sender"),
        ("https://git.example.test/s.git?private_token=x#y", "https://git.example.test/s.git"),
        ("https://a:p@ss@git.example.test/s.git", "https://git.example.test/s.git"),
        ("ssh://git@git.example.test:22/sender.git", "ssh://git.example.test:22/sender.git"),
        ("git@git.example.test:team/sender.git", "ssh://git.example.test/team/sender.git"),
        ("git.example.test:/srv/sender.git", "ssh://git.example.test/srv/sender.git"),
        ("/srv/git/sender.git", ""),
        ("../sender.git", ""),
        ("./odd:name", ""),
        ("file:///srv/git/sender.git", ""),
        ("", ""),
    ],
)
def test_a_remote_shows_no_credentials(remote: str, shown: str) -> None:
    """User, password and query are left out, and a folder of some machine is no address."""
    assert public_url(remote) == shown


def test_a_source_knows_its_remote(tmp_path: Path) -> None:
    """The commit's remote is that of `origin`; without one it is unknown."""
    root = committed(tmp_path / "clone", {"file": "text"})
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")
    checkout = GitCheckout(str(root), LocalShell())
    assert checkout.source(branch=None).remote == ""
    git(root, "remote", "add", "origin", "https://ada:token@git.example.test/sender.git")
    assert checkout.source(branch=None).remote == "https://git.example.test/sender.git"
