"""The cache's folder under bad luck and bad will: crashes, full disks, hostile entries."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.adapters.clock import SystemClock
from shipway.adapters.step_cache import entry
from shipway.adapters.step_cache.folder import FolderCache
from shipway.adapters.step_cache.outputs import Refused, collect, content
from shipway.adapters.step_cache.seen import Seen
from shipway.model.kept import Kept, KeptFile
from shipway.testing.fakes import FakeClock

KEY, OTHER, THIRD = "ab" * 32, "cd" * 32, "ef" * 32


@dataclass
class Place:
    """A cache folder, a checkout with outputs, and what was told."""

    folder: Path
    told: list[str] = field(default_factory=list)

    def cache(self, size: int = 2**30, *, hours_later: float = 0) -> FolderCache:
        """The folder's cache, in a process that runs so many hours from now."""
        clock = FakeClock(time.time() + 3600 * hours_later) if hours_later else SystemClock()
        return FolderCache(self.folder / "cache", size=size, clock=clock, warn=self.warn)

    def warn(self, about: str, message: str) -> None:
        """Remember what was told."""
        assert about
        self.told.append(message)

    @property
    def root(self) -> Path:
        """The checkout."""
        return self.folder / "checkout"

    @property
    def log(self) -> Path:
        """The log."""
        return self.folder / "build.log"

    def file(self, key: str = KEY) -> Path:
        """The file of an entry."""
        return self.folder / "cache" / "steps" / key[:2] / key

    @property
    def notes(self) -> Path:
        """Where is noted what stands in place."""
        return self.folder / "cache" / "in-place"

    def store(self, key: str = KEY, outputs: tuple[str, ...] = ("dist",)) -> None:
        """Keep the checkout's outputs."""
        self.cache().store(kept(key), str(self.root), outputs, str(self.log))

    def restore(self, key: str = KEY) -> bool:
        """Restore whatever is there, without asking first."""
        return self.cache().restore(kept(key), str(self.root), str(self.log))


def kept(key: str = KEY) -> Kept:
    """What the runner knows when a check has passed."""
    return Kept(key=key, check="build", seconds=3.0, run="r1", at=1.0, files=())


def made(folder: Path) -> Place:
    """A place with a checkout of one output."""
    place = Place(folder)
    (place.root / "dist").mkdir(parents=True)
    (place.root / "dist" / "main.js").write_bytes(b"console.log(1)\n" * 10)
    place.log.write_bytes(b"built\n")
    return place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place of the test's own."""
    return made(tmp_path)


def forge(place: Place, files: tuple[KeptFile, ...], contents: tuple[bytes, ...]) -> None:
    """Write an entry that is whole in itself, whatever it says."""
    place.file().parent.mkdir(parents=True, exist_ok=True)
    with place.file().open("wb") as file:
        writer = entry.Writer(file)
        log, _ = writer.add(iter([b"forged\n"]))
        sections = tuple(writer.add(iter([content]))[0] for content in contents)
        kept_files = Kept(KEY, "build", 3.0, "r1", 1.0, files)
        writer.finish(kept_files, log, sections)


def plain(path: str, content: bytes = b"evil", mode: int = 0o644, link: str = "") -> KeptFile:
    """A file as a manifest tells it."""
    return KeptFile(path, hashlib.sha256(content).hexdigest(), len(content), mode, link)


# Corrupt entries


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_damage_is_ever_restored(data: st.DataObject) -> None:
    """A file that was cut, lengthened or changed in any byte is told, removed, and never used."""
    with TemporaryDirectory() as folder:
        place = made(Path(folder))
        place.store()
        whole = place.file().read_bytes()
        at = data.draw(st.integers(0, len(whole) - 1))
        before, byte, after = whole[:at], whole[at], whole[at + 1 :]
        flipped = bytes([byte ^ data.draw(st.integers(1, 255))])
        damages = (
            before,
            before + flipped + after,
            before + after,
            before + b"\0" + whole[at:],
            before + bytes([byte ^ 1]) + bytes(len(after)),
            whole + before + b"x",
        )
        damaged = data.draw(st.sampled_from(damages))
        place.file().write_bytes(damaged)
        (place.root / "dist" / "main.js").write_bytes(b"mine")
        place.log.write_bytes(b"mine")
        cache = place.cache()
        found = cache.find(KEY)
        assert found is None or not cache.restore(found, str(place.root), str(place.log))
        assert (place.root / "dist" / "main.js").read_bytes() == b"mine"
        assert place.log.read_bytes() == b"mine"
        assert "is not used" in place.told[0]
        assert not place.file().exists()


