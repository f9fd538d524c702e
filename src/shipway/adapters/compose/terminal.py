"""Runs a program on our own terminal: it talks with the person, not with us."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Mapping

from shipway.errors import ToolIsMissing


def attached(command: tuple[str, ...], env: Mapping[str, str]) -> int:
    """Run a program with our standard input, output and error; return its exit status.

    `env` is all of its environment. Ctrl-C is for the program alone, as long as it runs. 128 and
    more is a signal, as in a shell.

    Raises:
        ToolIsMissing: there is no such program.
    """
    program = shutil.which(command[0], path=env.get("PATH"))
    if program is None:
        raise ToolIsMissing(f"there is no program {command[0]!r}")
    ours = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child = os.posix_spawn(program, command, env, setsigdef=[signal.SIGINT])
        status = _end_of(child)
    finally:
        signal.signal(signal.SIGINT, ours)
    return status if status >= 0 else 128 - status


def _end_of(child: int) -> int:
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except BaseException:  # SIGTERM, say: whoever ends us ends it as well
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
        raise
