"""`ports.StepCache` and what it promises, on the fake, in a folder, and with a team's cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from shipway.adapters.clock import SystemClock
from shipway.adapters.files import DiskFiles
from shipway.adapters.step_cache.folder import FolderCache
from shipway.adapters.step_cache.layers import LayeredCache
from shipway.model.kept import Kept
from shipway.ports import StepCache
from shipway.testing.step_cache import MemoryStepCache

KEY, OTHER = "ab" * 32, "cd" * 32


class NoTeam:
    """A team's cache that has nothing and takes nothing."""

    def manifest(self, key: str) -> bytes | None:
        """Have nothing."""
        del key
        return None

    def fetch(self, sha256: str, size: int, write: Callable[[bytes], object]) -> bool:
        """Have nothing."""
        del sha256, size, write
        return False

    def offer(self, key: str, manifest: bytes, path: Path, sha256: str, size: int) -> None:
        """Take nothing."""

    def close(self, patience_s: float) -> None:
        """Have nothing to wait for."""


def quiet(about: str, message: str) -> None:
    """Complain: in these tests nothing is wrong, but for a secret that somebody wrote down."""
    assert "holds a secret" in message, (about, message)


def folder_cache(folder: Path) -> FolderCache:
    """A cache in a folder with much room."""
    return FolderCache(folder, size=2**30, clock=SystemClock(), warn=quiet)


MAKERS: dict[str, Callable[[Path], StepCache]] = {
    "fake": lambda _: MemoryStepCache(files=DiskFiles()),
    "folder": folder_cache,
    "layered": lambda folder: LayeredCache(folder_cache(folder), NoTeam(), quiet),
}


@pytest.fixture(params=sorted(MAKERS))
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> StepCache:
    """Each kind of cache."""
    return MAKERS[request.param](tmp_path / "cache")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout after a build, with a program, a link and a note in its outputs."""
    root = tmp_path / "checkout"
    (root / "dist" / "bin").mkdir(parents=True)
    (root / "dist" / "main.js").write_bytes(b"console.log(1)\n" * 100)
    (root / "dist" / "bin" / "run").write_bytes(b"#!/bin/sh\n")
    (root / "dist" / "bin" / "run").chmod(0o755)
    (root / "dist" / "latest.js").symlink_to("main.js")
    (root / "report.xml").write_bytes(b"")
    (root / "source.ts").write_bytes(b"console.log(1)\n")
    return root


def log(root: Path, text: str = "built in 3 s\n") -> str:
    """A log beside the checkout."""
    path = root.parent / "build.log"
    path.write_text(text, encoding="utf-8")
    return str(path)


def kept(key: str = KEY) -> Kept:
    """What the runner knows when a check has passed."""
    return Kept(key=key, check="build", seconds=3.5, run="r-1", at=1_700_000_000.0, files=())


def found(cache: StepCache, key: str = KEY) -> Kept:
    """The entry of a key, which has to be there."""
    entry = cache.find(key)
    assert entry is not None
    return entry


def test_what_was_never_stored_is_not_found(cache: StepCache) -> None:
    """A key without an entry is a miss."""
    assert cache.find(KEY) is None


def test_an_entry_tells_what_it_keeps(cache: StepCache, root: Path) -> None:
    """What was known of the run comes back, with every file's path, size, mode and target."""
    cache.store(kept(), str(root), ("dist", "report.xml"), log(root))
    entry = found(cache)
    assert (entry.key, entry.check, entry.seconds) == (KEY, "build", 3.5)
    assert (entry.run, entry.at, entry.remote) == ("r-1", 1_700_000_000.0, False)
    assert entry.size > 0
    assert [(f.path, f.size, f.mode & 0o100, f.link) for f in entry.files] == [
        ("dist/bin/run", 10, 0o100, ""),
        ("dist/latest.js", 0, 0, "main.js"),
        ("dist/main.js", 1500, 0, ""),
        ("report.xml", 0, 0, ""),
    ]


def test_a_hit_gives_back_files_and_log(cache: StepCache, root: Path, tmp_path: Path) -> None:
    """In another checkout the outputs are there again, and the log is where it is wanted."""
    cache.store(kept(), str(root), ("dist", "report.xml"), log(root, "built, ü\n"))
    other, replay = tmp_path / "other", tmp_path / "run" / "2" / "build.log"
    other.mkdir()
    assert cache.restore(found(cache), str(other), str(replay))
    assert (other / "dist/main.js").read_bytes() == b"console.log(1)\n" * 100
    assert (other / "dist/bin/run").stat().st_mode & 0o777 == 0o755
    assert (other / "dist/latest.js").readlink() == Path("main.js")
    assert (other / "report.xml").read_bytes() == b""
    assert not (other / "source.ts").exists()
    assert replay.read_text(encoding="utf-8") == "built, ü\n"


