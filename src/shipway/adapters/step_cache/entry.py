"""The form of one entry: what it holds, as bytes, and how to tell whether they are whole.

It refuses to know where entries lie. An entry is

    body       the log, then each file, one zlib stream after another
    manifest   one line of JSON: what was kept, the lengths of the streams, SHA-256 of the body
    trailer    one line of fixed length: form, length and SHA-256 of the manifest

The manifest stands behind the body, so that one pass writes it; the trailer comes last, so that a
file which was cut short has none.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Final

from shipway.model.kept import Kept, KeptFile
from shipway.model.lazy import dataclass

CHUNK: Final = 2**20
_PACKED_CHUNK: Final = 2**15  # unpacks to at most 33 MB, a thousand times as much
MAX_BYTES: Final = 512 * 2**20
MAX_FILES: Final = 20_000
MAX_MANIFEST: Final = 16 * 2**20
_FORM: Final = "shipway-step 1"
_TRAILER_LENGTH: Final = len(f"{_FORM} {0:010d} {'':64}\n")


class Unfit(Exception):
    """These bytes are no whole entry, or not the one asked for; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Section:
    """One zlib stream of the body: where it begins, its length, and that of its content."""

    start: int
    packed: int
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an entry holds; `files` are the streams of `kept.files`, in order.

    A link has an empty stream.
    """

    kept: Kept
    log: Section
    files: tuple[Section, ...]
    body_size: int
    body_sha256: str


def encoded(manifest: Manifest) -> bytes:
    """Return the manifest's line."""
    kept = manifest.kept
    rows = [
        [f.path, f.sha256, f.size, f.mode, f.link, s.packed]
        for f, s in zip(kept.files, manifest.files, strict=True)
    ]
    fields = {
        "key": kept.key,
        "check": kept.check,
        "seconds": kept.seconds,
        "run": kept.run,
        "at": kept.at,
        "log": [manifest.log.packed, manifest.log.size],
        "body": [manifest.body_size, manifest.body_sha256],
        "files": rows,
    }
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def decoded(line: bytes, key: str) -> Manifest:
    """Return what a manifest's line says.

    Raises:
        Unfit: it is none, it is another key's, or its parts do not add up.
    """
    try:
        manifest = _parsed(line)
    except (ValueError, TypeError, KeyError, RecursionError) as wrong:
        raise Unfit("its manifest cannot be read") from wrong
    if manifest.kept.key != key:
        raise Unfit(f"it is the entry of another key, {manifest.kept.key:.12}")
    last = manifest.files[-1] if manifest.files else manifest.log
    if last.start + last.packed != manifest.body_size:
        raise Unfit("its parts do not add up")
    if len(manifest.files) > MAX_FILES or sum(f.size for f in manifest.kept.files) > MAX_BYTES:
        raise Unfit("it is larger than any entry that is kept")
    return manifest


def _parsed(line: bytes) -> Manifest:
    found = json.loads(line)
    packed, size = map(_natural, found["log"])
    log = Section(0, packed, size)
    end, files, sections = packed, [], []
    for path, sha256, raw, mode, link, length in found["files"]:
        file = KeptFile(str(path), str(sha256), _natural(raw), _natural(mode), str(link))
        files.append(file)
        sections.append(Section(end, _natural(length), file.size))
        end += length
    kept = Kept(
        key=str(found["key"]),
        check=str(found["check"]),
        seconds=float(found["seconds"]),
        run=str(found["run"]),
        at=float(found["at"]),
        files=tuple(files),
        size=_natural(found["body"][0]) + len(line) + _TRAILER_LENGTH,
    )
    return Manifest(kept, log, tuple(sections), _natural(found["body"][0]), str(found["body"][1]))


def _natural(found: object) -> int:
    if type(found) is not int or found < 0:
        raise ValueError(found)
    return found


def trailer(line: bytes) -> bytes:
    """Return what ends an entry with this manifest."""
    return f"{_FORM} {len(line):010d} {hashlib.sha256(line).hexdigest()}\n".encode()


