"""Parsed configurations, kept by their content: a verb that only looks need not parse again.

An entry is a pickle in this user's own cache folder; one that cannot be read is parsed anew.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

from shipway import model
from shipway.errors import Interrupted, Terminated
from shipway.model.service import Service

_CODE = Path(model.__file__).parent.parent
_DECIDING = (
    "model/probes.py",
    "model/migration.py",
    "model/service.py",
    "model/strategy.py",
    "config/check_schema.py",
    "config/checks.py",
    "config/crosscheck.py",
    "config/load.py",
    "config/probe_schema.py",
    "config/schema.py",
    "config/shapes.py",
    "config/strategy.py",
    "config/strategy_schema.py",
    "config/strict_yaml.py",
    "config/task_part.py",
)


class ConfigCache:
    """Keeps one file per configuration text, Python and version of the code that parses."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, text: str, parse: Callable[[str], Service]) -> Service:
        """Return the parsed configuration, parsing only what was never seen."""
        path = self._folder / f"{_key(text)}.pickle"
        try:
            kept = pickle.loads(path.read_bytes())  # noqa: S301 - our own file, in a 0700 folder
        except (Interrupted, Terminated):
            raise
        except Exception:  # noqa: BLE001 - whatever is wrong with an entry, parsing is right
            kept = None
        if isinstance(kept, Service):
            return kept
        service = parse(text)
        self._keep(path, service)
        return service

    def _keep(self, path: Path, service: Service) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = path.with_suffix(f".{id(service)}.part")
            draft.write_bytes(pickle.dumps(service))
            draft.replace(path)
        except OSError:
            return  # a cache that cannot be written costs time, nothing else


def _key(text: str) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for name in _DECIDING:
        digest.update(str((_CODE / name).stat().st_mtime_ns).encode())
    digest.update(text.encode())
    return digest.hexdigest()
