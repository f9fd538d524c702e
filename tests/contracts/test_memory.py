"""`ports.Memory`, on the fake and in a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shipway.adapters.memory import FileMemory
from shipway.model.kept import Past
from shipway.ports import Memory
from shipway.testing.step_cache import FakeMemory

MAKERS: dict[str, Callable[[Path], Memory]] = {
    "fake": lambda _: FakeMemory(),
    "file": lambda folder: FileMemory(folder, "sender"),
}


@pytest.fixture(params=sorted(MAKERS))
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Memory:
    """Both kinds of memory, empty."""
    return MAKERS[request.param](tmp_path / "memory")


def test_nothing_is_remembered_at_first(memory: Memory) -> None:
    """A check that never ran has no past."""
    assert memory.recall("lint") == Past()


def test_runs_are_remembered_in_order(memory: Memory) -> None:
    """Each check has its own runs, newest last, each with its outcome."""
    memory.remember("lint", "passed", 2.5)
    memory.remember("unit", "failed", 9.0)
    memory.remember("lint", "failed", 1.0)
    assert memory.recall("lint") == Past((2.5, 1.0), ("passed", "failed"))
    assert memory.recall("unit") == Past((9.0,), ("failed",))


def test_only_the_last_twenty_are_remembered(memory: Memory) -> None:
    """Older runs, and older restores, are forgotten."""
    for number in range(25):
        memory.remember("lint", "passed", float(number))
        memory.remember_restore(number, 1.0, remote=False)
    past = memory.recall("lint")
    assert past.seconds == tuple(map(float, range(5, 25)))
    assert past.restored == tuple((number, 1.0) for number in range(5, 25))


def test_restores_are_remembered_by_where_from(memory: Memory) -> None:
    """What restoring takes from here and from the team's cache are different histories."""
    memory.remember_restore(1000, 0.1, remote=False)
    memory.remember_restore(2000, 5.0, remote=True)
    assert memory.recall("lint").restored == ((1000, 0.1),)
    assert memory.recall("lint", remote=True).restored == ((2000, 5.0),)


def test_another_process_remembers_too(tmp_path: Path) -> None:
    """What one process has remembered the next one recalls, for the same service only."""
    FileMemory(tmp_path, "sender").remember("lint", "passed", 2.0)
    assert FileMemory(tmp_path, "sender").recall("lint") == Past((2.0,), ("passed",))
    assert FileMemory(tmp_path, "other").recall("lint") == Past()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\x00",
        b"[]",
        b"null",
        b'{"form": 1}',
        b'{"form": 2, "rows": {}}',
        b'{"form": 1, "rows": {"check lint": 3}}',
        b'{"form": 1, "rows": {"check lint": [[1]]}}',
        b'{"form": 1, "rows": {"check lint": [["x", "passed"]]}}',
        b'{"form": 1, "rows": {"restores local": [[1, null]]}}',
        b"[" * 100_000,
    ],
)
def test_a_corrupt_file_is_an_empty_memory(tmp_path: Path, text: bytes) -> None:
    """What cannot be read is forgotten, and remembering goes on from there."""
    (tmp_path / "sender.json").write_bytes(text)
    memory = FileMemory(tmp_path, "sender")
    assert memory.recall("lint") == Past()
    memory.remember("lint", "passed", 1.0)
    assert memory.recall("lint") == Past((1.0,), ("passed",))


def test_what_cannot_be_written_is_not_remembered(tmp_path: Path) -> None:
    """A folder that cannot be made costs the memory, not the run."""
    (tmp_path / "file").write_bytes(b"")
    memory = FileMemory(tmp_path / "file" / "memory", "sender")
    memory.remember("lint", "passed", 1.0)
    memory.remember_restore(1, 1.0, remote=True)
    assert memory.recall("lint") == Past()


def test_a_service_cannot_name_a_file_elsewhere(tmp_path: Path) -> None:
    """Whatever a service is called, its file lies in the folder."""
    FileMemory(tmp_path / "memory", "../outside").remember("lint", "passed", 1.0)
    assert [path.parent for path in tmp_path.rglob("*.json")] == [tmp_path / "memory"]


def test_writers_at_once_leave_a_whole_file(tmp_path: Path) -> None:
    """Of several writers at once some may be forgotten, but the file is always whole."""

    def write(number: int) -> None:
        FileMemory(tmp_path, "sender").remember(f"check{number}", "passed", 1.0)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    assert json.loads((tmp_path / "sender.json").read_bytes())["rows"]
    assert [path.name for path in tmp_path.iterdir()] == ["sender.json"]
