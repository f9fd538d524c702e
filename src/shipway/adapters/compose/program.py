"""Which compose is installed, told by what it says of its version and never by an exit status.

1.29 prints its help and exits 0 on a flag that it does not know, and so does a docker without the
plug-in: only flags that both know are used.
"""

from __future__ import annotations

import re

from shipway.adapters.shell import LocalShell
from shipway.errors import ToolIsMissing

_VERSION = re.compile(r"^v?(\d+)\.(\d+)\b\S*$")
_OLDEST = (1, 29)


def find(shell: LocalShell, root: str, docker: str) -> tuple[str, ...]:
    """Return the words that start compose: the client's plug-in where it has one.

    Raises:
        ToolIsMissing: neither is installed, or only one that is too old.
    """
    old = ""
    for words in ((docker, "compose"), ("docker-compose",)):
        try:
            status, lines = shell.capture((*words, "version", "--short"), cwd=root)
        except ToolIsMissing:
            continue
        found = _VERSION.match(lines[-1].strip()) if status == 0 and lines else None
        if found and (int(found[1]), int(found[2])) >= _OLDEST:
            return words
        old = found[0] if found else old
    raise ToolIsMissing(
        f"docker-compose {old} is too old"
        if old
        else "neither `docker compose` nor `docker-compose` is installed",
        hint="install Docker's compose plug-in; or on Debian: apt-get install docker-compose",
    )
