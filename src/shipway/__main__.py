"""`python -m shipway` and the `shipway` program."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn

from shipway import __version__
from shipway.cli.verbs import help_page

_GARBAGE = 20_000
"""Objects between two collections: most commands end before, and loading modules makes none."""


def main() -> NoReturn:
    """Answer the two questions that need nothing at once; leave the rest to the command tree."""
    match sys.argv[1:]:
        case ["--help" | "-h"]:
            sys.stdout.write(help_page() + "\n")
            sys.exit(0)
        case ["--version"]:
            sys.stdout.write(f"shipway, version {__version__}\n")
            sys.exit(0)
        case _:
            gc.set_threshold(_GARBAGE)
            from shipway.cli.main import main as run  # noqa: PLC0415 - click only when needed

            run()


if __name__ == "__main__":
    main()
