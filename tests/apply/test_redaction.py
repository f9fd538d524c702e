"""No secret leaves in any form it can take, and nothing else is touched."""

from __future__ import annotations

import base64
import copy
import html
import json
import pickle
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from threading import Thread
from typing import get_args
from urllib.parse import quote, quote_plus

import pytest

from shipway.apply.redaction import Redactor, clean, secret_names
from shipway.errors import SecretIsTooShort
from shipway.events.types import CheckEnded, Event, Output, RunEnded
from shipway.events.watching import TaskStopped
from shipway.model.secret import Secret, forms

CANARY = "c4n+ary/T0k=n'& <\"é\\>"
"""A secret with everything in it that some notation writes differently."""

BODY = [base64.b64encode(bytes(range(at, at + 48))).decode() for at in (0, 60, 120)]
KEY = "\n".join(("-----BEGIN PRIVATE KEY-----", *BODY, "qg==", "-----END PRIVATE KEY-----", ""))


def redacted(text: str, *values: str) -> str:
    """What is left of a text."""
    return Redactor(map(Secret, values)).text(text)


def in_chunks(data: bytes, size: int, *values: str) -> bytes:
    """What is left of a stream that comes in chunks of this size."""
    stream = Redactor(map(Secret, values)).stream()
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(map(stream.feed, chunks)) + stream.end()


# --- a secret itself ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Login:
    """Something that holds a secret."""

    password: Secret


@pytest.mark.parametrize(
    "shown",
    [
        str,
        repr,
        "{}".format,
        "{:>40}".format,
        "{!r}".format,
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - this way of printing is tested
        lambda secret: repr([secret]),
        lambda secret: repr(Login(secret)),
        lambda secret: str(asdict(Login(secret))),
        lambda secret: repr(copy.deepcopy(secret)),
        lambda secret: json.dumps({"password": secret}, default=str),
    ],
)
def test_a_secret_prints_as_dots(shown: Callable[[Secret], str]) -> None:
    """However a secret is turned into text, dots are all there is to read."""
    text = shown(Secret("hunter2hunter2", "DB_PASSWORD"))
    assert "......" in text
    assert "hunter" not in text


@pytest.mark.parametrize("store", [json.dumps, pickle.dumps])
def test_a_secret_is_never_stored(store: Callable[[Secret], object]) -> None:
    """A writer that would need the value itself is refused."""
    with pytest.raises(TypeError):
        store(Secret("hunter2hunter2"))


def test_a_secret_is_revealed_on_request() -> None:
    """The one who needs the value gets it, by a word that stands out."""
    assert Secret("hunter2").reveal() == "hunter2"


def test_two_secrets_are_the_same_by_their_values() -> None:
    """A value that two names hold is one secret; another value is another."""
    assert {Secret("hunter2", "A"), Secret("hunter2", "B")} == {Secret("hunter2")}
    assert Secret("hunter2") != Secret("hunter3")


# --- which values are secrets -------------------------------------------------------------------


@pytest.mark.parametrize("value", ["", "12345", "abc\n\n\n\n", "         "])
def test_a_short_value_is_refused(value: str) -> None:
    """Fewer than six characters cannot be hidden; the error names the secret, never its value."""
    with pytest.raises(SecretIsTooShort) as caught:
        Redactor().add(Secret(value, "PIN"))
    assert "PIN" in caught.value.message
    assert not value.strip() or value.strip() not in caught.value.message + caught.value.hint


def test_six_characters_are_enough() -> None:
    """The shortest secret that is taken is hidden."""
    assert redacted("abc123", "abc123") == "***"


@pytest.mark.parametrize(
    "name",
    ["NPM_TOKEN", "DB_PASSWORD", "PASSWORD", "github_token", "AWS_SECRET_ACCESS_KEY",
     "SIGNING_PRIVATE_KEY", "STRIPE_API_KEY", "AWS_SESSION_TOKEN", "CLIENT_SECRET",
     "SLACK_WEBHOOK_URL"],
)  # fmt: skip
def test_a_name_betrays_a_secret(name: str) -> None:
    """A variable that is called like a secret holds one, in any case of letters."""
    assert secret_names({name: "x9-kk-02-zz"}) == (name,)