def test_a_check_without_outputs_is_kept(cache: StepCache, root: Path) -> None:
    """A linter makes no files: its log alone comes back."""
    cache.store(kept(), str(root), (), log(root, "no problems\n"))
    replay = root.parent / "again.log"
    assert cache.restore(found(cache), str(root), str(replay))
    assert replay.read_text(encoding="utf-8") == "no problems\n"


def test_an_output_that_was_not_made_adds_nothing(cache: StepCache, root: Path) -> None:
    """An output that is not there is no file of the entry."""
    cache.store(kept(), str(root), ("coverage",), log(root))
    assert found(cache).files == ()


def test_overlapping_outputs_are_kept_once(cache: StepCache, root: Path) -> None:
    """A file under two outputs is one file of the entry."""
    cache.store(kept(), str(root), ("dist/bin", "dist", "dist/bin/run"), log(root))
    paths = [file.path for file in found(cache).files]
    assert paths == ["dist/bin/run", "dist/latest.js", "dist/main.js"]


def test_what_was_changed_is_put_right(cache: StepCache, root: Path) -> None:
    """Content, mode and link become those of the entry again; what lies beside them stays."""
    cache.store(kept(), str(root), ("dist",), log(root))
    (root / "dist/main.js").write_bytes(b"changed")
    (root / "dist/bin/run").chmod(0o644)
    (root / "dist/latest.js").unlink()
    (root / "dist/latest.js").symlink_to("other.js")
    (root / "dist/beside").write_bytes(b"mine")
    assert cache.restore(found(cache), str(root), str(root.parent / "again.log"))
    assert (root / "dist/main.js").read_bytes() == b"console.log(1)\n" * 100
    assert (root / "dist/bin/run").stat().st_mode & 0o777 == 0o755
    assert (root / "dist/latest.js").readlink() == Path("main.js")
    assert (root / "dist/beside").read_bytes() == b"mine"


def test_a_later_result_replaces_an_earlier_one(cache: StepCache, root: Path) -> None:
    """Storing under the same key again is allowed, and the last one counts."""
    cache.store(kept(), str(root), ("dist",), log(root, "first\n"))
    cache.store(kept(), str(root), (), log(root, "second\n"))
    assert found(cache).files == ()


def test_keys_do_not_share(cache: StepCache, root: Path) -> None:
    """Each key has an entry of its own."""
    cache.store(kept(), str(root), ("dist",), log(root))
    cache.store(kept(OTHER), str(root), (), log(root))
    assert len(found(cache).files) == 3
    assert found(cache, OTHER).files == ()


def test_outputs_stand_in_place_until_touched(cache: StepCache, root: Path) -> None:
    """Marked outputs stand for that key, in that checkout, and for those outputs only."""
    cache.mark_in_place(KEY, str(root), ("dist",))
    assert cache.in_place(KEY, str(root), ("dist",))
    assert cache.in_place(KEY, str(root), ("dist",))
    assert not cache.in_place(OTHER, str(root), ("dist",))
    assert not cache.in_place(KEY, str(root), ("dist", "report.xml"))
    (root / "dist" / "new.js").write_bytes(b"")
    assert not cache.in_place(KEY, str(root), ("dist",))


def test_outputs_that_are_gone_do_not_stand_in_place(cache: StepCache, root: Path) -> None:
    """Removing an output ends the mark."""
    cache.mark_in_place(KEY, str(root), ("report.xml",))
    (root / "report.xml").unlink()
    assert not cache.in_place(KEY, str(root), ("report.xml",))


def test_a_second_mark_replaces_the_first(cache: StepCache, root: Path) -> None:
    """The same outputs are those of one key at a time."""
    cache.mark_in_place(KEY, str(root), ("dist",))
    cache.mark_in_place(OTHER, str(root), ("dist",))
    assert not cache.in_place(KEY, str(root), ("dist",))
    assert cache.in_place(OTHER, str(root), ("dist",))


def test_closing_keeps_what_has_room(cache: StepCache, root: Path) -> None:
    """Ending the use of the cache is quiet where nothing has to go."""
    cache.store(kept(), str(root), ("dist",), log(root))
    cache.close(0)


def test_what_holds_a_secret_is_not_kept(cache: StepCache, root: Path) -> None:
    """One file is enough, and the answer is asked for the content in whatever pieces it comes."""
    asked: list[bytes] = []

    def secret_in(chunks: Iterable[bytes]) -> bool:
        asked.append(b"".join(chunks))
        return b"let me in" in asked[-1]

    (root / "dist" / "config.js").write_text("key = 'let me in'\n", encoding="utf-8")
    cache.store(kept(), str(root), ("dist",), log(root), secret_in)
    assert cache.find(KEY) is None
    (root / "dist" / "config.js").write_text("key = read()\n", encoding="utf-8")
    cache.store(kept(), str(root), ("dist",), log(root), secret_in)
    assert cache.find(KEY) is not None
    assert b"key = read()\n" in asked
