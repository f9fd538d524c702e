"""The scripts of a `package.json`, read as commands: which need a shell, which do not.

Checks run without a shell, and a tool that is called directly starts half a second earlier than
through its package manager; so a script that is one plain command is taken as it stands.
"""

from __future__ import annotations

import re
import shlex

_ALWAYS_SHELL = frozenset("|&;<>()`\n")
_EXPANDED = frozenset("$*?[]{}~#!\\")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_REFUSED = frozenset({"&&", "||", "|", ";", ">", "<", "&"})
_PLACEHOLDER = "no test specified"


def plain(text: str) -> tuple[str, ...] | None:
    """Return the words of a command that means the same without a shell; None for any other."""
    if (
        not text.isprintable()
        or not text.strip()
        or _special(text, _ALWAYS_SHELL | _EXPANDED)
        or _ASSIGNMENT.match(text)
    ):
        return None
    try:
        words = tuple(shlex.split(text))
    except ValueError:
        return None
    # quoted, these are texts; but a configuration refuses them, since they are seldom meant so
    return None if set(words) & _REFUSED or "" in words[:1] else words


def takes_arguments(text: str) -> bool:
    """Tell whether arguments that are put behind a script reach its last command."""
    last = parts(text)[-1]
    return bool(last) and not _special(last, _ALWAYS_SHELL)


def parts(text: str) -> tuple[str, ...]:
    """Return the commands that a script joins with `&&`, in their order."""
    return tuple(part.strip() for part in re.split(r"&&", text))


def is_written(text: str) -> bool:
    """Tell whether a script does anything: what `npm init` leaves behind does not."""
    return bool(text.strip()) and _PLACEHOLDER not in text


def calls(text: str, *tools: str) -> bool:
    """Tell whether a script's text calls one of these programs."""
    return any(re.search(rf"(?<![\w./@:-]){re.escape(t)}(?![\w./:-])", text) for t in tools)


def _special(text: str, marks: frozenset[str]) -> bool:
    """Tell whether one of the marks stands where a shell would act on it."""
    quote = ""
    for mark in text:
        if quote:
            if mark == quote:
                quote = ""
            elif quote == '"' and mark in "$`\\":
                return True
        elif mark in "'\"":
            quote = mark
        elif mark in marks:
            return True
    return False