@pytest.mark.parametrize(
    "name", ["PATH", "TOKENIZER", "NODE_ENV", "AWS_WEB_IDENTITY_TOKEN_FILE", "KEYBOARD", "AUTHOR"]
)
def test_other_names_are_left_alone(name: str) -> None:
    """A variable that is called like anything else holds no secret."""
    assert secret_names({name: "x9-kk-02-zz"}) == ()


@pytest.mark.parametrize(
    "value",
    ["", "true", "false", "8080", "60000", "3600000", "abc", "disabled", "Production", "xxxxxxxx",
     "********"],
)  # fmt: skip
def test_a_trivial_value_is_no_secret(value: str) -> None:
    """Switches, counts, stand-ins and short values stay readable under a secret's name."""
    assert secret_names({"MAX_TOKEN": value}) == ()


def test_a_long_number_may_be_a_password() -> None:
    """Eight digits are no port and no limit any more."""
    assert secret_names({"DB_PASSWORD": "19283746"}) == ("DB_PASSWORD",)


def test_patterns_can_be_chosen() -> None:
    """Other patterns replace the usual ones, and the names come sorted."""
    environ = {"ZED_COOKIE": "x9-kk-02-zz", "A_COOKIE": "x9-kk-02-zz", "NPM_TOKEN": "x9-kk-02-zz"}
    assert secret_names(environ, ("*_COOKIE",)) == ("A_COOKIE", "ZED_COOKIE")


# --- forms --------------------------------------------------------------------------------------

NOTATIONS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON with its own letters": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON of PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON of Go": lambda text: (
        json.dumps(text, ensure_ascii=False)[1:-1]
        .replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    ),
    "JSON of Java": lambda text: json.dumps(text)[1:-1].replace("\\u00e9", "\\u00E9"),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "Python": lambda text: repr(text)[1:-1],
    "JavaScript": lambda text: text.replace("\\", "\\\\").replace("'", "\\'"),
    "URL": lambda text: quote(text, safe=""),
    "URL path": quote,
    "URL, lower case": lambda text: "".join(
        c if c.isascii() and c.isalnum() else quote(c, safe="").lower() for c in text
    ),
    "form": quote_plus,
    "encodeURIComponent": lambda text: quote(text, safe="!~*'()"),
    "encodeURI": lambda text: quote(text, safe=";,/?:@&=+$-_.!~*'()#"),
    "shlex": lambda text: shlex.quote(text)[1:-1],
    "sh": lambda text: text.replace("'", "'\\''"),
    "sh, in double quotes": lambda text: text.replace("\\", "\\\\").replace('"', '\\"'),
    "HTML": html.escape,
    "XML text": lambda text: html.escape(text, quote=False),
    "XML attribute": lambda text: html.escape(text, quote=False).replace('"', "&quot;"),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal, upper case": lambda text: text.encode().hex().upper(),
}  # fmt: skip


@pytest.mark.parametrize("notation", NOTATIONS)
def test_a_secret_hides_in_no_notation(notation: str) -> None:
    """Whoever writes the value down in a common notation writes stars."""
    assert redacted(f"a {NOTATIONS[notation](CANARY)} z", CANARY) == "a *** z"


def test_printf_quotes_are_known() -> None:
    """What bash writes for `printf %q`, and so in a trace, is hidden."""
    value = "c4n&ary T0k'n"
    told = subprocess.run(["bash", "-c", 'printf %q "$1"', "-", value], capture_output=True,
                          check=True, text=True).stdout  # fmt: skip
    assert told != value
    assert redacted(told, value) == "***"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", range(7))
