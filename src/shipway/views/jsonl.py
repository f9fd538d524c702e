"""Events for machines: one JSON object a line, the first of which names the schema's version."""

from __future__ import annotations

import json
from collections.abc import Callable

from shipway.events.codec import encode_entry
from shipway.events.types import Entry

SCHEMA_VERSION = 1


class JsonLines:
    """A reader of the stream that writes each event as a line.

    Args:
        write: takes one line, without its end.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        write(json.dumps({"schema": "shipway.events", "version": SCHEMA_VERSION}))

    def __call__(self, entry: Entry) -> None:
        """Write one event."""
        self._write(encode_entry(entry))
