"""`ports.Files` and `ports.Clock`, on the fakes and on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.adapters.clock import SystemClock
from shipway.adapters.files import DiskFiles
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
