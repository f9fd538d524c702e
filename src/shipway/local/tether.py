"""Become another program that does not outlive its parent, where the kernel can see to that.

Run as a script by path, without the `site` module, to cost some milliseconds only:
`python -I -S tether.py PARENT_PID SIGNAL PROGRAM [ARGUMENT ...]`. A launcher, because the
alternative (`preexec_fn`) can deadlock in a process that has threads.
"""

from __future__ import annotations

import os
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(arguments: list[str]) -> None:
    """Ask for `SIGNAL` at the parent's death, then become the program.

    Linux sends it when the parent's *thread* ends, so whoever starts a tethered process must do
    it in a thread that lives at least as long.
    """
    parent, signal_number, *command = arguments
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 -- not needed, and slow to import, elsewhere

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
        if os.getppid() != int(parent):  # it died before we could ask
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 -- becoming that program is the whole purpose


if __name__ == "__main__":
    main(sys.argv[1:])
