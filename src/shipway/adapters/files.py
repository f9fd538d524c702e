"""Files on this machine's disk, read and written whole lines at a time."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


class DiskFiles:
    """`ports.Files` on the disk."""

    def read(self, path: str) -> str | None:
        """Return the text of a file; None when it is not there."""
        try:
            return Path(path).read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None

    def remove(self, path: str) -> None:
        """Remove a file if it is there."""
        with suppress(FileNotFoundError, NotADirectoryError):
            Path(path).unlink()

    def append(self, path: str, line: str) -> None:
        """Add a line to a file, making its folder and the file first where needed."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
