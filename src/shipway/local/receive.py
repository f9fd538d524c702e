"""What the `post-receive` hook does: hand the push over, then show how its delivery goes.

Git has accepted the push before this runs; nothing here can refuse it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shipway.errors import LocalIsDown
from shipway.local import asking, instance
from shipway.local.follow import follow, outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from shipway.local.control import Accepted
    from shipway.local.home import Home

_DETACH: Final = "detach"


def receive(
    place: Home,
    service: str,
    lines: Iterable[str],
    options: list[str],
    write: Callable[[bytes], None],
) -> None:
    """Start the deliveries of a push and write what they say, one after the other.

    Args:
        place: where the embedded default lives.
        service: whose repository was pushed to.
        lines: `old new ref`, as git gives them to the hook.
        options: the push options; `detach` returns as soon as the push is handed over.
        write: takes what the pusher sees; may raise when the pusher has gone, and the
            deliveries go on without.
    """
    asked = [line.strip() for line in lines if line.strip()]
    try:
        where = instance.read_running(place)
        accepted = asking.post_pushes(place, where, service, asked, options)
    except LocalIsDown as problem:
        _say(write, f"{problem.message}. The push is kept, but nothing is delivered:")
        _say(write, "run `shipway local up`, then `shipway deliver` or push again.")
        return
    for item in accepted:
        if not item.run:
            _say(write, item.note)
        elif _DETACH in options:
            _say(write, f"delivery {item.run} has started: `shipway local follow {item.run}`")
        else:
            _show(place, item, write)


def push_options(environ: Mapping[str, str]) -> list[str]:
    """Return the options of the push, in order. Source: githooks(5), post-receive."""
    count = int(environ.get("GIT_PUSH_OPTION_COUNT") or 0)
    return [environ.get(f"GIT_PUSH_OPTION_{index}", "") for index in range(count)]


def place_of(repository: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which `home` finds the state folder that holds a repository.

    The pusher's own environment may name another state folder; the repository knows better.
    """
    return {**environ, "SHIPWAY_STATE": str(repository.resolve().parent.parent)}


def _show(place: Home, item: Accepted, write: Callable[[bytes], None]) -> None:
    _say(write, f"delivery {item.run} (Ctrl-C leaves it running)")
    for piece in follow(place, item.run):
        write(piece)
    _say(write, outcome(place, item.run))


def _say(write: Callable[[bytes], None], text: str) -> None:
    write(f"{text}\n".encode())