@pytest.mark.parametrize("after", range(4))
@pytest.mark.parametrize("value", ["hunter", "hunter2", "hunter22", CANARY])
def test_base64_hides_no_secret(
    encode: Callable[[bytes], bytes], before: int, after: int, value: str
) -> None:
    """Wherever the value stands in what is encoded, no byte of it can be decoded whole."""
    told = encode(b"<" * before + value.encode() + b">" * after).decode()
    left, stars, right = redacted(told, value).partition("***")
    assert stars
    assert len(left) <= -(-before * 4 // 3)
    assert len(right) <= -(-(after + 1) * 4 // 3) + 2  # what may encode the end, and padding


@pytest.mark.parametrize("width", [64, 76])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("echoed", ["", "\n"])
def test_base64_in_lines_hides_no_secret(width: int, line_end: str, echoed: str) -> None:
    """A long value that `base64` or openssl wrap into lines vanishes with every line."""
    whole = base64.b64encode((KEY + echoed).encode()).decode()
    lines = [whole[at : at + width] for at in range(0, len(whole), width)]
    told = redacted(line_end.join(lines), KEY)
    assert told.startswith("***")
    assert len(told) <= len("***") + 8  # the line end of the key and the padding


# --- several lines ------------------------------------------------------------------------------


@pytest.mark.parametrize("between", ["\n", "\r\n", " ", "", "\\n", "\\\\n", "&#10;"])
def test_a_key_vanishes_as_a_whole(between: str) -> None:
    """Whatever stands for its line ends, a key leaves one run of stars, its short line included."""
    assert redacted(f"<{between.join(KEY.splitlines())}>", KEY) == "<***>"


@pytest.mark.parametrize("notation", NOTATIONS)
def test_a_key_vanishes_in_every_notation(notation: str) -> None:
    """A value of several lines leaves one run of stars too, however it is written down."""
    assert redacted(f"<{NOTATIONS[notation](KEY.strip())}>", KEY) == "<***>"


def test_a_key_vanishes_line_by_line() -> None:
    """With a time before each line, every line of the body goes and the public armour stays."""
    told = redacted("\n".join(f"12:00 {line}" for line in KEY.splitlines()), KEY).splitlines()
    assert told[0] == "12:00 -----BEGIN PRIVATE KEY-----"
    assert told[1:4] == ["12:00 ***"] * 3
    assert told[5] == "12:00 -----END PRIVATE KEY-----"


def test_one_line_of_a_key_vanishes() -> None:
    """A single line of the body is as secret as the key, indented or not."""
    assert redacted(f"\t  {BODY[1]}\r\n", KEY) == "\t  ***\r\n"


def test_a_key_with_escaped_line_ends_vanishes_unescaped() -> None:
    r"""A variable that holds `\n` for line ends is hidden as the program then writes it."""
    value = KEY.strip().replace("\n", "\\n")
    assert redacted(f"<{value}> <{KEY.strip()}>", value) == "<***> <***>"
    assert redacted(BODY[2], value) == "***"


def test_a_short_line_is_left_readable() -> None:
    """Braces and short lines of a secret document do not eat other texts."""
    document = '{\n  "a":1\n}\n-----------\ns3cr3t-l1ne\n'
    assert redacted('{ } "a":1 -----------', document) == '{ } "a":1 -----------'
    assert redacted("s3cr3t-l1ne", document) == "***"


# --- matches ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values", "left"),
    [
        ("xx secret-1 yy", ("secret-1",), "xx *** yy"),
        ("secret-1", ("secret-1", "secret-1-long"), "***"),
        ("secret-1-long", ("secret-1", "secret-1-long"), "***"),
        ("my-secret-1", ("secret-1", "my-secret-1"), "***"),
        ("a-b-c-d-e-f", ("b-c-d-", "a-b-c-d-e-f"), "***"),
        ("abcdefghij", ("abcdef", "efghij"), "***"),
        ("<abcdefghij>", ("abcdef", "efghij", "cdefgh"), "<***>"),
        ("secret-1secret-1", ("secret-1",), "***"),
        ("secret-1 secret-1", ("secret-1",), "*** ***"),
        ("xababababay", ("ababab",), "x***ay"),
        ("aaaaaaaaaaaaa", ("aaaaaa",), "***"),
        ("aaaaa", ("aaaaaa",), "aaaaa"),
        ("aaaaab" * 3, ("aaaaaa",), "aaaaab" * 3),
        ("abcabcabcabd", ("abcabd",), "abcabc***"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_matches_are_hidden_as_their_union(
    text: str, values: tuple[str, ...], left: str, size: int
) -> None:
    """Matches that overlap or touch leave one run of stars, however the text is cut."""
    assert redacted(text, *values) == left
    assert in_chunks(text.encode(), size, *values) == left.encode()


def test_stars_tell_no_length() -> None:
    """A short and a long secret leave the same behind."""
    assert redacted("x9-kk-02", "x9-kk-02") == redacted("x9-kk-02" * 90, "x9-kk-02" * 90) == "***"


# --- streams ------------------------------------------------------------------------------------


def test_a_secret_across_chunks_is_hidden() -> None:
    """A secret that comes byte by byte is hidden like one that comes at once."""
    assert in_chunks(b"say hunter22!\n", 1, "hunter22") == b"say ***!\n"


def test_a_secret_longer_than_a_chunk_is_hidden() -> None:
    """A secret that spans many chunks is hidden, and nothing of it goes out meanwhile."""
    value = "".join(f"{n:x}" for n in range(5000))
    assert in_chunks(b"<" + value.encode() + b">", 64, value) == b"<***>"


def test_what_begins_no_secret_goes_out_at_once() -> None:
    """Live output is not delayed, not even an unfinished line."""
    assert Redactor([Secret("hunter22")]).stream().feed(b"Continue? [y/N] ") == b"Continue? [y/N] "


def test_only_the_beginning_of_a_secret_is_held_back() -> None:
    """What may be a secret waits for the next byte; when it is none, it goes out."""
    stream = Redactor([Secret("hunter22")]).stream()
    assert stream.feed(b"the hunt") == b"the "
    assert stream.feed(b"") == b""
    assert stream.feed(b"s") == b"hunts"


def test_a_found_secret_is_told_at_once() -> None:
    """Stars do not wait for what follows, though the next secret may overlap this one."""
    stream = Redactor([Secret("abcdefgh"), Secret("ghijklmn")]).stream()
    assert stream.feed(b"<abcdefgh") == b"<***"
    assert stream.feed(b"ijklmn") == b""
    assert stream.feed(b">") == b">"
    assert stream.end() == b""


def test_a_secret_that_begins_another_is_told_at_once() -> None:
    """Stars for a short secret do not wait for a longer one, and stand for it too when it comes."""
    stream = Redactor([Secret("secret-1"), Secret("secret-1-long")]).stream()
    assert stream.feed(b"secret-1") == b"***"
    assert stream.feed(b"-long.") == b"."


def test_what_overlaps_a_secret_but_begins_none_is_not_lost() -> None:
    """After stars, text that could have begun a second secret and did not goes out whole."""
    stream = Redactor([Secret("abcdefgh"), Secret("ghijklmn")]).stream()
    assert stream.feed(b"abcdefghij") == b"***"
    assert stream.feed(b"!") == b"ij!"


def test_the_end_gives_the_rest() -> None:
    """What is held back at the end was no secret and is not lost."""
    stream = Redactor([Secret("hunter22")]).stream()
    stream.feed(b"the hunt")
    assert (stream.end(), stream.end()) == (b"hunt", b"")


def test_after_its_end_a_stream_starts_anew() -> None:
    """What comes after the end has nothing to do with what came before it."""
    stream = Redactor([Secret("hunter22")]).stream()
    assert stream.feed(b"hunter22") + stream.end() == b"***"
    assert stream.feed(b"hunter22") + stream.end() == b"***"


def test_a_new_secret_hides_what_is_held_back() -> None:
    """A secret that becomes known while its bytes wait is hidden among them."""
    redactor = Redactor([Secret("prefix-hunter22-suffix")])
    stream = redactor.stream()
    assert stream.feed(b"prefix-hunter22-") == b""
    redactor.add(Secret("hunter22"))
    assert stream.end() == b"prefix-***-"


def test_a_new_secret_is_hidden_from_then_on() -> None:
    """A stream that is open hides what its redactor learns."""
    redactor = Redactor()
    stream = redactor.stream()
    assert stream.feed(b"hunter22 ") == b"hunter22 "
    redactor.add(Secret("hunter22"))
    assert stream.feed(b"hunter22 ") == b"*** "


def test_streams_do_not_mix() -> None:
    """Two outputs of one program each hold back their own beginnings."""
    redactor = Redactor([Secret("hunter22")])
    out, err = redactor.stream(), redactor.stream()
    assert (out.feed(b"hunt"), err.feed(b"er22")) == (b"", b"er22")
    assert (out.feed(b"er22"), err.end()) == (b"***", b"")


def test_binary_output_passes_unchanged() -> None:
    """Bytes that are no text go through as they are, secrets beside them do not."""
    noise = bytes(range(256)) * 20
    assert in_chunks(noise, 7, "hunter22") == noise
    assert in_chunks(noise + b"hunter22" + noise, 7, "hunter22") == noise + b"***" + noise


def test_an_undecodable_secret_is_hidden() -> None:
    """A secret whose bytes are no UTF-8 is hidden as bytes and as Python keeps it."""
    value = b"\xff\xfe\x80abcdef".decode("utf-8", "surrogateescape")
    assert in_chunks(b"<\xff\xfe\x80abcdef>", 1, value) == b"<***>"
    assert redacted(f"<{value}>", value) == "<***>"


def test_without_secrets_nothing_is_copied() -> None:
    """With no secret known, the very same bytes and text come back."""
    data, text = b"hello" * 1000, "hello" * 1000
    assert Redactor().stream().feed(data) is data
    assert Redactor().text(text) is text


def test_without_secrets_the_search_is_not_loaded() -> None:
    """A command that knows no secret does not pay for the library that finds them."""
    script = (
        "import sys; from shipway.apply.redaction import Redactor, Secret; r = Redactor();"
        "r.text('x'); r.stream().feed(b'x'); print('ahocorasick_rs' in sys.modules, end=' ');"
        "r.add(Secret('hunter22')); r.text('x'); print('ahocorasick_rs' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    assert told.stdout.split() == ["False", "True"]


def test_secrets_may_be_added_while_streams_run() -> None:
    """Threads that add secrets and threads that feed streams do not lose one another's work."""
    redactor = Redactor([Secret("canary-first")])
    values = [f"canary-{n:04}-secret" for n in range(40)]
    leaks: list[bytes] = []

    def feed() -> None:
        stream = redactor.stream()
        for _ in range(200):
            told = stream.feed(b"x canary-fi") + stream.feed(b"rst y")
            if b"canary-first" in told:
                leaks.append(told)

    def add(mine: list[str]) -> None:
        for value in mine:
            redactor.add(Secret(value))
            if redactor.text(value) != "***":
                leaks.append(value.encode())

    threads = [Thread(target=feed) for _ in range(2)]
    threads += [Thread(target=add, args=(values[at::2],)) for at in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert leaks == []
    assert redactor.text(" ".join(values)) == " ".join(["***"] * len(values))


# --- events -------------------------------------------------------------------------------------


def test_an_event_loses_its_secrets() -> None:
    """Every text and every tuple of texts of an event is hidden; its numbers stay."""
    event = CheckEnded("unit", "failed", "hunter22!", 1.5, 3, ("ok", "a hunter22 b"), "u.log")
    assert clean(event, Redactor([Secret("hunter22")])) == CheckEnded(
        "unit", "failed", "***!", 1.5, 3, ("ok", "a *** b"), "u.log"
    )


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
def test_no_kind_of_event_keeps_a_secret(kind: type[Event]) -> None:
    """In each kind of event, whatever field of text holds a secret loses it."""
    texts = {"str": "hunter22", "str | None": "hunter22", "tuple[str, ...]": ("a", "hunter22")}
    event = kind(**{field.name: texts.get(str(field.type), 7) for field in fields(kind)})  # type: ignore[arg-type]  # by the field's own type
    assert "hunter22" not in repr(clean(event, Redactor([Secret("hunter22")])))


@pytest.mark.parametrize(
    "event",
    [
        Output("lint", "all is well"),
        RunEnded("passed", "", 0, 1.0),
        TaskStopped("preprod", "t", "", None, ("bye",)),
    ],
)
def test_an_event_without_secrets_stays_itself(event: Event) -> None:
    """An event that holds no secret is not copied."""
    assert clean(event, Redactor([Secret("hunter22")])) is event


def test_forms_are_few_where_notations_agree() -> None:
    """A value of letters and digits is spelt in one way but for base64 and hexadecimal."""
    assert forms("hunter22") == tuple(
        sorted(
            {b"hunter22", b"68756e7465723232", b"68756E7465723232"}
            | {b"aHVudGVyMj", b"h1bnRlcjIy", b"odW50ZXIyM"}
        )
    )
