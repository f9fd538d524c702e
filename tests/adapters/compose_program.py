"""Runs a compose check in a worker thread, as `shipway run` does, until it ends or is ended.

Arguments: the checkout, the docker client, the project. Its exit status is the check's, or 143.
"""

from __future__ import annotations

import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

from shipway.adapters.compose import Compose
from shipway.adapters.shell import LocalShell
from shipway.errors import Terminated
from shipway.testing.builders import a_compose_check
from tests.adapters.compose_project import Wish


def main(root: str, docker: str, project: str) -> int:
    """Run the check, and tell on standard output what it says."""
    signal.signal(signal.SIGTERM, _terminate)
    first = (str(Path(docker).parent),) if Path(docker).is_absolute() else ()
    compose = Compose(root, LocalShell(first), docker, run=project, home=project)
    wish = Wish()
    with ThreadPoolExecutor(1) as pool:
        try:
            return (
                pool.submit(
                    compose.run,
                    replace(a_compose_check("integration"), exit_code_from="tests"),
                    project=project,
                    env={},
                    on_output=_tell,
                    logs=f"{root}/logs",
                    cancel=wish,
                )
                .result()
                .status
            )
        except Terminated:
            wish.make()
            return 143


def _tell(said: bytes) -> None:
    sys.stdout.buffer.write(said)
    sys.stdout.buffer.flush()


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise Terminated("terminated")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
