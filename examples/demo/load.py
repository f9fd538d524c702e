"""A steady, gentle load on one address, and an honest count of what came back."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

TIMEOUT_S = 5.0


@dataclass(slots=True)
class Count:
    """What a load saw: every request that was sent, and each that did not get a 200."""

    requests: int = 0
    failures: list[str] = field(default_factory=list)


class Load:
    """GETs one path, over and over, from a few threads, until it is stopped.

    Args:
        url: what to GET; its host must be a loopback address.
        per_second: requests a second, all threads together.
        threads: how many connections are kept open.
    """

    def __init__(self, url: str, *, per_second: float = 50.0, threads: int = 2) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._path, self._pause_s = parts.path or "/", threads / per_second
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._count = Count()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> Count:
        """End, and return what was seen."""
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT_S * 2)
        return self._count

    def seen(self) -> tuple[int, int]:
        """Return requests and failures so far."""
        with self._lock:
            return self._count.requests, len(self._count.failures)

    def _work(self) -> None:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        due = time.monotonic()
        while not self._stop.is_set():
            failure = self._ask(connection)
            with self._lock:
                self._count.requests += 1
                if failure:
                    self._count.failures.append(failure)
            due += self._pause_s
            self._stop.wait(max(0.0, due - time.monotonic()))

    def _ask(self, connection: http.client.HTTPConnection) -> str:
        """Ask once; a kept connection that the server closed in between is opened anew, once.

        Every HTTP client does the same (RFC 9112, 9.3.1): the request was never taken.
        """
        for fresh in (False, True):
            try:
                if fresh or connection.sock is None:
                    connection.close()
                connection.request("GET", self._path)
                answer = connection.getresponse()
                answer.read()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as lost:
                connection.close()
                if fresh:
                    return type(lost).__name__
            except OSError as problem:
                connection.close()
                return f"{type(problem).__name__}: {problem}"
            else:
                return "" if answer.status == http.client.OK else f"status {answer.status}"
        return "no answer"