def test_the_entry_of_another_key_is_not_used(place: Place) -> None:
    """A file that was copied to another key's name is not that key's entry."""
    place.store()
    place.file(OTHER).parent.mkdir()
    place.file(OTHER).write_bytes(place.file().read_bytes())
    assert place.cache().find(OTHER) is None
    assert "another key" in place.told[0]


def test_a_stream_cannot_unpack_to_more_than_it_promised() -> None:
    """What a stream holds beyond its promised size is refused, not written."""
    file = BytesIO()
    section, _ = entry.Writer(file).add(iter([bytes(10 * 2**20)]))
    promised = entry.Section(section.start, section.packed, 100)
    with pytest.raises(entry.Unfit):
        list(entry.unpacked(cast("BinaryIO", file), promised))


@settings(max_examples=100, deadline=None)
@given(
    chunks=st.lists(st.binary(max_size=200_000), max_size=6),
    zeros=st.integers(0, 3 * 2**20),
)
def test_streams_give_back_what_they_were_given(chunks: list[bytes], zeros: int) -> None:
    """Whatever is packed, in whatever chunks, is unpacked the same."""
    file, content = BytesIO(), [*chunks, bytes(zeros)]
    section, digest = entry.Writer(file).add(iter(content))
    back = b"".join(entry.unpacked(cast("BinaryIO", file), section))
    assert back == b"".join(content)
    assert digest == hashlib.sha256(back).hexdigest()


# Hostile entries


@pytest.mark.parametrize(
    "file",
    [
        plain("/etc/evil"),
        plain("../evil"),
        plain("dist/../../evil"),
        plain("dist//evil"),
        plain("./evil"),
        plain(""),
        plain("dist/\0evil"),
        plain(".git/hooks/pre-commit", mode=0o755),
        plain("packages/a/.GIT/config"),
        plain("dist/setuid", mode=0o4755),
        plain("dist/link", b"", 0, "/etc/passwd"),
        plain("dist/link", b"", 0, "../../evil"),
        plain("link", b"", 0, "dist/../.."),
    ],
)
def test_a_hostile_name_is_refused(place: Place, file: KeptFile) -> None:
    """A path or link out of the checkout, or into git, is told, and nothing at all is written."""
    before = sorted(place.folder.rglob("*"))
    forge(place, (plain("dist/first"), file), (b"evil", b"" if file.link else b"evil"))
    assert place.cache().find(KEY) is None
    forge(place, (plain("dist/first"), file), (b"evil", b"" if file.link else b"evil"))
    assert not place.restore()
    assert len(place.told) == 2
    place.file().unlink(missing_ok=True)
    assert [p for p in sorted(place.folder.rglob("*")) if "cache" not in p.parts] == before
    assert not Path("/etc/evil").exists()


def test_a_file_under_a_link_of_the_entry_is_refused(place: Place) -> None:
    """An entry cannot make a link and then write through it."""
    files = (plain("dist/a", b"", 0, "."), plain("dist/a/b"))
    forge(place, files, (b"", b"evil"))
    assert place.cache().find(KEY) is None
    assert "under a link" in place.told[0]


@pytest.mark.parametrize("leads", ["outside", "checkout/.git"])
def test_a_link_in_the_checkout_leads_nobody_astray(place: Place, leads: str) -> None:
    """Where a folder of the outputs is a link out of the checkout now, nothing is restored."""
    place.store()
    (place.folder / leads).mkdir()
    (place.root / "dist" / "main.js").unlink()
    (place.root / "dist").rmdir()
    (place.root / "dist").symlink_to(place.folder / leads)
    assert not place.restore()
    assert "leads out of the checkout" in place.told[0]
    assert list((place.folder / leads).iterdir()) == []


def test_links_that_lead_to_each_other_are_refused(place: Place) -> None:
    """A loop of links in the place of a folder is told, not followed."""
    place.store()
    (place.root / "dist" / "main.js").unlink()
    (place.root / "dist").rmdir()
    (place.root / "dist").symlink_to("dist")
    assert not place.restore()
    assert len(place.told) == 1


