"""Hides secrets in everything that is written or sent.

It knows how texts and streams are searched for every form of a secret; it refuses to know where a
secret comes from, and what becomes of the text.

The rule: of a text, the bytes that belong to any occurrence of any form are hidden. Each longest
run of such bytes becomes `***`, however long it was and however many secrets met in it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from fnmatch import fnmatchcase
from threading import Lock
from typing import Final

from shipway.errors import SecretIsTooShort
from shipway.events.types import Event
from shipway.model.secret import SHORTEST, Secret, forms, is_too_short
from shipway.model.secret_names import SECRET_NAMES

STARS: Final = b"***"

# Under a secret's name these are switches and stand-ins. Anybody guesses them, so hiding them
# protects nothing, and would eat words that logs and ledgers are made of.
_TRIVIAL = frozenset((
    "changeme", "default", "development", "disabled", "enabled", "example", "localhost",
    "password", "postgres", "preprod", "production", "required", "secret", "staging", "testing",
    "undefined",
))  # fmt: skip
_COUNT = re.compile(r"[0-9.,_]{1,7}")  # a port, a limit, milliseconds up to hours

_ANCHOR = 12
"""Bytes at the start of a form that the automaton knows: enough to meet nothing by chance, and
few enough that even the forms of a long key fit into a table for which each byte is one look-up."""


class _Net:
    """The forms of all secrets, made ready for searching; never changed once it is made."""

    def __init__(self, found: Iterable[bytes]) -> None:
        from ahocorasick_rs import (  # noqa: PLC0415 - nobody without a secret pays for loading it
            BytesAhoCorasick,
            Implementation,
        )

        by_anchor = defaultdict[bytes, list[bytes]](list)
        self._starts = set[bytes]()
        for form in found:
            by_anchor[form[:_ANCHOR]].append(form)
            self._starts.update(form[:end] for end in range(1, min(len(form), _ANCHOR)))
        self._groups = [sorted(group, key=len, reverse=True) for group in by_anchor.values()]
        self._automaton = BytesAhoCorasick(list(by_anchor), implementation=Implementation.DFA)

    def search(self, data: bytes) -> tuple[list[tuple[int, int]], int]:
        """Find what is to be hidden, and where a form may have begun whose rest is to come.

        Returns:
            spans, sorted, which may overlap; and the first place where at least an anchor of a
            form stands that goes on after `data`, or the length of `data`.
        """
        spans: list[tuple[int, int]] = []
        keep = len(data)
        for index, start, _ in self._automaton.find_matches_as_indexes(data, overlapping=True):
            left = len(data) - start
            for form in self._groups[index]:  # the longest that is there covers the others
                if len(form) > left:
                    if start < keep and form.startswith(data[start:]):
                        keep = start
                elif data.startswith(form, start):
                    spans.append((start, start + len(form)))
                    break
        spans.sort()
        return spans, keep

    def begun(self, data: bytes) -> int:
        """Return where the last few bytes begin a form, fewer than an anchor, or the length."""
        for length in range(min(_ANCHOR - 1, len(data)), 0, -1):
            if data[-length:] in self._starts:
                return len(data) - length
        return len(data)


class Redactor:
    """Hides every secret that it knows; any thread may use it, and add to it, at any time."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        """Know these secrets from the start; raises SecretIsTooShort as `add` does."""
        self._lock = Lock()
        self._forms = frozenset[bytes]()
        self._net: _Net | None = None  # None: not made yet of the forms that are known
        for secret in secrets:
            self.add(secret)

    def add(self, secret: Secret) -> None:
        """Hide this one too, from the next text or chunk on; what a stream holds back included.

        Adding one twice changes nothing.

        Raises:
            SecretIsTooShort: it has fewer than six characters, not counting white space around it.
        """
        if is_too_short(secret.reveal()):
            raise SecretIsTooShort(
                f"the value of {secret.name or 'a secret'} has fewer than {SHORTEST} characters",
                hint="hiding it would eat every text that happens to hold it: use a longer one",
            )
        found = forms(secret.reveal())
        with self._lock:
            if not self._forms.issuperset(found):
                self._forms = self._forms.union(found)
                self._net = None

    def text(self, text: str) -> str:
        """Return the text with its secrets hidden; the very same object where it holds none.

        What is cut off a text before it comes here may be half of a secret: redact, then shorten.
        """
        net = self.net()
        data = text.encode("utf-8", "surrogatepass") if net else b""
        if net is None or not net.search(data)[0]:
            return text
        stream = self.stream()
        return _decoded(stream.feed(data) + stream.end())

    def holds(self, chunks: Iterable[bytes]) -> bool:
        """Tell whether a secret is in what these chunks make, however it was cut.

        Where no secret is known the chunks are not even asked for.
        """
        if (net := self.net()) is None:
            return False
        rest = b""
        for chunk in chunks:
            data = rest + chunk
            spans, keep = net.search(data)
            if spans:
                return True
            rest = data[min(keep, net.begun(data)) :]
        return False

    def stream(self) -> RedactedStream:
        """Return what one output stream has to pass through."""
        return RedactedStream(self)

    def net(self) -> _Net | None:
        """What finds the forms of all secrets known now; None where there are none."""
        if (net := self._net) is None and self._forms:
            with self._lock:  # so that what is added meanwhile is not overwritten by what was
                net = self._net = _Net(self._forms)
        return net


class RedactedStream:
    """One output stream on its way through a redactor; one thread feeds it.

    All that comes out, put together, is the same however the stream was cut into chunks.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = b""
        self._hidden = -1
        """How many bytes of what is held the last stars stand for; -1: they stand elsewhere."""

    def feed(self, chunk: bytes) -> bytes:
        """Return what is safe to write now.

        Only an end that is the beginning of a form is held back, so less than the longest form,
        and none of it when it belongs to what is hidden already. It may be empty.
        """
        net = self._redactor.net()
        if net is None:
            return chunk
        data = self._held + chunk if self._held else chunk
        spans, keep = net.search(data)
        return self._tell(data, spans, min(keep, net.begun(data)))

    def end(self) -> bytes:
        """Return the rest, which no chunk follows; the stream may then start anew."""
        net = self._redactor.net()
        data, spans = self._held, net.search(self._held)[0] if net else []
        told = self._tell(data, spans, len(data))
        self._hidden = -1
        return told

    def _tell(self, data: bytes, spans: list[tuple[int, int]], keep: int) -> bytes:
        """Write what stands before `keep`, and hold the rest back."""
        if not spans and self._hidden < 0 and keep == len(data):
            self._held = b""
            return data
        told: list[bytes] = []
        at, after_stars = max(self._hidden, 0), self._hidden >= 0
        for start, end in spans:
            if after_stars and start <= at:
                at = max(at, end)
            elif start <= keep:
                told += (data[at:start], STARS)
                at, after_stars = end, True
        if at < keep:
            told.append(data[at:keep])
            at, after_stars = keep, False
        self._held = data[keep:]
        self._hidden = at - keep if after_stars else -1
        return b"".join(told)


