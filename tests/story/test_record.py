"""The record of a run: written and read back, damaged or not, and the path that took the time."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.checks.record import CheckRecord, RunRecord, critical_path, decode, encode, unfinished
from shipway.checks.timing import Span, chain, length
from shipway.model.outcome import Outcome

WORDS = st.text(max_size=12)
TUPLES = st.lists(WORDS, max_size=3).map(tuple)
TIMES = st.none() | st.floats(0, 1e6)
CHECKS = st.builds(
    CheckRecord,
    name=WORDS,
    outcome=st.none() | st.sampled_from(Outcome),
    reason=WORDS,
    needs=TUPLES,
    key=WORDS,
    cached=WORDS,
    started=TIMES,
    ended=TIMES,
    exit_status=st.none() | st.integers(-64, 255),
    tests=st.integers(0, 10**6),
    failed_tests=TUPLES,
    log=WORDS,
    attempts=st.integers(0, 9),
    labels=TUPLES,
)
RECORDS = st.builds(
    RunRecord,
    run=WORDS,
    service=WORDS,
    command=WORDS,
    commit=WORDS,
    started_at=st.floats(0, 1e11),
    tree=WORDS,
    platform=WORDS,
    asked=TUPLES,
    flags=TUPLES,
    seconds=TIMES,
    checks=st.lists(CHECKS, max_size=4).map(tuple),
)
RUN = RunRecord(run="r1", service="sender", command="run", commit="abc", started_at=1.5)


def check(name: str, started: float, ended: float, *needs: str) -> CheckRecord:
    """Return the record of a check that passed."""
    return CheckRecord(
        name=name, needs=needs, outcome=Outcome.PASSED, started=started, ended=ended, attempts=1
    )


def path(*checks: CheckRecord) -> list[tuple[str, str]]:
    """Return the names on the critical path, each with what held it up."""
    return [(link.name, link.why) for link in critical_path(replace(RUN, checks=checks))]


@given(RECORDS)
def test_a_record_is_read_back_as_it_was_written(record: RunRecord) -> None:
    """What is written comes back the same, whatever characters stand in it."""
    assert decode(encode(record)) == record


@given(RECORDS, st.data())
def test_half_a_record_is_none(record: RunRecord, data: st.DataObject) -> None:
    """A record that is cut off anywhere is none, never a shorter one."""
    text = encode(record)
    end = data.draw(st.integers(0, len(text) - 3))
    assert decode(text[:end]) is None


@given(st.text() | st.recursive(st.none() | st.integers(), st.lists, max_leaves=5).map(json.dumps))
def test_anything_else_is_none(text: str) -> None:
    """Whatever else stands in the file, reading it says that there is no record."""
    assert decode(text) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 2),
        ("run", 7),
        ("started_at", "now"),
        ("started_at", True),
        ("seconds", float("nan")),
        ("seconds", 10**400),
        ("checks", {}),
        ("checks", ["unit"]),
        ("checks", [{"name": "unit"}]),
        ("asked", "unit"),
    ],
)
def test_a_field_of_another_kind_is_damage(field: str, value: object) -> None:
    """A record with a field of another kind, or of another version, is none."""
    assert decode(json.dumps(json.loads(encode(RUN)) | {field: value})) is None


@pytest.mark.parametrize(
    ("field", "value"), [("outcome", "green"), ("tests", 1.5), ("needs", [1]), ("ended", "x")]
)
def test_a_check_of_another_kind_is_damage(field: str, value: object) -> None:
    """A record with a check that cannot be read is none: no check may go missing unseen."""
    found = json.loads(encode(replace(RUN, checks=(check("unit", 0, 1),))))
    found["checks"][0][field] = value
    assert decode(json.dumps(found)) is None


def test_fields_of_later_versions_are_ignored() -> None:
    """A field that this version does not know changes nothing."""
    record = replace(RUN, checks=(check("unit", 0, 1),))
    found = json.loads(encode(record)) | {"weather": "fine"}
    found["checks"][0]["mood"] = "well"
    assert decode(json.dumps(found)) == record


def test_a_time_without_end_is_damage() -> None:
    """A number that no clock shows makes a record damaged."""
    text = encode(RUN).replace('"started_at": 1.5', '"started_at": 1e999')
    assert decode(text) is None


def test_depth_is_damage() -> None:
    """A file of nested brackets is none, and no error."""
    assert decode("[" * 100_000) is None


def test_resuming_takes_all_that_did_not_pass() -> None:
    """What failed, errored, was stopped, skipped or still ran is unfinished; what passed is not."""
    each = [CheckRecord(name=o.value, outcome=o) for o in Outcome if o is not Outcome.INCONCLUSIVE]
    record = replace(RUN, checks=(*each, CheckRecord(name="running", started=2.0)))
    assert unfinished(record) == ("failed", "errored", "skipped", "aborted", "running")


def test_the_path_follows_needs() -> None:
    """The path goes from the check that ended last back over what each needed."""
    assert path(
        check("install", 0, 2), check("lint", 2.01, 3, "install"), check("unit", 2, 9, "install")
    ) == [("install", "start"), ("unit", "need")]


def test_the_path_follows_what_held_a_slot() -> None:
    """A check that began long after its need waited for a slot, and its holder is on the path."""
    assert path(
        check("install", 0, 2),
        check("unit", 2, 8, "install"),
        check("build", 8.001, 10, "install"),
    ) == [("install", "start"), ("unit", "need"), ("build", "slot")]


def test_a_check_that_just_ended_does_not_hide_the_need() -> None:
    """Where a need ended just before, it held the check up, whatever ended beside it."""
    assert path(
        check("install", 0, 2), check("lint", 0, 2.01), check("unit", 2.02, 5, "install")
    ) == [("install", "start"), ("unit", "need")]


def test_a_check_without_a_beginning_is_on_no_path() -> None:
    """What did not start, or did not end, is left out of the path."""
    assert path(CheckRecord(name="skipped"), CheckRecord(name="killed", started=1.0)) == []


@st.composite
def schedules(draw: st.DrawFn) -> tuple[Span, ...]:
    """Runs of checks: some of no length, some beside each other, with needs that had ended."""
    spans: list[Span] = []
    for number in range(draw(st.integers(1, 8))):
        needs = draw(st.lists(st.sampled_from(spans), max_size=2)) if spans else []
        free = max((span.ended for span in needs), default=0.0)
        started = free + draw(st.sampled_from([0.0, 0.01, 0.5, 3.0]))
        ended = started + draw(st.sampled_from([0.0, 0.001, 1.0, 7.0]))
        spans.append(Span(f"c{number}", tuple(s.name for s in needs), started, ended))
    return tuple(spans)


@given(schedules())
def test_the_path_is_as_long_as_the_run(spans: tuple[Span, ...]) -> None:
    """The path is no longer than the run, and no shorter than its longest check."""
    found = length(chain(spans))
    wall = max(span.ended for span in spans)
    assert found == pytest.approx(wall)
    assert found >= max(span.ended - span.started for span in spans) - 1e-5


@given(schedules())
def test_the_path_goes_forward(spans: tuple[Span, ...]) -> None:
    """Every check is on the path at most once, and begins when the one before it has ended."""
    at = {span.name: span for span in spans}
    links = chain(spans)
    names = [link.name for link in links]
    assert len(set(names)) == len(names)
    assert all(link.waited >= 0 for link in links)
    for before, after in pairwise(names):
        assert at[before].ended <= at[after].started
