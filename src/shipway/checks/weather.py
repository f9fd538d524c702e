"""Failures that are the network's and not the code's: the only ones that `retries` repeats.

Each pattern is one line of one tool, as it writes it when a registry breaks off; a word like
ECONNRESET alone proves nothing, since the service's own tests print it too.
"""

from __future__ import annotations

import re

from shipway.checks.said import plain
from shipway.checks.verdict import Ending

_BROKEN = "ECONNRESET|ETIMEDOUT|ESOCKETTIMEDOUT|EAI_AGAIN|ERR_SOCKET_TIMEOUT"

# (cause, pattern); ENOTFOUND and ECONNREFUSED are missing on purpose: those are wrong addresses.
# npm, pnpm and yarn 1 were seen to write theirs against a registry that answered 503 or hung up;
# yarn 2+: its error codes page; Docker: its own messages in moby/moby and Go's net/http.
_CAUSES = (
    ("the npm registry broke off", rf"npm (?:ERR!|error) code (?:{_BROKEN})$"),
    ("the npm registry answered 5xx", r"npm (?:ERR!|error) code E5\d\d$"),
    ("the npm registry broke off", rf"\s*ERR_PNPM_META_FETCH_FAIL\b.*\b(?:{_BROKEN})$"),
    ("the npm registry answered 5xx", r"\s*ERR_PNPM_FETCH_5\d\d\b"),
    ("the npm registry broke off", rf"error (?:Error|An unexpected error).*\b(?:{_BROKEN})\b"),
    ("the npm registry answered 5xx", r"error An unexpected error .*Request failed .?\"5\d\d "),
    ("the npm registry broke off", rf".*\bYN0001\b.*RequestError: .*\b(?:{_BROKEN})\b"),
    ("the npm registry answered 5xx", r".*\bYN0035\b.*Response Code: 5\d\d\b"),
    ("an image registry broke off", r".*\b(?:https?://|dial tcp |lookup ).*TLS handshake timeout"),
    ("an image registry limits us", r".*\btoomanyrequests: "),
    ("an image registry answered 5xx", r".*received unexpected HTTP status: 5\d\d "),
    ("an image registry broke off", r".*net/http: request canceled while waiting for connection"),
)
_PATTERNS = tuple((cause, re.compile(pattern)) for cause, pattern in _CAUSES)


def is_infrastructure(ending: Ending, last_lines: tuple[str, ...], *, reported: bool) -> str:
    """Return the cause that allows a retry, as words; empty where there is none.

    A check that wrote a report of tests, that was ended by us, or that a signal killed has none:
    its tests ran, or we do not know what did. `reported` says that there is such a report.
    """
    ours = ending.timed_out or ending.silent or ending.cancelled
    if reported or ours or not 0 < ending.status < _SIGNALS:
        return ""
    for line in last_lines:
        bare = plain(line)
        for cause, pattern in _PATTERNS:
            if pattern.match(bare):
                return f"{cause}: {bare.strip()}"
    return ""


_SIGNALS = 126
