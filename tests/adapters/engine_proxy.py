"""A socket in front of the real engine, which can die as an engine does."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread

CHUNK = 65536


class EngineProxy:
    """Passes everything on, until it is killed: then nothing answers on its socket."""

    def __init__(self, at: Path, engine: str) -> None:
        self.address = f"unix://{at}"
        self._engine = engine.removeprefix("unix://")
        self._lock = Lock()
        self._open: list[socket.socket] = []
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(at))
        self._door.listen(64)
        self._at = at
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def kill(self) -> None:
        """Cut all that is open, and answer no more; repeatable."""
        self._at.unlink(missing_ok=True)
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._thread.join()
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._engine)
            with self._lock:
                self._open += [near, far]
            Thread(target=_join, args=(near, far), daemon=True).start()


def _join(near: socket.socket, far: socket.socket) -> None:
    with near, far:
        back = Thread(target=_pump, args=(far, near), daemon=True)
        back.start()
        _pump(near, far)
        back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)  # docker half-closes what it hijacks
