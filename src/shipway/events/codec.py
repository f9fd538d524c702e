"""Events to JSON objects and back, by the class name and version of each event.

It knows no event by name: every field is one of a few plain types, which `types` promises.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import cast, get_args

from shipway.events.types import Entry, Event, HistoryEvent

_HISTORY = {kind.__name__: kind for kind in get_args(HistoryEvent)}


def encode_event(event: Event) -> str:
    """Return the event's fields as canonical JSON: sorted keys, no spaces, so it can be hashed."""
    return json.dumps(asdict(event), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def encode_entry(entry: Entry) -> str:
    """Return one line of JSON: the envelope, the event's kind and version, and its fields."""
    head = {
        "at": round(entry.at, 3),
        "service": entry.service,
        "run": entry.run,
        "event": type(entry.event).__name__,
        "version": type(entry.event).version,
    }
    return json.dumps(head | asdict(entry.event), ensure_ascii=False)


def decode_history(kind: str, text: str) -> HistoryEvent | None:
    """Rebuild a history event; None for a kind that this version does not know (a newer one)."""
    shape = _HISTORY.get(kind)
    if shape is None:
        return None
    found = json.loads(text)
    known = {name: _plain(found[name]) for name in shape.__dataclass_fields__ if name in found}
    return cast("HistoryEvent", shape(**known))


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
