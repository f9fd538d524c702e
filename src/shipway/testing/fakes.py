"""Every fake in one place to import from; each is explained where it is made."""

from __future__ import annotations

from shipway.testing.calls import Calls, Killed, Misuse
from shipway.testing.ecs import FakeOrchestrator
from shipway.testing.endings import Ending
from shipway.testing.http import FakeHttp
from shipway.testing.images import FakeBuilder, FakeRegistry
from shipway.testing.inspector import FakeInspector
from shipway.testing.machine import (
    FakeClock,
    FakeCompose,
    FakeFiles,
    FakeRepository,
    FakeShell,
    Script,
)
from shipway.testing.memory import FakeLeases, MemoryLedger

__all__ = [
    "Calls",
    "Ending",
    "FakeBuilder",
    "FakeClock",
    "FakeCompose",
    "FakeFiles",
    "FakeHttp",
    "FakeInspector",
    "FakeLeases",
    "FakeOrchestrator",
    "FakeRegistry",
    "FakeRepository",
    "FakeShell",
    "Killed",
    "MemoryLedger",
    "Misuse",
    "Script",
]