def clean(event: Event, redactor: Redactor) -> Event:
    """Return the event with secrets hidden in all its texts; the very same where it holds none.

    Names count as texts: an environment that is called like a secret loses its name.
    """
    changes: dict[str, str | tuple[str, ...]] = {}
    for field in fields(event):
        match getattr(event, field.name):
            case str() as text if (told := redactor.text(text)) is not text:
                changes[field.name] = told
            case tuple() as texts:
                told_all = tuple(redactor.text(text) for text in texts)
                if told_all != texts:
                    changes[field.name] = told_all
            case _:
                pass  # a number, a truth value or None
    return replace(event, **changes) if changes else event  # type: ignore[arg-type]  # by field name


def secret_names(
    environ: Mapping[str, str], patterns: tuple[str, ...] = SECRET_NAMES
) -> tuple[str, ...]:
    """Return the variables that hold a secret by their name; sorted, perhaps empty.

    Patterns are globs in upper case, and the case of a name does not matter. Left out are values
    that cannot be hidden or are no secret: short ones, switches and stand-ins (`disabled`,
    `changeme`), numbers of up to seven digits, and one character again and again (`xxxxxxxx`).
    """
    # globs of one star in front, as most are, need not be compiled
    plain = {p for p in patterns if p.startswith("*") and not set(p[1:]).intersection("*?[")}
    endings = tuple(pattern[1:] for pattern in plain)
    others = tuple(pattern for pattern in patterns if pattern not in plain)
    return tuple(
        name
        for name, value in sorted(environ.items())
        if (
            name.upper().endswith(endings)
            or any(fnmatchcase(name.upper(), pattern) for pattern in others)
        )
        and _is_worth_hiding(value.strip())
    )


def _is_worth_hiding(value: str) -> bool:
    trivial = value.lower() in _TRIVIAL or _COUNT.fullmatch(value) or len(set(value)) == 1
    return not is_too_short(value) and not trivial


def _decoded(data: bytes) -> str:
    """Text again; an undecodable secret may have been cut out of the middle of a character."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")
