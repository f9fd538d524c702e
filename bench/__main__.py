"""Run the benches, or the named ones, and print each figure beside its limit and its peer.

Each `bench/NAME.py` has a `run() -> list[Figure]`. Exits 1 when a figure falls short or could not
be taken, 2 when there is no such bench.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from bench.harness import Figure, NotMeasured, as_installed

NOT_BENCHES = {"__main__", "harness", "sample"}
HEADINGS = ("figure", "value", "limit", "peer", "peer's", "ratio", "")


def names() -> list[str]:
    """Every bench there is, in alphabetical order."""
    here = Path(__file__).parent
    return sorted(file.stem for file in here.glob("*.py") if file.stem not in NOT_BENCHES)


def row(figure: Figure) -> tuple[str, ...]:
    """One line of the table."""
    bound = "≥" if figure.more_is_better else "≤"
    ratio = f"{figure.ratio:.2f}x"
    if figure.ratio_limit is not None:
        ratio += f" ({bound} {figure.ratio_limit:g}x)"
    return (
        figure.name,
        f"{figure.value:.1f} {figure.unit}",
        f"{bound} {figure.limit:g} {figure.unit}",
        figure.peer_name,
        f"{figure.peer_value:.1f} {figure.unit}",
        ratio,
        "ok" if figure.holds else "FALLS SHORT",
    )


def table(figures: list[Figure]) -> str:
    """The figures under their headings, in columns as wide as they need."""
    rows = [HEADINGS, *map(row, figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in rows
    )


def main(wanted: list[str]) -> int:
    """Run the wanted benches, all by default, and return the exit code."""
    if unknown := set(wanted) - set(names()):
        print(f"no bench {', '.join(sorted(unknown))}; there are: {', '.join(names())}")
        return 2
    as_installed()
    figures: list[Figure] = []
    untaken = 0
    for name in wanted or names():
        try:
            figures += importlib.import_module(f"bench.{name}").run()
        except NotMeasured as problem:
            untaken += 1
            print(f"{name}: not measured: {problem}")
    if figures:
        print(table(figures))
    return 0 if untaken == 0 and all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
