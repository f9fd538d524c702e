"""A value that nobody may read, and every form under which it may turn up in a text.

It knows spellings. It refuses to know which values are secret, and how a text is searched for them.

It is an airbag, not a seatbelt. Not found: a value that something breaks up (colour codes between
its letters, a terminal's line ends), compresses or encrypts; a percent-encoding with hexadecimal
digits of both cases; base64 in lines, unless the lines are 64 or 76 characters wide and the value
stands first; and one part of a structured value, such as the password inside a URL, by itself.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NoReturn, final

SHORTEST = 6
"""Characters below which hiding a value, or a line of it, would eat every text it touches."""

DOTS: Final = "......"

_LINE_END = re.compile(r"\r\n|\r|\n")
_ARMOUR = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]+-----")
_ESCAPE = re.compile(r"\\u[0-9a-f]{4}")
_UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_NEVER_ENCODED = (
    _UNRESERVED,  # RFC 3986, section 2.3
    _UNRESERVED + "/",  # urllib.parse.quote, paths
    _UNRESERVED + "!*'()",  # encodeURIComponent, ECMA-262 section 19.2.6.5
    _UNRESERVED + "!*'();/?:@&=+$,#",  # encodeURI, section 19.2.6.4
    "".join(c for c in _UNRESERVED if c != "~") + "*",  # application/x-www-form-urlencoded, WHATWG
)
_WRAPPED_AT = (64, 76)  # characters a line: PEM (RFC 7468), MIME (RFC 2045) and `base64`


@final
class Secret:
    """A value that prints as dots, whatever prints it; `reveal` is the only way to it.

    It is no dataclass, since `asdict` would take the value out of one, and no text, since then a
    type checker would let it pass for one. `json.dumps` and `pickle` refuse it, and
    `json.dumps(..., default=str)` writes dots. `name` says which one it is, such as `NPM_TOKEN`;
    it is safe to show, and two secrets are the same when their values are.
    """

    __slots__ = ("_value", "name")

    def __init__(self, value: str, name: str = "") -> None:
        self._value = value
        self.name = name

    def reveal(self) -> str:
        """Return the value, for the one who needs it."""
        return self._value

    def __repr__(self) -> str:
        return DOTS

    def __format__(self, spec: str) -> str:
        return format(DOTS, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never stored")


def is_too_short(value: str) -> bool:
    """Tell whether a value cannot be hidden: white space around it does not count."""
    return len(value.strip()) < SHORTEST


def forms(value: str) -> tuple[bytes, ...]:
    """Return every form under which a value may appear in a stream of UTF-8.

    Of a value of several lines also each line by itself, but for lines too short to be told from
    other text, lines without a letter or digit, and the armour of a PEM file, which is public.
    Base64 loses the up to two characters at either end that its surroundings decide as well: less
    than one byte at each end stays.

    Shape: unique, sorted, each of at least six bytes; empty for a value that is too short.
    """
    if is_too_short(value):
        return ()
    wholes = {whole for text in _unescaped(value) for whole in _wholes(text)}
    lines = {line for text in _unescaped(value) for line in _lines(text)}
    found = {form for text in wholes | lines for form in _spelt(text)}
    for whole in wholes:
        for raw in _bytes(whole):
            found.update((raw.hex().encode(), raw.hex().upper().encode()), _base64(raw))
    return tuple(sorted(form for form in found if len(form) >= SHORTEST))


def _unescaped(value: str) -> tuple[str, ...]:
    r"""The value, and what a program makes of one that holds `\n` for its line ends."""
    text = value.strip()
    return (text, text.replace("\\r", "").replace("\\n", "\n")) if "\\n" in text else (text,)


def _wholes(text: str) -> Iterator[str]:
    """Everything in one piece, with each thing that may stand where a line ended."""
    lines = _LINE_END.split(text)
    yield text
    yield "\n".join(lines)
    yield "\r\n".join(lines)  # through a terminal
    yield "".join(line.strip() for line in lines)
    yield " ".join(line.strip() for line in lines)  # `echo $KEY`, unquoted


def _lines(text: str) -> Iterator[str]:
    lines = [line.strip() for line in _LINE_END.split(text)]
    for line in lines:
        worth = len(line) >= SHORTEST and any(map(str.isalnum, line))
        if worth and not _ARMOUR.fullmatch(line):
            yield line


def _spelt(text: str) -> Iterator[bytes]:
    """The text as it is, and as each notation writes it between its quotes."""
    for spelling in {text, *_json(text), *_url(text), *_shell(text), *_xml(text)}:
        yield from _bytes(spelling)


def _bytes(text: str) -> set[bytes]:
    """UTF-8; and for an undecodable byte, which Python keeps as a surrogate, that byte too."""
    found = {text.encode("utf-8", "surrogatepass")}
    with suppress(UnicodeEncodeError):  # a surrogate that stands for no byte
        found.add(text.encode("utf-8", "surrogateescape"))
    return found


def _json(text: str) -> Iterator[str]:
    r"""RFC 8259 section 7 as Python, Node, Go (`\u003c`), PHP (`\/`) and Java (`\u00E9`) do it.

    Twice for a log line in a log line; and with the other quote, for JavaScript and Python.
    """
    once = {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    twice = {json.dumps(spelling, ensure_ascii=False)[1:-1] for spelling in once}
    for spelling in once | twice:
        safe = spelling.translate({ord(c): f"\\u{ord(c):04x}" for c in "<>&'"})
        safe_but_quote = spelling.translate({ord(c): f"\\u{ord(c):04x}" for c in "<>&"})
        for variant in (spelling, safe, safe_but_quote):
            yield variant
            yield variant.replace("/", "\\/")
            yield _ESCAPE.sub(lambda found: "\\u" + found[0][2:].upper(), variant)
        yield spelling.replace('\\"', '"').replace("'", "\\'")
        yield spelling.replace('\\"', '"')
    yield repr(text)[1:-1]
    yield _LINE_END.sub(r"\\n", text)


def _url(text: str) -> Iterator[str]:
    raw = text.encode("utf-8", "surrogatepass")
    for safe in _NEVER_ENCODED:
        for digits in ("%{:02X}", "%{:02x}"):
            encoded = "".join(chr(b) if chr(b) in safe else digits.format(b) for b in raw)
            yield encoded
            yield encoded.replace("%20", "+")


def _shell(text: str) -> Iterator[str]:
    yield text.replace("'", "'\\''")
    yield text.replace("'", "'\"'\"'")  # shlex.quote
    yield re.sub(r'([\\"$`])', r"\\\1", text)
    yield re.sub(r'([\\"$`!])', r"\\\1", text)
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", text)  # printf %q


def _xml(text: str) -> Iterator[str]:
    import html  # noqa: PLC0415 - most runs hide nothing, and it takes milliseconds

    within = html.escape(text, quote=False)
    yield within
    for double in ("&quot;", "&#34;", '"'):
        for single in ("&#x27;", "&#39;", "&apos;", "'"):
            quoted = within.replace('"', double).replace("'", single)
            yield quoted
            yield quoted.replace("\n", "&#10;")
            yield quoted.replace("\n", "&#xA;")


def _base64(raw: bytes) -> Iterator[bytes]:
    """RFC 4648 sections 4 and 5, wherever the value stands in what is encoded.

    Six bits make a character, so with 0, 1 or 2 bytes before it the value starts in the middle of
    one; only characters made of the value's bits alone are the same in every surrounding.
    """
    for before in range(3):
        first, end = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        padded = bytes(before) + raw
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            stable = encode(padded)[first:end]
            yield stable
            if before == 0:
                for width in _WRAPPED_AT:
                    yield from _wrapped(stable, width)


def _wrapped(text: bytes, width: int) -> Iterator[bytes]:
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    yield b"\n".join(lines)
    yield b"\r\n".join(lines)
    yield from lines