def read_manifest(file: BinaryIO, key: str) -> tuple[Manifest, bytes]:
    """Return what an entry's file holds, as read and as it is written; the body is not looked at.

    Raises:
        Unfit: the file is not a whole entry of that key.
    """
    size = os.fstat(file.fileno()).st_size
    start = max(0, size - 4096)  # most manifests are short: one read for both lines
    file.seek(start)
    tail = file.read(size - start)
    line_length = _length(tail[-_TRAILER_LENGTH:])
    if line_length > size:
        raise Unfit("it was cut short")
    wanted = line_length + _TRAILER_LENGTH
    if wanted > len(tail):
        file.seek(size - wanted)
        tail = file.read(wanted)
    line = tail[-wanted:-_TRAILER_LENGTH]
    if trailer(line) != tail[-_TRAILER_LENGTH:]:
        raise Unfit("its manifest was changed")
    manifest = decoded(line, key)
    if manifest.kept.size != size:
        raise Unfit("its length is not the one that was written")
    return manifest, line


def _length(found: bytes) -> int:
    fields = found.split(b" ")
    if len(found) != _TRAILER_LENGTH or not found.startswith(f"{_FORM} ".encode()):
        raise Unfit("it was cut short, or it is no entry")
    if not fields[2].isdigit() or int(fields[2]) > MAX_MANIFEST:
        raise Unfit("its last line makes no sense")
    return int(fields[2])


def verify_body(file: BinaryIO, manifest: Manifest) -> None:
    """Read the whole body.

    Raises:
        Unfit: it is not the one that was written.
    """
    digest = hashlib.sha256()
    for chunk in pieces(file, 0, manifest.body_size):
        digest.update(chunk)
    if digest.hexdigest() != manifest.body_sha256:
        raise Unfit("its content was changed")


def pieces(file: BinaryIO, start: int, length: int, most: int = CHUNK) -> Iterator[bytes]:
    """Return that part of a file in chunks; fewer bytes where it ends before."""
    file.seek(start)
    while length and (chunk := file.read(min(most, length))):
        length -= len(chunk)
        yield chunk


def unpacked(file: BinaryIO, section: Section) -> Iterator[bytes]:
    """Return a stream's content in chunks, never more than was promised.

    Raises:
        Unfit: it is less, more, or no such stream.
    """
    left, stream = section.size, zlib.decompressobj()
    try:
        for chunk in pieces(file, section.start, section.packed, _PACKED_CHUNK):
            out = stream.decompress(chunk)
            left -= len(out)
            if left < 0:
                raise Unfit("it unpacks to more than it promised")
            yield out
    except zlib.error as wrong:
        raise Unfit("it cannot be unpacked") from wrong
    if left or (section.packed and not stream.eof):
        raise Unfit("it unpacks to less than it promised")


class Writer:
    """Writes one entry in one pass: the log first, then each file, then `finish`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._end = 0

    def add(self, content: Iterator[bytes]) -> tuple[Section, str]:
        """Append a stream; return where it lies, and the SHA-256 of its content."""
        raw, size, start = hashlib.sha256(), 0, self._end
        stream = zlib.compressobj(1)
        for chunk in content:
            raw.update(chunk)
            size += len(chunk)
            self._write(stream.compress(chunk))
        self._write(stream.flush())
        return Section(start, self._end - start, size), raw.hexdigest()

    def empty(self) -> Section:
        """Return the stream of what has no content."""
        return Section(self._end, 0, 0)

    def finish(
        self, kept: Kept, log: Section, files: tuple[Section, ...]
    ) -> tuple[Manifest, bytes]:
        """Append manifest and trailer; return the manifest, as meant and as its line."""
        kept = replace(kept, size=0, remote=False)
        manifest = Manifest(kept, log, files, self._end, self._digest.hexdigest())
        line = encoded(manifest)
        if len(line) > MAX_MANIFEST:
            raise Unfit("the names of its files are too long")
        self._file.write(line + trailer(line))
        return manifest, line

    def _write(self, data: bytes) -> None:
        self._digest.update(data)
        self._end += len(data)
        self._file.write(data)
