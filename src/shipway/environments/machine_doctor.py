"""What is wrong with a machine that builds and delivers: pure rules over what was seen."""

from __future__ import annotations

from collections.abc import Iterator

from shipway.environments.doctor import Finding, Weight
from shipway.model.examined import Machine


def examine_machine(seen: Machine) -> tuple[Finding, ...]:
    """Return all findings about the machine, the heaviest first; empty when it is well."""
    found = []
    if not seen.docker:
        found.append(
            Finding(
                Weight.WRONG,
                "the Docker Engine does not answer",
                "images cannot be built, compose checks cannot run",
                "start it: systemctl start docker, or Docker Desktop",
            )
        )
    if seen.needs_node and not seen.node:
        found.append(
            Finding(Weight.WRONG, "node is missing", "its checks cannot run", "install Node.js")
        )
    found += _pnpm(seen)
    if seen.embedded is False:
        found.append(
            Finding(
                Weight.NOTE,
                "the embedded default is not up",
                "nothing can be delivered on this machine",
                "`shipway local up`",
            )
        )
    if seen.git:
        found.append(
            Finding(
                Weight.RISK,
                f"the checkout is not fit to be delivered: {seen.git}",
                "`shipway deliver` will refuse it",
                "commit and push, then deliver",
            )
        )
    return tuple(found)


def _pnpm(seen: Machine) -> Iterator[Finding]:
    if seen.pnpm_pin and not seen.pnpm:
        yield Finding(
            Weight.WRONG,
            f"pnpm is missing; package.json pins {seen.pnpm_pin}",
            "its checks cannot run",
            "corepack enable pnpm",
        )
    elif seen.pnpm_pin and seen.pnpm != seen.pnpm_pin:
        yield Finding(
            Weight.RISK,
            f"pnpm is {seen.pnpm}; package.json pins {seen.pnpm_pin}",
            "another version may write another lock file, and results are not shared",
            "corepack enable pnpm",
        )
