"""YAML written by hand, since no library writes comments: quoting, lists, lines of comment.

What it writes is what Prettier would leave as it is, in the repository's own settings: a file that
`shipway init` adds must not make the repository's format check fail.
"""

from __future__ import annotations

import re
import textwrap

from shipway.discovery.seen import Seen
from shipway.model.lazy import dataclass

_PLAIN = re.compile(r"[A-Za-z0-9_./^$][^\n\"\\]*")
_MEANT_OTHERWISE = re.compile(
    r"~|null|true|false|yes|no|on|off|[-+]?[\d._]+(e[-+]?\d+)?|0[xo][\da-f]+|[\d:.-]+",
    re.IGNORECASE,
)
_COMMENT_COLUMNS = 100


@dataclass(frozen=True, slots=True)
class Layout:
    """How a repository wants YAML to look: columns of indentation, quotes, columns of a line."""

    indent: int = 2
    quote: str = '"'
    width: int = 80

    def scalar(self, text: str, *, inside: bool = False) -> str:
        """Write a text, quoted where it would mean something else; `inside` a list in brackets."""
        if not text.isprintable():  # only between double quotes can everything be written
            return '"' + "".join(map(_escaped, text)) + '"'
        marks = ": ", " #"
        plain = _PLAIN.fullmatch(text) and not _MEANT_OTHERWISE.fullmatch(text)
        plain = plain and not (inside and re.search(r"[,\[\]{}]", text))
        if plain and not any(m in text for m in marks) and not text.endswith((":", " ")):
            return text
        other = "'" if self.quote == '"' else '"'
        quote = other if self.quote in text and other not in text else self.quote
        if quote == "'":
            return "'" + text.replace("'", "''") + "'"
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def items(self, key: str, texts: tuple[str, ...], depth: int) -> list[str]:
        """Write a list: in brackets where it fits on the line, else an item a line."""
        start = " " * (self.indent * depth)
        line = f"{start}{key}: [{', '.join(self.scalar(t, inside=True) for t in texts)}]"
        if len(line) <= self.width:
            return [line]
        deeper = " " * (self.indent * (depth + 1))
        return [f"{start}{key}:", *(f"{deeper}- {self.scalar(t)}" for t in texts)]

    def entry(self, key: str, text: str, depth: int) -> str:
        """Write a key with one value."""
        return f"{' ' * (self.indent * depth)}{key}: {self.scalar(text)}"

    def comment(self, text: str, depth: int) -> list[str]:
        """Write a sentence as lines of comment."""
        start = f"{' ' * (self.indent * depth)}# "
        text = "".join(c if c.isprintable() else " " for c in text)
        return textwrap.wrap(
            text,
            _COMMENT_COLUMNS,
            initial_indent=start,
            subsequent_indent=start,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def layout(seen: Seen) -> Layout:
    """Read what Prettier will ask for, from its settings and from .editorconfig, roughly."""
    said = "\n".join(seen.text(p) for p in seen.named(r"\.prettierrc(\..+)?|prettier\.config\.\w+"))
    said = said or seen.text("package.json") * ('"prettier"' in seen.text("package.json"))
    editor = _editor(seen.text(".editorconfig"))
    single = re.search(r"\bsingleQuote[\"']?\s*:\s*true", said)
    indent = re.search(r"\btabWidth[\"']?\s*:\s*(\d+)", said) or editor["indent_size"]
    width = re.search(r"\bprintWidth[\"']?\s*:\s*(\d+)", said) or editor["max_line_length"]
    columns = int(indent[1]) if indent else 2
    return Layout(
        indent=min(max(columns, 2), 8),
        quote="'" if single else '"',
        width=int(width[1]) if width else 80,
    )


def _editor(text: str) -> dict[str, re.Match[str] | None]:
    """Return what the sections that fit *.yaml say; a later one outweighs an earlier."""
    found: dict[str, re.Match[str] | None] = {"indent_size": None, "max_line_length": None}
    fits = False
    for line in text.splitlines():
        if line.startswith("["):
            fits = line.strip() == "[*]" or re.search(r"ya?ml", line) is not None
        for name, before in found.items():
            said = re.match(rf"\s*{name}\s*=\s*(\d+)", line)
            found[name] = said if fits and said else before
    return found
