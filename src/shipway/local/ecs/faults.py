"""What goes wrong on purpose: each fault is off until somebody sets it on this control plane.

Knows AWS's error codes for troubles that no handler causes: throttling, expired tokens, missing
permissions, late visibility. Refuses to know any operation's meaning.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from shipway.local.ecs.wire.errors import AwsError

REGISTER_BURST, REGISTER_PER_S = 20, 1.0
"""RegisterTaskDefinition's limits on AWS (Amazon ECS API throttling quotas)."""
_TIRED = "The security token included in the request is expired"


@dataclass(slots=True)
class _Bucket:
    burst: float
    per_s: float
    tokens: float
    filled_at: float

    def take(self, now: float) -> bool:
        """Take a token if there is one."""
        self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.per_s)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Faults:
    """The faults of one control plane; may be set and asked from any thread.

    `hide_deployments_s`: a new service deployment cannot be listed or described for so long.
    Operations are named as in the API, e.g. `UpdateService`.
    """

    def __init__(self) -> None:
        self.hide_deployments_s = 0.0
        self._lock = threading.Lock()
        self._denied: set[str] = set()
        self._throttled: dict[str, int] = {}
        self._buckets: dict[str, _Bucket] = {}
        self._expired = 0
        self.refused: list[tuple[str, str]] = []
        """Operation and error code of each request refused so far, in order."""

    def deny(self, *operations: str) -> None:
        """Answer these operations with AccessDenied until `allow`."""
        with self._lock:
            self._denied.update(operations)

    def allow(self, *operations: str) -> None:
        """End `deny`."""
        with self._lock:
            self._denied.difference_update(operations)

    def throttle(self, operation: str, times: int = 1) -> None:
        """Refuse the next `times` requests of `operation`; `*` means of any operation."""
        with self._lock:
            self._throttled[operation] = times

    def limit(
        self, operation: str, burst: int = REGISTER_BURST, per_s: float = REGISTER_PER_S
    ) -> None:
        """Let through `burst` requests at once and `per_s` a second afterwards."""
        with self._lock:
            # Filled at the first request: only that brings the clock's time with it.
            self._buckets[operation] = _Bucket(burst, per_s, burst, 0.0)

    def expire_token(self, times: int = 1) -> None:
        """Refuse the next `times` requests as signed with an expired token."""
        with self._lock:
            self._expired = times

    def refuse(self, operation: str, now: float, *, query: bool) -> None:
        """Raise AwsError when a fault hits this request; `query`: in ELBv2's codes."""
        with self._lock:
            error = self._fault(operation, now, query=query)
            if error is not None:
                self.refused.append((operation, error.code))
                raise error

    def _fault(self, operation: str, now: float, *, query: bool) -> AwsError | None:
        status = 403 if query else 400
        if self._expired > 0:
            self._expired -= 1
            return AwsError("ExpiredToken" if query else "ExpiredTokenException", _TIRED, status)
        if operation in self._denied:
            text = f"User is not authorized to perform: {operation}"
            return AwsError("AccessDenied" if query else "AccessDeniedException", text, status)
        bucket = self._buckets.get(operation)
        exhausted = bucket is not None and not bucket.take(now)
        if exhausted or self._count_down(operation) or self._count_down("*"):
            return AwsError("Throttling" if query else "ThrottlingException", "Rate exceeded")
        return None

    def _count_down(self, operation: str) -> bool:
        left = self._throttled.get(operation, 0)
        self._throttled[operation] = max(0, left - 1)
        return left > 0
