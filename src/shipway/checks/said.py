"""What programs said, made fit to be shown: no escapes, no control characters, no endless lines.

It refuses to know what a line means.
"""

from __future__ import annotations

import re

# ECMA-48: CSI sequences (colours, cursor), OSC strings (titles, links) up to BEL or ST, the rest.
_CSI = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
_COLOURS = re.compile(_CSI)
_ESCAPES = re.compile(rf"{_CSI}|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LONGEST = 10_000


def plain(line: str) -> str:
    """Return a line as a terminal would leave it: no colours, and of a progress bar its end.

    At most 10,000 characters of the line are looked at.
    """
    bare = line[:_LONGEST].rstrip("\r\n")
    if not bare.isprintable():
        bare = _ESCAPES.sub("", bare).rstrip("\r").rpartition("\r")[2]
        bare = _CONTROLS.sub("", bare.expandtabs(4).replace("\n", " "))
    return bare.rstrip()


def cut(text: str, width: int) -> str:
    """Return a text of at most `width` characters, with an ellipsis where it was longer."""
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"


def uncoloured(text: str) -> str:
    """Return a text without colours and movements of the cursor; all else stays."""
    return _COLOURS.sub("", text)
