"""Waiting ends with a verdict, the deadline, or a silence that lasts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shipway.apply.waiting import SILENCE_S, wait_for
from shipway.errors import AccessIsDenied, AwsDidNotAnswer
from shipway.testing.fakes import FakeClock


def wait(look: Callable[[], str | None], clock: FakeClock, *, within_s: float = 30) -> str | None:
    """Look every second."""
    return wait_for(look, clock=clock, every_s=1.0, within_s=within_s)


def answers(*said: str | Exception | None) -> Callable[[], str | None]:
    """A look that gives these answers one after the other, the last one for ever."""
    left = list(said)

    def look() -> str | None:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return look


def test_a_verdict_that_is_there_costs_no_time() -> None:
    """The first look may be the last."""
    clock = FakeClock()
    assert wait(answers("yes"), clock) == "yes"
    assert clock.waited == 0


def test_it_looks_until_there_is_a_verdict() -> None:
    """Between two looks it waits for as long as it was told."""
    clock = FakeClock()
    assert wait(answers(None, None, "yes"), clock) == "yes"
    assert clock.waited == 2


def test_at_the_deadline_there_is_no_verdict() -> None:
    """It never waits beyond its time, and says so by None."""
    clock = FakeClock()
    assert wait(answers(None), clock, within_s=5.5) is None
    assert clock.waited == 5


def test_a_short_silence_is_survived() -> None:
    """Looks that got no answer are repeated."""
    silence = AwsDidNotAnswer("throttled")
    assert wait(answers(silence, silence, None, silence, "yes"), FakeClock()) == "yes"


def test_a_lasting_silence_is_told() -> None:
    """After a minute without any answer there is nothing to wait for."""
    clock = FakeClock()
    with pytest.raises(AwsDidNotAnswer):
        wait(answers(None, AwsDidNotAnswer("gone")), clock, within_s=1000)
    assert SILENCE_S < clock.waited < SILENCE_S + 3


def test_each_answer_ends_the_silence() -> None:
    """Silence counts from the last answer, not from the beginning."""
    clock, silence = FakeClock(), AwsDidNotAnswer("throttled")
    looks = answers(*([silence] * 50), None, *([silence] * 50), "yes")
    assert wait(looks, clock, within_s=1000) == "yes"


def test_denied_access_is_told_at_once() -> None:
    """Waiting does not change what an identity may do."""
    clock = FakeClock()
    with pytest.raises(AccessIsDenied):
        wait(answers(AccessIsDenied("no")), clock)
    assert clock.waited == 0


def test_a_deadline_without_any_answer_is_no_verdict() -> None:
    """When nobody ever answered, that is told instead of a time-out."""
    with pytest.raises(AwsDidNotAnswer):
        wait(answers(AwsDidNotAnswer("gone")), FakeClock(), within_s=5)
