"""HTTP as probes need it: one request, and whatever happens is an answer."""

from __future__ import annotations

import errno
import socket
import time

import httpx2

from shipway.model.observed import ProbeAnswer

_LARGEST = 2**20


class _TooSlow(Exception):
    """The body did not end in time."""


class HttpProbes:
    """`ports.Http` over httpx2; redirects are answers, not invitations."""

    def ask(
        self,
        url: str,
        *,
        timeout_s: float,
        method: str = "GET",
        headers: tuple[tuple[str, str], ...] = (),
        body: bool = False,
    ) -> ProbeAnswer:
        """Ask once; a refused connection or a time-out is an answer, never an error."""
        start = time.monotonic()
        try:
            # without a body the status is the answer: one that drips would outlive any time-out
            with httpx2.stream(
                method, url, headers=dict(headers), timeout=timeout_s, trust_env=False
            ) as answer:
                read = _text(answer, start + timeout_s) if body else ""
                return ProbeAnswer(answer.status_code, time.monotonic() - start, "", read)
        except (httpx2.HTTPError, httpx2.InvalidURL, _TooSlow) as problem:
            said = f"no answer ({str(problem) or type(problem).__name__})"
            seconds = time.monotonic() - start
            return ProbeAnswer(None, seconds, said, reached=not _is_out_of_reach(problem))


def _text(answer: httpx2.Response, end: float) -> str:
    """Return the body, or its first MiB; what cannot be decoded is replaced."""
    data = b""
    for chunk in answer.iter_bytes():
        data += chunk
        if len(data) >= _LARGEST:
            break
        if time.monotonic() > end:
            raise _TooSlow("its body did not end in time")
    return data[:_LARGEST].decode(answer.encoding or "utf-8", "replace")


def _is_out_of_reach(problem: BaseException) -> bool:
    """Tell whether nobody can have got the request: no name, no way there, no connection in time.

    A connection that was refused, or a certificate that is wrong, did come from somebody.
    """
    if isinstance(problem, httpx2.ConnectTimeout):
        return True
    cause: BaseException | None = problem
    while cause is not None:
        no_way = isinstance(cause, OSError) and cause.errno in _NO_WAY
        if isinstance(cause, socket.gaierror) or no_way:
            return True
        cause = cause.__cause__ or cause.__context__
    return False


_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
