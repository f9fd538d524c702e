"""`ports.LedgerStore`, in memory and in SQLite; what only the disk can break is broken there."""

from __future__ import annotations

import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from shipway.adapters.ledger_sqlite import SqliteLedger
from shipway.errors import WrongUsage
from shipway.events.types import Entry, GateAnswered, RunStarted
from shipway.ports import LedgerStore
from shipway.testing.builders import an_entry
from shipway.testing.fakes import MemoryLedger
from tests.contracts.processes import PYTHON, number_in

WRITER = """
import sys
from shipway.adapters.ledger_sqlite import SqliteLedger
from shipway.events.types import Entry, RunStarted
ledger = SqliteLedger(sys.argv[1])
for n in range(int(sys.argv[3])):
    ledger.append(Entry(float(n), "sender", sys.argv[2], RunStarted(str(n), "a", "")))
    if n == 3:
        open(sys.argv[2], "w").write("4\\n")
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger is."""
    return tmp_path / "state" / "ledger.sqlite"


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, path: Path) -> LedgerStore:
    """Both kinds of store."""
    return SqliteLedger(str(path)) if request.param == "sqlite" else MemoryLedger()


def said(word: str, *, service: str = "sender", at: float = 1.25) -> Entry:
    """An entry that is told from others by its word."""
    return Entry(at, service, "run-1", RunStarted(word, "ä", ""))


def tampered(path: Path, *statements: str) -> None:
    """Go around the triggers, as somebody with the file in hand can."""
    with closing(sqlite3.connect(path)) as database, database:
        for statement in ("DROP TRIGGER entries_never_change", "DROP TRIGGER entries_never_go"):
            database.execute(statement)
        for statement in statements:
            database.execute(statement)


def test_nothing_was_written_yet(store: LedgerStore) -> None:
    """A new store is empty."""
    assert list(store.entries("sender")) == []


def test_entries_come_back_in_order(store: LedgerStore) -> None:
    """What was written comes back the same, in the order of writing and not of time."""
    entries = [said("b", at=9.0), said("a", at=1.5), an_entry(GateAnswered("p", "r", True, ("x",)))]  # noqa: FBT003 - the event's own field
    for entry in entries:
        store.append(entry)
    assert list(store.entries("sender")) == entries


def test_services_do_not_see_each_other(store: LedgerStore) -> None:
    """A service's history holds its own entries only."""
    store.append(said("mine"))
    store.append(said("theirs", service="other"))
    assert list(store.entries("other")) == [said("theirs", service="other")]


def test_it_outlives_its_process(path: Path) -> None:
    """What was written is there for whoever opens the file next."""
    SqliteLedger(str(path)).append(said("kept"))
    assert list(SqliteLedger(str(path)).entries("sender")) == [said("kept")]


def test_a_kind_of_a_newer_version_is_left_out(path: Path) -> None:
    """An entry that this version does not know hides no other."""
    ledger = SqliteLedger(str(path))
    ledger.append(said("one"))
    ledger.append(said("two"))
    tampered(path, "UPDATE entries SET kind = 'MoonLanded' WHERE seq = 1")
    assert list(ledger.entries("sender")) == [said("two")]


@pytest.mark.parametrize("statement", ["UPDATE entries SET run = 'x'", "DELETE FROM entries"])
def test_it_only_grows(path: Path, statement: str) -> None:
    """The database itself refuses to change or delete what was written."""
    SqliteLedger(str(path)).append(said("one"))
    with (
        closing(sqlite3.connect(path)) as database,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        database.execute(statement)


def test_an_unbroken_chain_is_whole(path: Path) -> None:
    """Entries as they were written follow from each other."""
    ledger = SqliteLedger(str(path))
    for word in "abc":
        ledger.append(said(word))
    assert ledger.broken_at() is None


def test_a_time_in_whole_seconds_breaks_nothing(path: Path) -> None:
    """An entry whose time is a whole number is as good as any."""
    ledger = SqliteLedger(str(path))
    ledger.append(said("one", at=5))
    assert ledger.broken_at() is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET body = replace(body, 'b', 'x') WHERE seq = 2",
        "UPDATE entries SET at = at + 1 WHERE seq = 2",
        "UPDATE entries SET run = 'other' WHERE seq = 2",
    ],
)
def test_a_changed_entry_is_found(path: Path, statement: str) -> None:
    """Whoever changes an entry breaks the chain there."""
    ledger = SqliteLedger(str(path))
    for word in "abc":
        ledger.append(said(word))
    tampered(path, statement)
    assert ledger.broken_at() == 2


