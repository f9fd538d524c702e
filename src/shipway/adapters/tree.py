"""The checkout's files by content, through git's index: what did not change is not read.

It knows git's answers byte by byte. It refuses to touch the index, and to ask anybody anything.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from shipway.adapters.shell import LocalShell
from shipway.errors import CheckoutIsUnfit, OutsideDidNotAnswer
from shipway.model.release import Commit
from shipway.model.tree import Around, Changes, Listing
from shipway.ports import Exit

FETCH_S = 30.0
"""How long fetching one commit may take before everything counts as changed."""

_LOOK_S = 60.0
_CHUNK = 1 << 20
_SHA1 = 40  # hexadecimal digits
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SUBMODULE = "160000"
_KINDS = {"100644": "", "100755": "x", "120000": "l", _SUBMODULE: "m"}
"""What follows an id, since it decides as much as the content: executable, link, submodule."""

# A hook's GIT_DIR would point elsewhere.
_UNSET = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
)  # fmt: skip
_FETCH = ("sh", "-c", f'unset {" ".join(_UNSET)}; exec git "$@"', "git")
_ALONE = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GCM_INTERACTIVE": "never"}
_INDEX = ("ls-files", "-z", "--stage", "-v")
_CHANGED = ("ls-files", "-z", "--modified", "--deleted")
_OTHERS = ("ls-files", "-z", "--others", "--exclude-standard")
_STAGED = ("diff-index", "-z", "--raw", "--cached", "--no-renames", "--relative")


class _Entry(NamedTuple):
    """A line of git's index.

    `looked_at` tells whether git itself compares the file with the disk: not where it is assumed
    unchanged, and not in the middle of a merge. `absent` is what a sparse checkout leaves out.
    """

    path: str
    content: str
    submodule: bool
    looked_at: bool
    absent: bool


class GitTree:
    """`ports.Tree` on a folder of a git checkout; paths are relative to that folder.

    An id is git's own of the content, followed by `x` where the file is executable and `l` for a
    symbolic link. What is in a submodule, or in another repository that lies in the checkout, is
    listed as its files; a submodule that is not there by its commit and `m`. A file that may not
    be read has the id `unreadable`.
    """

    def __init__(self, root: str, shell: LocalShell) -> None:
        self._root, self._shell = root, shell

    def listing(self) -> Listing:
        """Return every file as it is now; see `ports.Tree`. The paths are sorted."""
        files = dict(self._files())  # no list of pairs: so many tuples keep the collector busy
        return Listing({path: files[path] for path in sorted(files)})

    def top(self) -> str:
        """Return the root of the repository that the folder belongs to.

        Raises:
            CheckoutIsUnfit: not a git checkout.
        """
        return self._text("rev-parse", "--show-toplevel").rstrip("\n")

    def around(self) -> Around | None:
        """Return the repository around the folder; None where that is all of it, or no git."""
        root = Path(self._root).resolve()
        if (root / ".git").exists():
            return None
        try:
            top = Path(self.top()).resolve()
        except CheckoutIsUnfit:
            return None
        listing = GitTree(str(top), self._shell).listing()
        return Around(str(top), root.relative_to(top).as_posix(), listing)

    def changes(self, since: Commit) -> Changes:
        """Compare an earlier commit's tree with the checkout as it is now; see `ports.Tree`."""
        if unknown := self._unknown(since):
            return Changes(everything=unknown)
        # not `git diff SINCE`, which writes to the index, whatever it is told
        staged_since = (*_STAGED, since, "--")
        index, changed, others, staged = self._ask(_INDEX, _CHANGED, _OTHERS, staged_since)
        before, look = _before(staged), set(_records(changed))
        paths = {path.rstrip("/") for path in _records(others)}
        for entry in _entries(index):
            if entry.submodule:
                look.discard(entry.path)
                paths.update(self._changes_below(entry))
            elif not entry.looked_at and not (entry.absent and not self._has_file(entry.path)):
                before.setdefault(entry.path, entry.content)
                look.add(entry.path)
        paths.update(before.keys() - look)
        paths.update(
            path
            for path in look
            if path not in before or before[path] != _content(self._at(path), len(since))
        )
        return Changes(frozenset(paths))

    def _files(self) -> Iterator[tuple[str, str]]:
        """Path and id of each file, in no particular order, each once."""
        index, changed, others = self._ask(_INDEX, _CHANGED, _OTHERS)
        differ, look, hexadecimal = set(_records(changed)), set(_records(others)), _SHA1
        for entry in _entries(index):
            if entry.submodule:
                yield from self._submodule(entry)
            elif entry.looked_at and entry.path not in differ:
                hexadecimal = len(entry.content.rstrip("xl"))
                yield entry.path, entry.content
            else:
                look.add(entry.path)
        for path in look:
            if path.endswith("/"):
                yield from self._below(path.rstrip("/"))
            elif content := _content(self._at(path), hexadecimal):
                yield path, content

    def _submodule(self, entry: _Entry) -> Iterator[tuple[str, str]]:
        if self._has_file(f"{entry.path}/.git"):
            yield from self._below(entry.path)
        else:
            yield entry.path, entry.content

    def _below(self, path: str) -> Iterator[tuple[str, str]]:
        """The files of a repository that lies in this one."""
        for inner, content in GitTree(self._at(path), self._shell)._files():  # noqa: SLF001 - another of us
            yield f"{path}/{inner}", content

    def _changes_below(self, entry: _Entry) -> Iterator[str]:
        """What differs in a submodule from the commit that the index has."""
        if not self._has_file(f"{entry.path}/.git"):
            return
        commit = Commit(entry.content.removesuffix(_KINDS[_SUBMODULE]))
        changes = GitTree(self._at(entry.path), self._shell).changes(commit)
        if changes.everything:
            yield entry.path
        for path in changes.paths:
            yield f"{entry.path}/{path}"

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _has_file(self, path: str) -> bool:
        return os.path.lexists(_disk(self._at(path)))

    def _unknown(self, since: Commit) -> str:
        """Say why a commit cannot be compared with; nothing once it is there."""
        short = since[:8]
        if not _COMMIT.fullmatch(since):
            return f"{since!r} is not the id of a commit"
        if self._has(since):
            return ""
        remotes = self._text("remote").split()
        if not remotes:
            return f"commit {short} is not in this clone, and there is no remote to fetch it from"
        remote = "origin" if "origin" in remotes else remotes[0]
        done = self._fetch(remote, since)
        if done.timed_out:
            return f"commit {short} is not in this clone, and {remote} did not send it in time"
        if done.status != 0 or not self._has(since):
            return f"commit {short} is not in this clone, and {remote} does not give it"
        return ""

    def _has(self, commit: str) -> bool:
        return self._run(("cat-file", "-e", f"{commit}^{{commit}}"))[0][0].status == 0

    def _fetch(self, remote: str, commit: str) -> Exit:
        """Fetch one commit; without its history only where the clone has none of its own."""
        shallow = self._text("rev-parse", "--is-shallow-repository").strip() == "true"
        depth = ("--depth", "1") if shallow else ()
        tidy = ("--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
        words = ("-c", "gc.auto=0", "-c", "maintenance.auto=false", "fetch", "--quiet", *tidy)
        # with all the care of `stream`: it starts helpers that could outlive it
        return self._shell.stream(
            (*_FETCH, *words, *depth, remote, commit),
            cwd=self._root,
            env=_ALONE,
            on_output=lambda _: None,
            timeout_s=FETCH_S,
        )

    def _ask(self, *questions: tuple[str, ...]) -> list[str]:
        """Ask git several things at once: some of it reads folders, some reads times of files."""
        answers = self._run(*questions)
        return [
            self._read(words, *answer) for words, answer in zip(questions, answers, strict=True)
        ]

    def _text(self, *words: str) -> str:
        return self._ask(words)[0]

    def _read(self, words: tuple[str, ...], done: Exit, answer: bytes) -> str:
        if done.timed_out:
            raise OutsideDidNotAnswer(
                f"git {words[0]} took longer than {_LOOK_S:g} s", where=self._root
            )
        if done.status != 0:
            raise self._unfit(words)
        return answer.decode("utf-8", "surrogateescape")

    def _run(self, *questions: tuple[str, ...]) -> list[tuple[Exit, bytes]]:
        asked = tuple(("git", *words) for words in questions)
        return self._shell.ask(asked, cwd=self._root, env=_ALONE, without=_UNSET, timeout_s=_LOOK_S)

    def _unfit(self, words: tuple[str, ...]) -> CheckoutIsUnfit:
        """Ask again for what git says of it, as for example of a folder that somebody else owns."""
        _, lines = self._shell.capture(("git", *words), cwd=self._root)
        said = next((line for line in lines if line.startswith("fatal:")), "fatal: no answer")
        return CheckoutIsUnfit(
            f"{self._root} cannot be read as a git checkout: {said.removeprefix('fatal: ')}",
            hint="run this in a clone of the service's repository",
        )


def _entries(index: str) -> Iterator[_Entry]:
    for record in _records(index):
        facts, _, path = record.partition("\t")
        tag, mode, content, stage = facts.split(" ")
        looked_at = tag == "H" and stage == "0"  # `h`: assumed unchanged, `S`: not checked out
        yield _Entry(path, content + _KINDS[mode], mode == _SUBMODULE, looked_at, tag in "Ss")


def _before(staged: str) -> dict[str, str]:
    """What the earlier commit had in place of each path of the index; empty where it had none."""
    records = iter(_records(staged))
    before = {}
    for facts, path in zip(records, records, strict=True):
        mode, _, content, _, _ = facts.removeprefix(":").split(" ")
        before[path] = content + _KINDS[mode] if content.strip("0") else ""
    return before


def _records(answer: str) -> list[str]:
    return answer.split("\0")[:-1]


def _disk(path: str) -> bytes:
    """A path as the disk has it: git's bytes, whatever this machine's own encoding is."""
    return path.encode("utf-8", "surrogateescape")


def _content(path: str, hexadecimal: int) -> str:
    """Return the id that git would give a file; empty where there is none, or only a folder."""
    place = _disk(path)
    try:
        status = os.lstat(place)
        if stat.S_ISLNK(status.st_mode):
            return _id(status, [os.readlink(place)], hexadecimal) + "l"  # noqa: PTH115 - bytes
        if stat.S_ISREG(status.st_mode):
            executable = status.st_mode & stat.S_IXUSR
            return _id(status, _chunks(place), hexadecimal) + ("x" if executable else "")
    except PermissionError:
        return "unreadable"
    except (FileNotFoundError, NotADirectoryError):  # or removed while we looked
        return ""
    return ""


def _id(status: os.stat_result, chunks: Iterator[bytes] | list[bytes], hexadecimal: int) -> str:
    """SHA-1 or SHA-256 of a header and the content, as git makes it."""
    kind = "sha1" if hexadecimal == _SHA1 else "sha256"
    digest = hashlib.new(kind, b"blob %d\0" % status.st_size, usedforsecurity=False)
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(path: bytes) -> Iterator[bytes]:
    with open(path, "rb") as file:  # noqa: PTH123 - a path of bytes
        while chunk := file.read(_CHUNK):
            yield chunk
