"""Where the output of one program goes: redacted to its log file, in small part to the stream."""

from __future__ import annotations

from collections import deque

from shipway.apply.world import World
from shipway.events.types import Output

LAST_LINES = 40
_HEAD = 64 * 2**10  # bytes that are kept for the first error
_TAIL = 64 * 2**10  # bytes that are kept for the last lines
_AT_ONCE = 32 * 2**10  # bytes of a chunk that are worth cutting into lines for people
_LINES_A_SECOND = 200
_LONGEST = 4096


class StepLog:
    """Takes chunks of output; a context manager, since the file has to be closed.

    People and machines that follow the stream see at most `_LINES_A_SECOND` lines of it; all of
    them are in the file.

    Args:
        world: clock, files, redactor and stream.
        source: name under which lines are told.
        path: of the log file, which begins anew.
    """

    def __init__(self, world: World, source: str, path: str) -> None:
        self._world, self._source = world, source
        self._file = world.files.open_log(path)
        self._safe = world.redactor.stream()
        self._head = b""
        self._tail = b""
        self._partial = b""
        self._second = world.clock.monotonic()
        self._told = 0
        self._withheld: deque[bytes] = deque(maxlen=LAST_LINES)

    def __enter__(self) -> StepLog:  # noqa: PYI034 - final in practice
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is left and close the file, even where that fails."""
        try:
            self._take(self._safe.end())
            if self._partial:
                self._tell([self._partial])
            for line in self._withheld:  # how it ended must not be missing
                self._publish(line)
        finally:
            self._file.close()

    def feed(self, chunk: bytes) -> None:
        """Take a chunk; see `ports.OnOutput`."""
        self._take(self._safe.feed(chunk))

    def line(self, text: str) -> None:
        """Take a whole line."""
        self.feed(f"{text}\n".encode())

    def last_lines(self) -> tuple[str, ...]:
        """Return the last lines that have been written, oldest first."""
        lines = self._tail.decode(errors="replace").splitlines()
        return tuple(lines[-LAST_LINES:])

    def lines(self) -> tuple[str, ...]:
        """Return the first and the last lines, as much as is kept of what was written."""
        both = (self._head, self._tail) if self._tail != self._head else (self._head,)
        return tuple(line for part in both for line in part.decode(errors="replace").splitlines())

    def _take(self, safe: bytes) -> None:
        if not safe:
            return
        self._file.write(safe)
        if len(self._head) < _HEAD:
            self._head = (self._head + safe)[:_HEAD]
        self._tail = (self._tail + safe)[-_TAIL:] if len(safe) < _TAIL else safe[-_TAIL:]
        text = self._partial + safe[-_AT_ONCE:]
        *lines, self._partial = text.split(b"\n")
        self._partial = self._partial[-_LONGEST:]
        self._tell(lines)

    def _tell(self, lines: list[bytes]) -> None:
        now = self._world.clock.monotonic()
        if now - self._second >= 1:
            self._second, self._told = now, 0
        room = max(0, _LINES_A_SECOND - self._told)
        shown = lines[-room:] if room else []
        self._told += len(shown)
        if shown:
            self._withheld.clear()
        else:
            self._withheld.extend(lines)
        for line in shown:
            self._publish(line)

    def _publish(self, line: bytes) -> None:
        text = line[:_LONGEST].decode(errors="replace").rstrip("\r")
        self._world.publish(Output(self._source, text))
