"""No split, notation, order, surrounding or number of secrets lets a canary through."""

from __future__ import annotations

import base64
import html
import json
import shlex
from itertools import pairwise
from urllib.parse import quote, quote_plus

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shipway.apply.redaction import Redactor, clean
from shipway.events.codec import encode_entry
from shipway.events.types import CheckEnded, Output
from shipway.model.secret import Secret, forms, is_too_short
from shipway.testing.builders import an_entry

# derandomised: the same examples in each run, so that a red one is a change's and never luck's
bounded = settings(deadline=None, max_examples=75, derandomize=True, database=None)

STARS = b"***"
LOW_ENTROPY = st.text("ab", min_size=6, max_size=30)
ANY = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="*"), min_size=6, max_size=40
)
AWKWARD = st.text("aB0 +/=%\\\"'&<>\n\r\té€😀", min_size=6, max_size=40)
VALUES = (LOW_ENTROPY | ANY | AWKWARD).filter(lambda value: not is_too_short(value))
SECRETS = st.lists(VALUES, min_size=1, max_size=5)
NOISE = st.binary(max_size=30)


def chunked(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data in pieces that end at these places; some may be empty."""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def streamed(redactor: Redactor, chunks: list[bytes]) -> bytes:
    """All that comes out of a stream."""
    stream = redactor.stream()
    return b"".join(stream.feed(chunk) for chunk in chunks) + stream.end()


def marked(data: bytes, values: list[str]) -> list[bool]:
    """Which bytes belong to an occurrence of a form, found the slow way."""
    hidden = [False] * len(data)
    for form in {form for value in values for form in forms(value)}:
        at = data.find(form)
        while at >= 0:
            hidden[at : at + len(form)] = [True] * len(form)
            at = data.find(form, at + 1)
    return hidden


def starred(data: bytes, hidden: list[bool]) -> bytes:
    """The data with each run of marked bytes as stars."""
    told = b""
    for at, byte in enumerate(data):
        if not hidden[at]:
            told += bytes([byte])
        elif at == 0 or not hidden[at - 1]:
            told += STARS
    return told


def plainly(data: bytes, values: list[str]) -> bytes:
    """The rule, carried out the slow way: every occurrence is hidden, as a union."""
    return starred(data, marked(data, values))


@st.composite
def output(draw: st.DrawFn) -> tuple[list[str], bytes]:
    """Secrets, and an output that holds whole forms and pieces of them between noise."""
    values = draw(SECRETS)
    every = [form for value in values for form in forms(value)]
    form = st.sampled_from(every)
    piece = st.builds(
        lambda whole, start, end: whole[start % len(whole) :][: end % len(whole)],
        form,
        st.integers(0, 50),
        st.integers(0, 50),
    )
    return values, b"".join(draw(st.lists(form | piece | NOISE, max_size=8)))


CUTS = st.lists(st.integers(0, 2000), max_size=12)


@bounded
@given(output(), CUTS)
@example((["aaaaaa"], b"a" * 40), list(range(40)))
@example((["ababab", "bababa", "abababb"], b"ab" * 20 + b"b"), list(range(40)))
@example((["secret", "secretary", "my secret"], b"my secretary"), list(range(12)))
def test_what_is_told_is_the_rule(said: tuple[list[str], bytes], cuts: list[int]) -> None:
    """However it is cut, an output leaves what the rule leaves: every occurrence, as a union."""
    values, data = said
    assert streamed(Redactor(map(Secret, values)), chunked(data, cuts)) == plainly(data, values)


@bounded
@given(output())
def test_single_bytes_are_told_like_the_whole(said: tuple[list[str], bytes]) -> None:
    """A stream that comes byte by byte ends as the one that comes at once."""
    values, data = said
    redactor = Redactor(map(Secret, values))
    assert streamed(redactor, [bytes([b]) for b in data]) == streamed(redactor, [data])


@bounded
@given(output(), CUTS)
def test_no_form_comes_through(said: tuple[list[str], bytes], cuts: list[int]) -> None:
    """No form of any secret is left in what is told, not even one that stars helped to form."""
    values, data = said
    told = streamed(Redactor(map(Secret, values)), chunked(data.replace(b"*", b"-"), cuts))
    assert [form for value in values for form in forms(value) if form in told] == []


@bounded
@given(VALUES, st.text(max_size=10), st.text(max_size=10), CUTS)
def test_no_notation_lets_a_canary_through(
    value: str, before: str, after: str, cuts: list[int]
) -> None:
    """What other libraries make of the value, and of a text that holds it, is hidden as well."""
    value = value.strip()  # white space around a value is not hidden
    redactor = Redactor([Secret(value)])
    written = {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        shlex.quote(value)[1:-1] if shlex.quote(value) != value else value,
        html.escape(value),
        repr(value)[1:-1],
        value.encode().hex(),
    }
    for canary in written:
        said = f"{before}{canary}{after}".encode("utf-8", "surrogatepass")
        told = streamed(redactor, chunked(said, cuts))
        if canary not in before + STARS.decode() + after:
            assert canary.encode() not in told
        assert STARS in told


@bounded
@given(VALUES, NOISE, NOISE, CUTS)
def test_no_base64_lets_a_canary_through(
    value: str, before: bytes, after: bytes, cuts: list[int]
) -> None:
    """Of what is encoded around it, the base64 keeps less than one byte of the value's ends."""
    raw = value.strip().encode()
    encoded = base64.b64encode(before + raw + after)
    told = streamed(Redactor([Secret(value)]), chunked(encoded, cuts))
    first, end = -(-len(before) * 8 // 6), (len(before) + len(raw)) * 8 // 6
    left, right = encoded[:first], encoded[end:]
    assert encoded[first:end] not in told or encoded[first:end] in left + STARS + right
    assert len(told) <= len(left) + len(STARS) + len(right)


@bounded
@given(SECRETS, st.binary(max_size=400), CUTS)
def test_other_bytes_come_through_unchanged(
    values: list[str], data: bytes, cuts: list[int]
) -> None:
    """An output without any form of a secret is told byte for byte."""
    for form in (form for value in values for form in forms(value)):
        while form in data:
            data = data.replace(form, b"")
    again = [form for value in values for form in forms(value) if form in data]
    if not again:
        assert streamed(Redactor(map(Secret, values)), chunked(data, cuts)) == data


@bounded
@given(output(), CUTS)
def test_nothing_is_held_back_without_need(said: tuple[list[str], bytes], cuts: list[int]) -> None:
    """After each chunk, all is told but an end that begins a form and belongs to no stars."""
    values, data = said
    every = [form for value in values for form in forms(value)]
    begun = {form[:end] for form in every for end in range(1, len(form))}
    stream, told, fed = Redactor(map(Secret, values)).stream(), b"", b""
    for chunk in chunked(data, cuts):
        told += stream.feed(chunk)
        fed += chunk
        keep = next(at for at in range(len(fed) + 1) if fed[at:] in begun or at == len(fed))
        hidden = marked(fed, values)
        settled = keep + 1 if keep < len(fed) and hidden[keep] else keep
        assert told == starred(fed[:settled], hidden)


@bounded
@given(
    st.permutations(["aaaaaa", "aaaaaaa", "aaabaaa", "baaaaa", "abaaaaab"]), st.text("ab*"), CUTS
)
def test_order_does_not_matter(values: list[str], text: str, cuts: list[int]) -> None:
    """Secrets of a few letters, each inside another, are hidden alike in any order of adding."""
    data = text.encode()
    told = streamed(Redactor(map(Secret, values)), chunked(data, cuts))
    assert told == plainly(data, sorted(values))


@bounded
@given(output(), VALUES, st.integers(0, 10), CUTS)
def test_a_secret_that_comes_late_hides_the_rest(
    said: tuple[list[str], bytes], late: str, turn: int, cuts: list[int]
) -> None:
    """What is fed after a secret became known never shows it, whatever was held back then."""
    values, data = said
    redactor = Redactor(map(Secret, values))
    stream, told = redactor.stream(), b""
    for at, chunk in enumerate(chunked(data.replace(b"*", b"-"), cuts)):
        if at == turn:
            redactor.add(Secret(late))
        told += stream.feed(chunk)
    redactor.add(Secret(late))
    told += stream.end() + stream.feed(b"|")
    after = b"".join(map(stream.feed, [*forms(late), b"|"])) + stream.end()
    assert not any(form in after for form in forms(late))
    assert not any(form in told for value in values for form in forms(value))


@bounded
@given(VALUES, st.text(max_size=30), st.text(max_size=30))
def test_cleaned_events_stay_json(value: str, before: str, after: str) -> None:
    """An event that lost its secrets is one JSON object still, and shows none when it is read."""
    secret = value.strip()
    said = f"{before}{secret}{after}"
    redactor = Redactor([Secret(secret)])
    for event in (Output("unit", said), CheckEnded("u", "failed", said, 1.0, 1, (said,), "")):
        text = encode_entry(an_entry(clean(event, redactor)))
        found = json.loads(text)
        told = [found.get("line"), found.get("reason"), *found.get("failed_tests", ())]
        assert all("***" in part for part in told if part is not None)
        if secret not in before + "***" + after:
            assert not any(secret in part for part in told if part is not None)


@bounded
@given(VALUES, st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_text_is_told_like_its_bytes(value: str, around: str) -> None:
    """A text loses what the stream of its UTF-8 loses."""
    redactor = Redactor([Secret(value)])
    text = f"{around}{value}{around}"
    assert redactor.text(text).encode() == streamed(redactor, [text.encode()])


@bounded
@given(value=VALUES, form=st.integers(0), before=NOISE, after=NOISE, cuts=CUTS)
def test_a_secret_is_found_however_content_is_cut(
    value: str, form: int, before: bytes, after: bytes, cuts: list[int]
) -> None:
    """In any of its forms, at any place, in pieces of any length; nothing where none is known."""
    known = sorted(forms(value))
    chunks = chunked(before + known[form % len(known)] + after, cuts)
    assert Redactor([Secret(value)]).holds(chunks)
    assert not Redactor().holds(chunks)


@bounded
@given(value=VALUES, content=NOISE, cuts=CUTS)
def test_no_secret_is_found_where_none_is(value: str, content: bytes, cuts: list[int]) -> None:
    """What is hidden in a stream and what is found in content are the same."""
    redactor = Redactor([Secret(value)])
    chunks = chunked(content, cuts)
    assert redactor.holds(chunks) == (streamed(redactor, chunks) != content)
