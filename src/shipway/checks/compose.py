"""What the compose project of a check is called; it refuses to know how compose is run."""

from __future__ import annotations

import hashlib
import re

LONGEST = 128
"""Names of images and volumes begin with it, and those end at 255."""

_UNFIT = re.compile(r"[^a-z0-9_-]")


def project(service: str, run: str, check: str) -> str:
    """Return a name for one check of one run, which no other has.

    Lower-case letters, digits, `_` and `-` only, as compose asks: where something had to be
    changed or cut, a mark of the whole keeps it unique.
    Source: https://docs.docker.com/compose/how-tos/project-name/
    """
    whole = f"shipway-{service}-{run}-{check}"
    name = _UNFIT.sub("-", whole.lower())
    if name == whole and len(name) <= LONGEST:
        return name
    mark = hashlib.sha256(whole.encode()).hexdigest()[:10]
    return f"{name[: LONGEST - 11]}-{mark}"
