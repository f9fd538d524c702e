"""Events survive the way to disk and back, and reach every reader that listens."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import fields
from typing import get_args

import pytest

from shipway.errors import Interrupted, ShipwayError, Terminated
from shipway.events.codec import decode_history, encode_entry, encode_event
from shipway.events.stream import Reader, Stream
from shipway.events.types import (
    Entry,
    Event,
    HistoryEvent,
    Output,
    ProgressEvent,
    ReaderFailed,
    RunStarted,
)
from shipway.testing.builders import an_entry

SAMPLES: dict[str, object] = {
    "str": 'text with "quotes", ü and \n',
    "int": 7,
    "float": 1.5,
    "bool": True,
    "str | None": None,
    "int | None": None,
    "float | None": 2.5,
    "tuple[str, ...]": ("one", "two"),
}


def a_sample(kind: type[Event]) -> Event:
    """An event of a kind, with a telling value in every field."""
    return kind(**{field.name: SAMPLES[str(field.type)] for field in fields(kind)})  # type: ignore[arg-type]  # by the field's own type


@pytest.mark.parametrize("kind", get_args(HistoryEvent), ids=lambda kind: kind.__name__)
def test_history_comes_back_as_it_was(kind: type[HistoryEvent]) -> None:
    """Each history event is the same after encoding and decoding."""
    event = a_sample(kind)
    assert decode_history(kind.__name__, encode_event(event)) == event


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
def test_every_event_is_one_line_of_json(kind: type[Event]) -> None:
    """Each event, in its envelope, is one JSON object that names its kind and version."""
    line = encode_entry(an_entry(a_sample(kind)))
    assert "\n" not in line
    found = json.loads(line)
    named = (found["event"], found["version"], found["run"])
    assert named == (kind.__name__, kind.version, "run-1")


def test_the_encoding_is_canonical() -> None:
    """Keys are sorted and nothing is padded, so that a hash of it can be trusted."""
    assert encode_event(RunStarted("deliver", "ada", "c")) == (
        '{"actor":"ada","command":"deliver","commit":"c"}'
    )


def test_a_kind_of_a_newer_version_is_left_out() -> None:
    """What this version does not know is no error."""
    assert decode_history("MoonLanded", "{}") is None
    assert decode_history("Output", '{"source":"a","line":"b"}') is None


def test_a_field_of_a_newer_version_is_left_out() -> None:
    """A field that this version does not know is no error."""
    text = '{"actor":"ada","command":"deliver","commit":"c","mood":"good"}'
    assert decode_history("RunStarted", text) == RunStarted("deliver", "ada", "c")


def test_history_and_progress_share_no_kind() -> None:
    """An event is either kept for ever or forgotten."""
    assert not set(get_args(HistoryEvent)) & set(get_args(ProgressEvent))


# --- the stream ---------------------------------------------------------------------------------

STARTED, SAID = RunStarted("deliver", "ada", ""), Output("lint", "hello")


def a_stream(journal: Reader, *readers: Reader) -> Stream:
    """A stream whose clock stands still."""
    return Stream("sender", "run-1", lambda: 5.0, journal, nullcontext(), readers)


def broken(entry: Entry) -> None:
    """Fail at whatever is told."""
    raise OSError(f"no room for {type(entry.event).__name__}")


def test_history_is_kept_before_it_is_told() -> None:
    """The journal hears of history first, and of progress never."""
    heard: list[tuple[str, Event]] = []
    stream = a_stream(
        lambda entry: heard.append(("journal", entry.event)),
        lambda entry: heard.append(("reader", entry.event)),
    )
    stream.publish(STARTED)
    stream.publish(SAID)
    assert heard == [("journal", STARTED), ("reader", STARTED), ("reader", SAID)]


def test_each_entry_says_when_and_for_whom() -> None:
    """The envelope holds the clock's time, the service and the run."""
    heard: list[Entry] = []
    a_stream(heard.append).publish(STARTED)
    assert heard == [Entry(5.0, "sender", "run-1", STARTED)]


def test_a_journal_that_cannot_write_stops_the_run() -> None:
    """What is not remembered must not be done: the publisher hears it, no reader does."""
    heard: list[Entry] = []
    with pytest.raises(OSError, match="no room"):
        a_stream(broken, heard.append).publish(STARTED)
    assert heard == []


def test_a_reader_that_fails_is_told_to_the_others() -> None:
    """A broken reader fails nothing; the others hear the event and of the failure."""
    heard: list[Event] = []
    a_stream(lambda _: None, broken, lambda entry: heard.append(entry.event)).publish(SAID)
    assert heard == [ReaderFailed("broken", "OSError: no room for Output"), SAID]


def test_a_reader_that_failed_is_left_out() -> None:
    """What the warning says is so: a broken reader is told nothing more."""
    heard: list[Event] = []
    stream = a_stream(lambda _: None, broken, lambda entry: heard.append(entry.event))
    stream.publish(SAID)
    stream.publish(SAID)
    assert [type(event).__name__ for event in heard] == ["ReaderFailed", "Output", "Output"]


def test_two_readers_that_fail_fail_nothing() -> None:
    """Also a reader that cannot even be told of another's failure does not reach the publisher."""
    heard: list[Event] = []

    def worse(entry: Entry) -> None:
        broken(entry)

    a_stream(lambda _: None, broken, worse, lambda e: heard.append(e.event)).publish(SAID)
    assert heard[-1] == SAID
    assert sum(isinstance(event, ReaderFailed) for event in heard) == 2


@pytest.mark.parametrize("stop", [Interrupted, Terminated])
def test_a_signal_that_meets_a_reader_is_not_its_failure(stop: type[ShipwayError]) -> None:
    """Ctrl-C and SIGTERM stop the run wherever they arrive, in the middle of a reader too."""

    def struck(entry: Entry) -> None:
        raise stop(f"while {entry.run} was told")

    stream = a_stream(lambda _: None, struck)
    with pytest.raises(stop):
        stream.publish(SAID)
    assert stream.readers == (struck,)
