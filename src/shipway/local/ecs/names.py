"""ARNs and ids as ECS and ELBv2 spell them."""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass


class Ids:
    """A source of ids; with a seed the sequence repeats, which makes virtual runs reproducible."""

    def __init__(self, seed: str | None) -> None:
        self._seed = seed if seed is not None else secrets.token_hex(16)
        self._count = 0
        self._lock = threading.Lock()

    def hex(self, length: int = 32) -> str:
        """Return `length` (at most 64) lower-case hex digits."""
        with self._lock:
            self._count += 1
            text = f"{self._seed}:{self._count}"
        return hashlib.sha256(text.encode()).hexdigest()[:length]

    def digits(self, length: int = 19) -> str:
        """Return `length` decimal digits, the first not zero (deployment ids: `ecs-svc/<19>`)."""
        return str(int(self.hex(), 16) % (9 * 10 ** (length - 1)) + 10 ** (length - 1))

    def uuid(self) -> str:
        """Return text in the form of a UUID (event ids)."""
        text = self.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@dataclass(frozen=True, slots=True)
class Arns:
    """Builds ARNs of one account and region."""

    region: str
    account: str

    def ecs(self, path: str) -> str:
        """Return an ECS ARN, e.g. path `cluster/main`."""
        return f"arn:aws:ecs:{self.region}:{self.account}:{path}"

    def elb(self, path: str) -> str:
        """Return an ELBv2 ARN, e.g. path `targetgroup/web/0123456789abcdef`."""
        return f"arn:aws:elasticloadbalancing:{self.region}:{self.account}:{path}"


def last_part(arn: str) -> str:
    """Return what follows the last slash: a cluster's, service's or task's short name."""
    return arn.rsplit("/", 1)[-1]
