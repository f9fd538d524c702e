"""HTTP in memory: answers that a test writes down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from shipway.model.observed import ProbeAnswer
from shipway.testing.calls import Calls, Misuse


@dataclass(slots=True)
class FakeHttp:
    """`ports.Http`; `answer` says the status of a URL, or the reason why there is none.

    It may give a whole `ProbeAnswer` instead.
    """

    answer: Callable[[str], int | str | ProbeAnswer]
    calls: Calls = field(default_factory=Calls)
    asked: list[str] = field(default_factory=list)
    headers: list[tuple[tuple[str, str], ...]] = field(default_factory=list)

    def ask(
        self,
        url: str,
        *,
        timeout_s: float,
        method: str = "GET",
        headers: tuple[tuple[str, str], ...] = (),
        body: bool = False,
    ) -> ProbeAnswer:
        """Answer at once; see `ports.Http`."""
        if timeout_s <= 0 or not method:
            raise Misuse("a probe without a deadline or a method")
        with self.calls.call("http.ask"):
            self.asked.append(url)
            self.headers.append(headers)
            said = self.answer(url)
        if isinstance(said, ProbeAnswer):
            return said if body else replace(said, body="")
        if isinstance(said, int):
            return ProbeAnswer(said, 0.01, "")
        return ProbeAnswer(None, 0.01, said)