def test_a_folder_in_the_way_is_not_removed(place: Place) -> None:
    """Where a folder stands in a file's place, nothing is restored and the folder stays."""
    (place.root / "dist" / "other.js").write_bytes(b"1")
    place.store()
    (place.root / "dist" / "main.js").unlink()
    (place.root / "dist" / "main.js").mkdir()
    (place.root / "dist" / "other.js").write_bytes(b"2")
    assert not place.restore()
    assert "is a folder here" in place.told[0]
    assert (place.root / "dist" / "other.js").read_bytes() == b"2"


def test_a_file_in_the_way_of_a_folder_stays(place: Place) -> None:
    """Where a file stands in a folder's place, nothing is restored and nothing is left behind."""
    place.store()
    (place.root / "dist" / "main.js").unlink()
    (place.root / "dist").rmdir()
    (place.root / "dist").write_bytes(b"mine")
    assert not place.restore()
    assert len(place.told) == 1
    assert sorted(path.name for path in place.root.iterdir()) == ["dist"]


def test_a_link_in_a_files_place_is_replaced(place: Place) -> None:
    """The link becomes the file; what it led to is not written."""
    place.store()
    (place.folder / "outside").write_bytes(b"mine")
    (place.root / "dist" / "main.js").unlink()
    (place.root / "dist" / "main.js").symlink_to(place.folder / "outside")
    assert place.restore()
    assert not (place.root / "dist" / "main.js").is_symlink()
    assert (place.folder / "outside").read_bytes() == b"mine"


def test_equal_files_are_not_touched(place: Place) -> None:
    """A file with the entry's content and mode keeps its time and its identity."""
    place.store()
    before = (place.root / "dist" / "main.js").stat()
    assert place.restore()
    after = (place.root / "dist" / "main.js").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_nothing_is_left_aside(place: Place) -> None:
    """After restoring, only the outputs are in the checkout."""
    place.store()
    (place.root / "dist" / "main.js").unlink()
    assert place.restore()
    assert [path.name for path in place.root.rglob("*")] == ["dist", "main.js"]


# What is not kept


def test_a_link_out_of_the_checkout_is_not_kept(place: Place) -> None:
    """Outputs with a link that means something else elsewhere are told, and not kept."""
    (place.root / "dist" / "out").symlink_to("/etc")
    place.store()
    assert place.cache().find(KEY) is None
    assert "link out of the checkout" in place.told[0]


def test_a_pipe_is_not_kept(place: Place) -> None:
    """What is neither a file nor a link is told, and nobody waits for it."""
    os.mkfifo(place.root / "dist" / "pipe")
    place.store()
    assert place.cache().find(KEY) is None
    assert "neither a file nor a link" in place.told[0]


def test_too_large_outputs_are_told_once(place: Place) -> None:
    """More than 512 MiB is not kept, which is told once for each check and run."""
    with (place.root / "dist" / "large").open("wb") as file:
        file.truncate(513 * 2**20)  # sparse
    cache = place.cache()
    for _ in range(3):
        cache.store(kept(), str(place.root), ("dist",), str(place.log))
    assert place.told == ["its outputs are larger than 512 MiB"]
    assert cache.find(KEY) is None


def test_too_many_outputs_are_told(place: Place) -> None:
    """More than 20,000 files are not kept."""
    folder = os.open(place.root / "dist", os.O_RDONLY)
    for number in range(20_001):
        os.symlink("x", str(number), dir_fd=folder)
    os.close(folder)
    place.store()
    assert place.told == ["its outputs are more than 20000 files"]


def test_a_file_that_changes_while_it_is_read_is_not_kept(place: Place) -> None:
    """What a check's child still writes is not taken for a result."""
    (found,) = collect(place.root, ("dist",))
    (place.root / found.path).write_bytes(b"more")
    with pytest.raises(Refused, match="changed while it was read"):
        list(content(place.root, found))


# Crashes and full disks

STORING = """
import os, sys
from pathlib import Path
from shipway.adapters.clock import SystemClock
from shipway.adapters.step_cache.folder import FolderCache
from shipway.model.kept import Kept
folder = Path(sys.argv[1])
cache = FolderCache(folder / "cache", size=2**30, clock=SystemClock(), warn=print)
print("ready", flush=True)
number = 0
while True:
    number += 1
    text = str(number) * 50_000
    (folder / "checkout/dist/main.js").write_text(text)
    (folder / "checkout/dist/copy.js").write_text(text)
    (folder / "log").write_text(text[:10])
    kept = Kept(f"{number % 7:064}", "build", float(number), "r", 1.0, ())
    cache.store(kept, str(folder / "checkout"), ("dist",), str(folder / "log"))
"""


