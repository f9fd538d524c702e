"""A plane of scripted tasks, watched by the real adapter over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.watching.lookout import Lookout

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def lookout() -> Iterator[Lookout]:
    """A plane on a virtual clock, and what watches it."""
    found = Lookout()
    yield found
    found.close()
