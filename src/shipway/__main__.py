"""`python -m shipway` and the `shipway` program."""

from __future__ import annotations

from shipway.cli.main import main

if __name__ == "__main__":
    main()