def test_killed_at_any_moment_every_entry_is_whole(place: Place, tmp_path: Path) -> None:
    """After each `kill -9` while storing, what is found restores whole and of one piece."""
    moments, read = random.Random(7), 0  # noqa: S311 - moments, not secrets
    for _ in range(16):
        with subprocess.Popen(
            [sys.executable, "-c", STORING, str(place.folder)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout
            process.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(moments.uniform(0.001, 0.12))
            process.send_signal(signal.SIGKILL)
        other = tmp_path / "other"
        for number in range(7):
            other.mkdir(exist_ok=True)
            cache = place.cache()
            found = cache.find(f"{number:064}")
            if found is not None:
                assert cache.restore(found, str(other), str(tmp_path / "replay"))
                text = str(int(found.seconds)) * 50_000
                assert (other / "dist/main.js").read_text() == text
                assert (other / "dist/copy.js").read_text() == text
                assert (tmp_path / "replay").read_text() == text[:10]
                read += 1
    assert place.told == []
    assert read > 15


LIMITED = """
import resource, sys
from pathlib import Path
from shipway.adapters.clock import SystemClock
from shipway.adapters.step_cache.folder import FolderCache
from shipway.model.kept import Kept
folder = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
cache = FolderCache(
    folder / "cache", size=2**30, clock=SystemClock(), warn=lambda about, text: print(text)
)
for key in ("ab" * 32, "cd" * 32):
    kept = Kept(key, "build", 3.0, "r", 1.0, ())
    cache.store(kept, str(folder / "checkout"), ("dist",), str(folder / "build.log"))
    print(cache.find(key))
"""


def test_no_room_is_told_once(place: Place) -> None:
    """Where a file cannot grow, nothing is kept, nothing is left, and the run goes on."""
    (place.root / "dist" / "noise").write_bytes(os.urandom(100_000))
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(place.folder)], stdout=subprocess.PIPE, check=True
    )
    assert done.stdout.decode().splitlines() == [
        "results are not kept: there is no room",
        "None",
        "None",
    ]
    assert [path for path in (place.folder / "cache").rglob("*") if path.is_file()] == []


def test_a_disk_that_is_full_is_told(place: Place) -> None:
    """On a file system without room nothing is kept, nothing is left, and the run goes on."""
    disk = place.folder / "cache"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "shipway-test", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs rights; the limit of file sizes is tested above")
    try:
        (place.root / "dist" / "noise").write_bytes(os.urandom(200_000))
        place.store()
        assert place.told == ["results are not kept: there is no room"]
        assert place.cache().find(KEY) is None
        assert [path for path in disk.rglob("*") if path.is_file()] == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_no_room_for_the_outputs_changes_nothing(place: Place) -> None:
    """Where restoring finds no room, the outputs are as they were, and the check has to run."""
    (place.root / "dist" / "noise").write_bytes(os.urandom(200_000))
    place.store()
    (place.root / "dist" / "noise").unlink()
    (place.root / "dist" / "main.js").write_bytes(b"mine")
    limited = LIMITED.replace("    cache.store(kept, ", "    print(cache.restore(kept, ").replace(
        '("dist",), str(folder / "build.log"))', 'str(folder / "again.log")))'
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, str(place.folder)], stdout=subprocess.PIPE, check=True
    )
    said = done.stdout.decode().splitlines()
    assert said[:2] == ["its outputs are not restored: there is no room", "False"]
    assert [path.name for path in place.root.rglob("*")] == ["dist", "main.js"]
    assert (place.root / "dist" / "main.js").read_bytes() == b"mine"


def test_a_folder_that_cannot_be_written_is_told_once(place: Place) -> None:
    """Where the cache's folder cannot be made, that is told once, and nothing is kept."""
    (place.folder / "cache").write_bytes(b"in the way")
    cache = place.cache()
    for key in (KEY, OTHER):
        cache.store(kept(key), str(place.root), ("dist",), str(place.log))
    cache.mark_in_place(KEY, str(place.root), ("dist",))
    assert not cache.in_place(KEY, str(place.root), ("dist",))
    cache.close(0)
    assert len(place.told) == 1
    assert "results are not kept" in place.told[0]


