"""The door for the processes that the embedded default starts itself: its supervisor, its hook."""

from __future__ import annotations

import sys

from shipway.errors import ShipwayError
from shipway.local.commands import local


def main() -> None:
    """Run one verb; an error becomes its message and its exit status."""
    try:
        local(prog_name="shipway local")
    except ShipwayError as problem:
        sys.stderr.write(f"{problem.message}\n{problem.hint}\n")
        sys.exit(problem.exit_status)


if __name__ == "__main__":
    main()
