"""What has to hold in an environment after a deployment: what is asked, and what is wanted."""

from __future__ import annotations

from shipway.model.lazy import dataclass


@dataclass(frozen=True, slots=True)
class BodyRule:
    """What the body of an answer has to be; what is empty does not matter.

    `contains` is a text, `matches` a regular expression that is found anywhere, `equals` JSON
    pointers (RFC 6901) and the text that stands there: a number or truth value as JSON writes it.
    """

    contains: str = ""
    matches: str = ""
    equals: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """A request that is answered with one of `statuses`, `answers` times, each within `timeout_s`.

    `latency_s` is what 95 of 100 answers must keep to, None without limit. `retries` are wrong
    answers that are forgiven after the first right one.
    """

    path: str
    statuses: tuple[int, ...]
    timeout_s: float
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: BodyRule = BodyRule()
    latency_s: float | None = None
    answers: int = 5
    retries: int = 0


@dataclass(frozen=True, slots=True)
class CommandProbe:
    """An acceptance command; it finds the environment's address in `SHIPWAY_URL`."""

    command: tuple[str, ...]
    timeout_s: float


@dataclass(frozen=True, slots=True)
class AlarmProbe:
    """A CloudWatch alarm that must not fire."""

    name: str


Probe = HttpProbe | CommandProbe | AlarmProbe
