"""Where HAProxy comes from: the PATH, or else an image.

From an image it still listens on this machine's loopback, so it shares the host's network: that
works where containers run on this machine itself, not where they live in a virtual machine.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from shipway.local.ecs.container_spec import LABEL

Program = Callable[[Path], tuple[str, ...]]
"""The folder that HAProxy reads and writes to the words that start it."""

DEFAULT_IMAGE = "haproxy:3.2-alpine"


def from_path(name: str = "haproxy") -> Program:
    """Return a program that is installed."""
    return lambda _: (name,)


def from_image(docker: str, image: str, instance: str) -> Program:
    """Return a program in an image; the docker client hands it every signal that it gets.

    It carries the instance's label, as tasks do, so that whatever removes those removes it too.
    """

    def words(folder: Path) -> tuple[str, ...]:
        return (
            *(docker, "run", "--rm", "--network", "host"),
            *("--label", f"{LABEL}instance={instance}"),
            *("--user", f"{os.getuid()}:{os.getgid()}"),
            *("--volume", f"{folder}:{folder}"),
            *("--entrypoint", "haproxy", image),
        )

    return words