def test_a_vanished_entry_is_a_miss(place: Place) -> None:
    """An entry that another process drops between finding and restoring is quietly gone."""
    place.store()
    cache = place.cache()
    found = cache.find(KEY)
    assert found is not None
    place.file().unlink()
    assert not cache.restore(found, str(place.root), str(place.log))
    assert place.told == []


# Room


def aged(place: Place, key: str, hours: float) -> int:
    """Store an entry that was last used so many hours ago; return its size."""
    place.store(key)
    then = time.time() - hours * 3600
    os.utime(place.file(key), (then, then))
    return place.file(key).stat().st_size


def test_the_least_recently_used_is_dropped(place: Place) -> None:
    """When it grew too large, the entries that nobody used for longest go; a hit is a use."""
    size = aged(place, KEY, 3)
    aged(place, OTHER, 2)
    cache = place.cache(int(2.5 * size))
    assert cache.find(KEY) is not None
    cache.store(kept(THIRD), str(place.root), ("dist",), str(place.log))
    cache.close(0)
    there = [key for key in (KEY, OTHER, THIRD) if place.file(key).exists()]
    assert there == [KEY, THIRD]


def test_a_run_of_hits_drops_nothing(place: Place) -> None:
    """Where nothing was added nothing is counted, so that a full hit stays quick."""
    aged(place, KEY, 3)
    cache = place.cache(1)
    assert cache.find(KEY) is not None
    cache.close(0)
    assert place.file().exists()


def test_leftovers_of_the_killed_are_removed(place: Place) -> None:
    """Half-written files go after an hour; those that may still be written stay."""
    place.file().parent.mkdir(parents=True)
    left = place.file().with_name(f"{KEY}.0123.part")
    left.write_bytes(b"half")
    for later, there in ((0.5, True), (1.5, False)):
        cache = place.cache(hours_later=later)
        cache.store(kept(OTHER), str(place.root), ("dist",), str(place.log))
        cache.close(0)
        assert left.exists() is there
    assert place.file(OTHER).exists()


def test_leftovers_in_the_checkout_are_removed(place: Place) -> None:
    """What a killed process had put aside in a checkout goes when it is an hour old."""
    place.store()
    old, new = place.root / ".shipway-restoring-1", place.root / ".shipway-restoring-2"
    for folder in (old, new):
        folder.mkdir()
        (folder / "0").write_bytes(b"half")
    os.utime(old, (time.time() - 4000, time.time() - 4000))
    (place.root / "dist" / "main.js").unlink()
    assert place.restore()
    assert not old.exists()
    assert new.exists()


def test_two_at_once_are_safe(place: Place) -> None:
    """Threads that store, find, restore and drop in one folder never see half an entry."""
    others = [place.folder / f"other{number}" for number in range(4)]

    def work(other: Path) -> None:
        other.mkdir()
        for number in range(30):
            cache = place.cache(2000)
            key = f"{number % 5:064}"
            cache.store(kept(key), str(place.root), ("dist",), str(place.log))
            found = cache.find(key)
            if found is not None and cache.restore(found, str(other), str(other / "log")):
                assert (other / "dist/main.js").read_bytes() == b"console.log(1)\n" * 10
            cache.close(0)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, others))
    assert place.told == []


# In place


@pytest.fixture
def modules(place: Place) -> Path:
    """A node_modules of 300 packages, marked."""
    modules = place.root / "node_modules"
    for number in range(300):
        (modules / f"package-{number}").mkdir(parents=True)
    (modules / "@scope" / "inner").mkdir(parents=True)
    (modules / ".modules.yaml").write_text("layoutVersion: 5\n", encoding="utf-8")
    place.cache().mark_in_place(KEY, str(place.root), ("node_modules",))
    assert place.cache().in_place(KEY, str(place.root), ("node_modules",))
    return modules


