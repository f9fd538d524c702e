"""Single keys from a terminal, which is given back as it was found."""

from __future__ import annotations

import atexit
import os
import select
import termios
import tty
from typing import TextIO


class Keyboard:
    """Reads keys without waiting for a line; Ctrl-C still interrupts.

    Args:
        stdin: where keys come from; nothing is done where it is no terminal, or not ours.
    """

    def __init__(self, stdin: TextIO) -> None:
        self._stdin = stdin
        self._fd: int | None = None
        self._before: list[int | list[bytes | int]] = []

    def take(self) -> None:
        """Take the terminal: no echo, no lines. It is given back at our exit at the latest."""
        try:
            fd = self._stdin.fileno()
            if not self._stdin.isatty() or not _in_front(fd):
                return
            self._before = termios.tcgetattr(fd)
            atexit.register(self.give_back)
            self._fd = fd
            tty.setcbreak(fd, termios.TCSANOW)
        except (OSError, ValueError, termios.error):
            self.give_back()

    def taken(self) -> bool:
        """Tell whether keys are read."""
        return self._fd is not None

    def give_back(self) -> None:
        """Leave the terminal as it was; repeatable."""
        fd, self._fd = self._fd, None
        if fd is None:
            return
        try:
            if _in_front(fd):  # from the background it would stop us
                termios.tcsetattr(fd, termios.TCSANOW, self._before)
        except (OSError, termios.error):
            pass  # the terminal is gone
        atexit.unregister(self.give_back)

    def key(self, within_s: float) -> str | None:
        """Return a key that is pressed in that time, "" when none is, None without a keyboard."""
        fd = self._fd
        if fd is None:
            return None
        try:
            if not select.select([fd], [], [], within_s)[0] or not _in_front(fd):
                return ""
            pressed = os.read(fd, 1)
        except (OSError, ValueError):
            pressed = b""
        if not pressed:  # the end of it: never look again
            self.give_back()
            return None
        return pressed.decode("ascii", "replace")


def _in_front(fd: int) -> bool:
    """Tell whether we are the foreground job: in the background, touching a terminal stops us."""
    return os.tcgetpgrp(fd) == os.getpgrp()