def test_a_missing_entry_is_found(path: Path) -> None:
    """Whoever takes an entry out breaks the chain at the next one."""
    ledger = SqliteLedger(str(path))
    for word in "abc":
        ledger.append(said(word))
    tampered(path, "DELETE FROM entries WHERE seq = 2")
    assert ledger.broken_at() == 3


def test_two_processes_write_one_chain(path: Path, tmp_path: Path) -> None:
    """Writers at the same time wait for each other, from the first entry on, and lose nothing."""
    command = (PYTHON, "-c", WRITER, str(path))
    runs = [str(tmp_path / "one"), str(tmp_path / "two")]
    writers = [subprocess.Popen((*command, run, "40")) for run in runs]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    ledger = SqliteLedger(str(path))
    entries = list(ledger.entries("sender"))
    assert len(entries) == 80
    for run in runs:
        assert [e.at for e in entries if e.run == run] == [float(n) for n in range(40)]
    assert ledger.broken_at() is None


def test_it_writes_ahead(path: Path) -> None:
    """The write-ahead log is on, so that readers never wait for a writer."""
    SqliteLedger(str(path)).append(said("one"))
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_kill_while_writing_leaves_a_whole_chain(path: Path, tmp_path: Path) -> None:
    """Kill -9 in the middle of writing loses no entry that was reported, and breaks nothing."""
    run = tmp_path / "killed"
    with subprocess.Popen((PYTHON, "-c", WRITER, str(path), str(run), "100000")) as writer:
        at_least = number_in(run)
        writer.kill()
    ledger = SqliteLedger(str(path))
    assert len(list(ledger.entries("sender"))) >= at_least
    ledger.append(said("after"))
    assert ledger.broken_at() is None


def test_a_file_that_is_no_ledger_is_told(path: Path) -> None:
    """Another file in its place is wrong usage, with the path."""
    path.parent.mkdir()
    path.write_text("this is no database, but long enough to be taken for one " * 20)
    with pytest.raises(WrongUsage) as found:
        SqliteLedger(str(path)).append(said("one"))
    assert found.value.where == str(path)


def test_one_that_writes_on_sees_another_file_in_its_place(path: Path, tmp_path: Path) -> None:
    """Nothing is written into a file that nobody can find any more."""
    ledger = SqliteLedger(str(path))
    ledger.append(said("old"))
    for file in path.parent.glob(f"{path.name}*"):
        file.rename(tmp_path / file.name)
    ledger.append(said("new"))
    assert list(SqliteLedger(str(path)).entries("sender")) == [said("new")]
    assert list(SqliteLedger(str(tmp_path / path.name)).entries("sender")) == [said("old")]


def test_threads_write_one_chain(path: Path) -> None:
    """Threads of one process share what is open, and lose nothing."""
    ledger = SqliteLedger(str(path))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: ledger.append(said(f"{number}")), range(80)))
    assert len(list(ledger.entries("sender"))) == 80
    assert ledger.broken_at() is None


def test_it_goes_on_after_it_could_not_write(path: Path) -> None:
    """A table that is locked for too long, or gone, fails one entry and not those after it."""
    ledger = SqliteLedger(str(path))
    ledger.append(said("one"))
    with closing(sqlite3.connect(path)) as database:
        database.execute("ALTER TABLE entries RENAME TO hidden")
        with pytest.raises(WrongUsage):
            ledger.append(said("two"))
        database.execute("DROP TABLE IF EXISTS entries")
        database.execute("ALTER TABLE hidden RENAME TO entries")
    ledger.append(said("three"))
    assert list(ledger.entries("sender")) == [said("one"), said("three")]
