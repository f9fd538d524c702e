"""Programs that only write down how they were called, and answer as they are told to."""

from __future__ import annotations

from pathlib import Path


class Recorder:
    """A folder of such programs, to be put first on the PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = folder / "calls"
        folder.mkdir()

    def program(self, name: str, answers: str) -> None:
        """Make a program; `answers` is the body of a shell `case` over its arguments."""
        file = self.folder / name
        file.write_text(
            "#!/bin/sh\n"
            f'echo "{name} $*" >> "{self._log}"\n'
            f'[ -z "$DOCKER_BUILDKIT" ] || echo "BUILDKIT=$DOCKER_BUILDKIT" >> "{self._log}"\n'
            f'case "$*" in\n{answers}\nesac\n',
            encoding="utf-8",
        )
        file.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """Every call, in order, with what it found in DOCKER_BUILDKIT where that was set."""
        return self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []
