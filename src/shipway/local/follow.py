"""Reading a delivery's log while it grows, until the delivery ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shipway.local import runs
from shipway.local.locks import is_held
from shipway.local.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.local.home import Home

_CHUNK: Final = 65_536
_LOOK_S: Final = 1.0  # between two looks at whether anybody is left to end the run
_MEANING: Final = {
    0: "done",
    1: "Shipway has a bug",
    2: "wrong usage or configuration",
    3: "failed",
    4: "a gate said no",
    5: "something outside did not answer",
    6: "somebody else is delivering",
    7: "the plan is stale",
    8: "failed and rolled back",
    9: "the rollback failed: a person is needed",
    10: "superseded by a newer deployment",
    12: "stopped watching; the deployment goes on",
    137: "killed",
    143: "terminated",
}


def follow(place: Home, name: str) -> Iterator[bytes]:
    """Yield what the run says, from its beginning, until it is over.

    Ends too when no supervisor is left to end the run; then it has no exit status.
    """
    with runs.log(place, name).open("rb") as file:
        while True:
            # Asked before reading: what is read after the end is all there will ever be.
            over = runs.exit_status(place, name) is not None
            grown = False
            while piece := file.read(_CHUNK):
                grown = True
                yield piece
            if over or (not grown and _is_orphaned(place) and not _has_ended(place, name)):
                return
            if not grown:
                wait_until(lambda: _has_news(place, name, file.tell()), timeout_s=_LOOK_S)


def outcome(place: Home, name: str) -> str:
    """Return the end of the run in one line."""
    status = runs.exit_status(place, name)
    if status is None:
        return f"{name}: nobody is delivering it any more; push again"
    meaning = _MEANING.get(status, "failed")
    return f"{name}: {meaning}" if status == 0 else f"{name}: {meaning} (exit status {status})"


def _has_news(place: Home, name: str, seen: int) -> bool:
    return runs.log(place, name).stat().st_size > seen or _has_ended(place, name)


def _has_ended(place: Home, name: str) -> bool:
    return runs.exit_status(place, name) is not None


def _is_orphaned(place: Home) -> bool:
    # The reaper, too, records the end of the runs it finds.
    return not is_held(place.lock("supervisor")) and not is_held(place.lock("reaper"))
