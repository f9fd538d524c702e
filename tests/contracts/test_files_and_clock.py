"""`ports.Files` and `ports.Clock`, on the fakes and on this machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from shipway.adapters.clock import SystemClock
from shipway.adapters.files import DiskFiles
from shipway.errors import DiskIsFull
from shipway.ports import Clock, Files
from shipway.testing.fakes import FakeClock, FakeFiles, Misuse


@pytest.fixture(params=[DiskFiles, FakeFiles])
def files(request: pytest.FixtureRequest) -> Files:
    """Both kinds of files."""
    made: Files = request.param()
    return made


@pytest.fixture(params=[SystemClock, FakeClock])
def clock(request: pytest.FixtureRequest) -> Clock:
    """Both kinds of clock."""
    made: Clock = request.param()
    return made


def test_a_file_that_is_not_there_is_none(files: Files, tmp_path: Path) -> None:
    """Absence is a fact, not an error."""
    assert files.read(str(tmp_path / "nothing")) is None


def test_lines_are_added_in_order(files: Files, tmp_path: Path) -> None:
    """Adding a line makes the folder and the file, and keeps what was there."""
    path = str(tmp_path / "deep" / "er" / "log")
    files.append(path, "one")
    files.append(path, "zwei, ü")
    assert files.read(path) == "one\nzwei, ü\n"


def test_removing_is_repeatable(files: Files, tmp_path: Path) -> None:
    """A removed file is gone; removing nothing is fine."""
    path = str(tmp_path / "log")
    files.append(path, "one")
    files.remove(path)
    files.remove(path)
    assert files.read(path) is None


def test_nothing_is_below_a_file(files: Files, tmp_path: Path) -> None:
    """A path that leads through a file names nothing: it reads as None and removes as gone."""
    files.append(str(tmp_path / "log"), "one")
    below = str(tmp_path / "log" / "more")
    files.remove(below)
    assert files.read(below) is None


def test_a_whole_file_is_written_over(files: Files, tmp_path: Path) -> None:
    """Writing a file makes its folder, and leaves nothing of what was there before."""
    path = str(tmp_path / "deep" / "er" / "run.json")
    files.write(path, "a long first text")
    files.write(path, "zwei, ü\n")
    assert files.read(path) == "zwei, ü\n"


def test_a_log_begins_anew_and_grows(files: Files, tmp_path: Path) -> None:
    """A log forgets what its file held, and keeps all that is added, cut wherever it was."""
    path = str(tmp_path / "deep" / "log")
    files.append(path, "an older run")
    log = files.open_log(path)
    log.write(b"zw" + "ü".encode()[:1])
    log.write("ü".encode()[1:] + b"\n")
    log.close()
    log.close()
    assert files.read(path) == "zwü\n"


def test_a_log_is_read_while_it_grows(files: Files, tmp_path: Path) -> None:
    """What was added to a log can be read before it is closed."""
    path = str(tmp_path / "log")
    log = files.open_log(path)
    log.write(b"so far")
    assert files.read(path) == "so far"
    log.close()


def test_files_and_folders_exist(files: Files, tmp_path: Path) -> None:
    """A file exists, and so does its folder; what is beside it does not."""
    files.write(str(tmp_path / "folder" / "file"), "")
    assert files.exists(str(tmp_path / "folder" / "file"))
    assert files.exists(str(tmp_path / "folder"))
    assert not files.exists(str(tmp_path / "fold"))


def test_readers_see_a_whole_file(tmp_path: Path) -> None:
    """While a file is written again and again, whoever reads it sees one of its texts, complete."""
    path, texts = str(tmp_path / "run.json"), ("a" * 300_000, "b" * 300_000)
    files = DiskFiles()
    files.write(path, texts[0])

    def write() -> None:
        for turn in range(200):
            files.write(path, texts[turn % 2])

    writer = Thread(target=write)
    writer.start()
    seen = [files.read(path)]
    while writer.is_alive():
        seen.append(files.read(path))
    writer.join()
    assert set(seen) <= set(texts)
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_a_full_disk_is_told_while_a_log_grows(tmp_path: Path) -> None:
    """When there is no room for a log, that is told with the file and a way out."""
    (tmp_path / "log").symlink_to("/dev/full")
    log = DiskFiles().open_log(str(tmp_path / "log"))
    with pytest.raises(DiskIsFull, match="no space left") as caught:
        log.write(b"x")
    log.close()
    assert caught.value.where == str(tmp_path / "log")
    assert caught.value.hint


def test_a_full_disk_is_told_when_a_line_is_added(tmp_path: Path) -> None:
    """When there is no room for a line, that is told too."""
    (tmp_path / "log").symlink_to("/dev/full")
    with pytest.raises(DiskIsFull):
        DiskFiles().append(str(tmp_path / "log"), "one")


def test_what_does_not_fit_leaves_the_old_file(tmp_path: Path) -> None:
    """A file that does not fit is told, and what was there before stays, with nothing beside it."""
    program = (
        "import resource, sys\n"
        "from shipway.adapters.files import DiskFiles\n"
        "from shipway.errors import DiskIsFull\n"
        "DiskFiles().write('run.json', 'old')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: DiskFiles().write('run.json', 'x' * 100_000)\n"
        "except DiskIsFull as problem: sys.exit(problem.where != 'run.json')\n"
        "sys.exit(2)\n"
    )
    done = subprocess.run((sys.executable, "-c", program), cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert {f.name: f.read_text(encoding="utf-8") for f in tmp_path.iterdir()} == {
        "run.json": "old"
    }


def test_a_file_that_may_not_be_written_is_no_full_disk(tmp_path: Path) -> None:
    """Only a lack of room is told as one."""
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        DiskFiles().open_log(str(tmp_path / "file" / "log"))


def test_the_fake_fills_up_too(tmp_path: Path) -> None:
    """While its disk is full, the fake refuses every way of writing."""
    files = FakeFiles()
    path = str(tmp_path / "log")
    log = files.open_log(path)
    files.full = True
    with pytest.raises(DiskIsFull):
        log.write(b"x")
    with pytest.raises(DiskIsFull):
        files.append(path, "x")
    assert files.read(path) == ""


def test_the_fake_complains_about_a_closed_log() -> None:
    """Adding to a log that was closed is a fault of the caller."""
    log = FakeFiles().open_log("log")
    log.close()
    with pytest.raises(Misuse):
        log.write(b"x")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A folder has no text."""
    assert DiskFiles().read(str(tmp_path)) is None


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    """A file in another encoding is read as far as it goes."""
    (tmp_path / "log").write_bytes(b"a\xffb")
    assert DiskFiles().read(str(tmp_path / "log")) == "a\ufffdb"


def test_waiting_lets_time_pass(clock: Clock) -> None:
    """After a wait both times have moved by at least as much."""
    now, since = clock.now(), clock.monotonic()
    clock.wait(0.02)
    assert clock.monotonic() - since >= 0.019
    assert clock.now() > now > 1_600_000_000


def test_the_fake_does_not_wait_backwards() -> None:
    """A negative wait is a fault of the caller."""
    with pytest.raises(Misuse):
        FakeClock().wait(-1)
