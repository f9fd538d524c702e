"""The ledger on one machine: SQLite, append-only, each entry chained to the one before it.

Triggers refuse to change or delete what was written; the chain of hashes shows it when somebody
went around them.
"""

from __future__ import annotations

import errno
import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

from shipway.errors import DiskIsFull, ShipwayError, WrongUsage
from shipway.events.codec import decode_history, encode_event
from shipway.events.types import Entry

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    service TEXT NOT NULL,
    run TEXT NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX IF NOT EXISTS entries_of_service ON entries (service, seq);
CREATE TRIGGER IF NOT EXISTS entries_never_change BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS entries_never_go BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""
_NEWEST = "SELECT hash FROM entries ORDER BY seq DESC LIMIT 1"
_GENESIS = "0" * 64
_BUSY_S = 10.0


class SqliteLedger:
    """`ports.LedgerStore` in one file; several processes may use it at once."""

    def __init__(self, path: str) -> None:
        self._path = path

    def append(self, entry: Entry) -> None:
        """Add a history entry durably before returning."""
        body = encode_event(entry.event)
        kind, version = type(entry.event).__name__, type(entry.event).version
        try:
            with closing(self._open()) as database, database:
                database.execute("BEGIN IMMEDIATE")
                last = database.execute(_NEWEST).fetchone()
                previous = str(last[0]) if last else _GENESIS
                row = (float(entry.at), entry.service, entry.run, kind, version, body, previous)
                database.execute(
                    "INSERT INTO entries (at, service, run, kind, version, body, previous, hash)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (*row, _link(row)),
                )
        except sqlite3.OperationalError as problem:
            raise _translated(problem, self._path) from problem

    def entries(self, service: str) -> Iterator[Entry]:
        """Return the history of a service in the order of writing."""
        if not Path(self._path).exists():
            return
        with closing(self._open()) as database:
            rows = database.execute(
                "SELECT at, service, run, kind, body FROM entries WHERE service = ? ORDER BY seq",
                (service,),
            ).fetchall()
        for at, name, run, kind, body in rows:
            try:
                event = decode_history(str(kind), str(body))
            except (TypeError, ValueError) as problem:
                raise WrongUsage(
                    f"an entry of the ledger cannot be read: {kind} of run {run}: {problem}",
                    where=self._path,
                    hint="was it written by a newer Shipway? then use that one",
                ) from problem
            if event is not None:
                yield Entry(float(at), str(name), str(run), event)

    def broken_at(self) -> int | None:
        """Return the number of the first entry that does not follow from the one before it."""
        previous = _GENESIS
        with closing(self._open()) as database:
            rows = database.execute(
                "SELECT at, service, run, kind, version, body, previous, hash, seq FROM entries"
                " ORDER BY seq"
            )
            for *row, written, seq in rows:
                if row[6] != previous or _link(cast("tuple[object, ...]", tuple(row))) != written:
                    return int(seq)
                previous = str(written)
        return None

    def _open(self) -> sqlite3.Connection:
        Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        try:
            database = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.executescript(_SCHEMA)
        except (sqlite3.DatabaseError, OSError) as problem:
            raise _translated(problem, self._path) from problem
        return database


def _translated(problem: sqlite3.DatabaseError | OSError, path: str) -> ShipwayError:
    """Tell a disk without room, which may have some later, from a file that is no ledger.

    Where the disk is full, SQLite may say of its own files no more than "disk I/O error".
    """
    full = getattr(problem, "sqlite_errorname", "").startswith(("SQLITE_FULL", "SQLITE_IOERR"))
    if full or getattr(problem, "errno", None) in {errno.ENOSPC, errno.EDQUOT}:
        said = f"the ledger cannot be written: {problem}"
        return DiskIsFull(said, where=path, hint="make room on that disk, then run this again")
    return WrongUsage(
        f"the ledger cannot be used: {problem}",
        where=path,
        hint="is the file a Shipway ledger, and may you write beside it?",
    )


def _link(row: tuple[object, ...]) -> str:
    text = "\x1f".join(str(part) for part in row)
    return hashlib.sha256(text.encode()).hexdigest()
