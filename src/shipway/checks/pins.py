"""Whether a package manager is the one that the checkout pins."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_EXACT = re.compile(r"v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)")


def wrong_pin(package_json: str, program: str, version: str) -> str:
    """Return how a program differs from its pin; nothing where it fits, or none is known.

    A pin is `packageManager` (`pnpm@10.34.9+sha512.x`) or an exact version in
    `devEngines.packageManager` or `volta`; a range is the program's own business.

    Args:
        package_json: text of the file beside the check, or of the root's.
        program: as a check calls it, such as `pnpm`.
        version: what the program says of itself; what stands behind the first version is ignored.
    """
    installed = _EXACT.search(version)
    if not installed:
        return ""
    for name, pinned in _pins(package_json):
        if name == program and pinned != installed[1]:
            return f"{program} version {installed[1]} is installed, package.json pins {pinned}"
    return ""


def _pins(text: str) -> Iterator[tuple[str, str]]:
    """Program and exact version, of each pin."""
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError):
        return
    written: list[tuple[object, object]] = []
    if isinstance(data, dict):
        manager, engines, volta = (data.get(k) for k in ("packageManager", "devEngines", "volta"))
        if isinstance(manager, str):
            name, _, wanted = manager.partition("@")
            written.append((name, wanted.partition("+")[0]))
        if isinstance(engines, dict) and isinstance(pinned := engines.get("packageManager"), dict):
            written.append((pinned.get("name"), pinned.get("version")))
        if isinstance(volta, dict):
            written += volta.items()
    for who, which in written:
        exact = _EXACT.fullmatch(which) if isinstance(which, str) else None
        if isinstance(who, str) and exact:
            yield who, exact[1]
