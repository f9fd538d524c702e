"""Which checks made a run as long as it was, read from when each began and ended.

It refuses to know how they were scheduled: who waited for whom follows from the times.
"""

from __future__ import annotations

from shipway.model.lazy import dataclass

# A check begins this soon after the end of what it needs, where nothing else held it up.
PROMPT_S = 0.05


@dataclass(frozen=True, slots=True)
class Span:
    """When a check began and ended, in seconds from the run's start; `needs` where known."""

    name: str
    needs: tuple[str, ...]
    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class Link:
    """One check of the critical path.

    It took `seconds`, after it had waited `waited` seconds since the end of the check before it in
    the path, or since the run's start. `why` says what held it up: "start" for the first, "need"
    for a check that it needs, "slot" for one that it does not (it held the slot or the mutex).
    """

    name: str
    seconds: float
    waited: float
    why: str


def chain(spans: tuple[Span, ...]) -> tuple[Link, ...]:
    """Return the checks that determined the wall time, first to last; empty where none ran.

    From the check that ended last we go back: before each stands the need that ended just before
    it began, or else, since then a slot or a mutex was what it waited for, whichever check ended
    last before it began. The sum of `waited` and `seconds` is the end of the last check.
    """
    links: list[Link] = []
    left = sorted(spans, key=lambda span: (span.ended, span.started))
    here = left.pop() if left else None
    while here is not None:
        left = [span for span in left if span.ended <= here.started]
        before = _before(here, left)
        since = before.ended if before else 0.0
        why = "start" if before is None else "need" if before.name in here.needs else "slot"
        links.append(
            Link(
                here.name, round(here.ended - here.started, 6), round(here.started - since, 6), why
            )
        )
        left = [span for span in left if span is not before]
        here = before
    return tuple(reversed(links))


def _before(here: Span, earlier: list[Span]) -> Span | None:
    """Return what held a check up; `earlier` are those that had ended, in the order of ending."""
    needed = [span for span in earlier if span.name in here.needs]
    if needed and here.started - needed[-1].ended <= PROMPT_S:
        return needed[-1]
    return earlier[-1] if earlier else None


def length(links: tuple[Link, ...]) -> float:
    """Return the seconds of a path, with what was waited between its checks."""
    return sum(link.seconds + link.waited for link in links)