def same_size_and_time(path: Path) -> None:
    """Change a file's content, and hide it as well as can be."""
    status = path.stat()
    path.write_text("layoutVersion: 6\n", encoding="utf-8")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        lambda modules: (modules / "new").mkdir(),
        lambda modules: (modules / "package-7").rmdir(),
        lambda modules: (modules / "package-7").rename(modules / "package-x"),
        lambda modules: (modules / "@scope" / "inner").rmdir(),
        lambda modules: (modules / "package-7" / "index.js").write_bytes(b""),
        lambda modules: same_size_and_time(modules / ".modules.yaml"),
        lambda modules: modules.rename(modules.with_name("moved")),
    ],
    ids=["added", "removed", "renamed", "scoped", "within", "record", "moved"],
)
def test_a_change_of_the_modules_is_seen(
    place: Place, modules: Path, change: Callable[[Path], object]
) -> None:
    """Whatever is added or removed in the modules, or in one of them, ends the mark."""
    change(modules)
    assert not place.cache().in_place(KEY, str(place.root), ("node_modules",))


def test_a_corrupt_stamp_is_no_mark(place: Place, modules: Path) -> None:
    """What cannot be read as a stamp says nothing."""
    assert modules.exists()
    for stamp in (place.folder / "cache" / "in-place").iterdir():
        stamp.write_bytes(b"\xff")
    assert not place.cache().in_place(KEY, str(place.root), ("node_modules",))


# Speed


def test_a_small_hit_is_quick(place: Place) -> None:
    """Finding and restoring a small entry that is in place takes a few milliseconds at most."""
    place.store()
    cache, taken = place.cache(), []
    for _ in range(20):
        since = time.perf_counter()
        found = cache.find(KEY)
        assert found is not None
        assert cache.restore(found, str(place.root), str(place.log))
        taken.append(time.perf_counter() - since)
    assert sorted(taken)[10] < 0.02


def test_a_hit_imports_nothing_heavy() -> None:
    """The local cache needs neither boto3 nor cryptography."""
    code = (
        "import sys, json, shipway.adapters.step_cache.folder, shipway.adapters.memory,"
        " shipway.checks.economy; print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    heavy = {"boto3", "botocore", "cryptography", "pydantic", "shutil", "statistics", "tarfile"}
    assert heavy.isdisjoint(json.loads(done.stdout))


# Files that stand there already


def settled(place: Place) -> FolderCache:
    """A cache that has restored an entry over the very same files, hours after they were made."""
    place.store()
    cache = place.cache(hours_later=1)
    assert cache.restore(kept(), str(place.root), str(place.log))
    return cache


def test_what_was_seen_in_place_is_not_read_again(place: Place) -> None:
    """Believed are the kernel's times: a forged note lets other bytes of that length pass."""
    cache = settled(place)
    main = place.root / "dist" / "main.js"
    changed = main.read_bytes()[::-1]
    main.write_bytes(changed)
    found = cache.find(KEY)
    assert found is not None
    Seen(place.notes, FakeClock(time.time() + 3600)).mark(KEY, str(place.root), found.files)
    assert cache.restore(kept(), str(place.root), str(place.log))
    assert main.read_bytes() == changed
    assert place.log.read_bytes() == b"built\n"


@pytest.mark.parametrize("change", ["content", "mode", "times kept", "gone", "linked"])
def test_what_was_changed_since_is_made_right_again(place: Place, change: str) -> None:
    """Whatever somebody did to a file of the entry, also with its old times put back."""
    cache = settled(place)
    main = place.root / "dist" / "main.js"
    before, whole = main.stat(), main.read_bytes()
    match change:
        case "content":
            main.write_bytes(whole[::-1])
        case "mode":
            main.chmod(0o600)
        case "times kept":
            main.write_bytes(whole[::-1])
            os.utime(main, ns=(before.st_atime_ns, before.st_mtime_ns))
        case "gone":
            main.unlink()
        case _:
            main.rename(place.root / "elsewhere.js")
            main.symlink_to("../elsewhere.js")
    assert cache.restore(kept(), str(place.root), str(place.log))
    assert not main.is_symlink()
    assert main.read_bytes() == whole
    assert main.stat().st_mode == before.st_mode


def test_what_was_written_just_now_is_read_each_time(place: Place) -> None:
    """Within one step of a file system's clock another write would leave the same times."""
    place.store()
    assert place.restore()
    assert not place.notes.exists()


def test_notes_of_long_ago_are_dropped(place: Place) -> None:
    """With the entries that nobody uses any more."""
    settled(place)
    assert list(place.notes.iterdir())
    later = place.cache(hours_later=24 * 40)
    later.store(kept(OTHER), str(place.root), ("dist",), str(place.log))
    later.close(0)
    assert not list(place.notes.iterdir())
