"""HTTP as probes need it: one GET, and whatever happens is an answer."""

from __future__ import annotations

import time

import httpx2

from shipway.model.observed import ProbeAnswer


class HttpProbes:
    """`ports.Http` over httpx2; redirects are answers, not invitations."""

    def get(self, url: str, *, timeout_s: float) -> ProbeAnswer:
        """GET once; a refused connection or a time-out is an answer, never an error."""
        start = time.monotonic()
        try:
            # the status is the answer: a body that drips would outlive any time-out
            with httpx2.stream("GET", url, timeout=timeout_s, trust_env=False) as answer:
                return ProbeAnswer(answer.status_code, time.monotonic() - start, "")
        except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
            said = str(problem) or type(problem).__name__
            return ProbeAnswer(None, time.monotonic() - start, f"no answer ({said})")
