"""The ledger on one machine: SQLite, append-only, each entry chained to the one before it.

Triggers refuse to change or delete what was written; the chain of hashes shows it when somebody
went around them.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import NamedTuple, cast

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


class _Kept(NamedTuple):
    """What is open for appending: on which file, and what closes it."""

    database: sqlite3.Connection
    closer: Callable[[], object]
    file: tuple[int, int] | None


class SqliteLedger:
    """`ports.LedgerStore` in one file; several processes and threads may use it at once.

    What appends stays open until this is dropped: opening and closing cost more than writing.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = Lock()
        self._kept: _Kept | None = None

    def append(self, entry: Entry) -> None:
        """Add a history entry durably before returning."""
        body = encode_event(entry.event)
        kind, version = type(entry.event).__name__, type(entry.event).version
        fields = (float(entry.at), entry.service, entry.run, kind, version, body)
        with self._lock:
            try:
                _add(self._writing(), fields)
            except sqlite3.OperationalError as problem:
                self._drop()
                raise _translated(problem, self._path) from problem
            except BaseException:  # a signal, say, between two statements
                self._drop()
                raise

    def _writing(self) -> sqlite3.Connection:
        """Return what is open, unless somebody has put another file, or none, in its place."""
        if self._kept and self._kept.file != _identity(self._path):
            self._drop()
        if self._kept is None:
            database = self._open(shared=True)
            # by name, since an interpreter that ends closes no database without a complaint
            closer = weakref.finalize(self, database.close)
            self._kept = _Kept(database, closer, _identity(self._path))
        return self._kept.database

    def _drop(self) -> None:
        if self._kept:
            self._kept.closer()
            self._kept = None

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

    def _open(self, *, shared: bool = False) -> sqlite3.Connection:
        Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        try:
            database = sqlite3.connect(
                self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=not shared
            )
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.executescript(_SCHEMA)
        except (sqlite3.DatabaseError, OSError) as problem:
            raise _translated(problem, self._path) from problem
        return database


def _add(database: sqlite3.Connection, fields: tuple[object, ...]) -> None:
    with database:
        database.execute("BEGIN IMMEDIATE")
        last = database.execute(_NEWEST).fetchone()
        row = (*fields, str(last[0]) if last else _GENESIS)
        database.execute(
            "INSERT INTO entries (at, service, run, kind, version, body, previous, hash)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, _link(row)),
        )


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - a text, and asked before each entry
    except OSError:
        return None
    return status.st_dev, status.st_ino


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
