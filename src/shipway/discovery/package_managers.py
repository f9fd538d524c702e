"""Which package manager a repository uses, how it is pinned, and how it is spoken to."""

from __future__ import annotations

import re
import shlex
from enum import Enum

from shipway.discovery.manifest import Manifest
from shipway.discovery.seen import Seen
from shipway.model.lazy import dataclass

_PIN = re.compile(r"(pnpm|npm|yarn|bun)@(\d+)\.")


class Kind(Enum):
    """The package managers that are known; yarn is two."""

    PNPM = "pnpm"
    NPM = "npm"
    YARN_1 = "yarn 1"
    YARN = "yarn"


LOCKS = {
    "pnpm-lock.yaml": Kind.PNPM,
    "package-lock.json": Kind.NPM,
    "npm-shrinkwrap.json": Kind.NPM,
    "yarn.lock": Kind.YARN,
}


@dataclass(frozen=True, slots=True)
class PackageManager:
    """A package manager, spoken to; `lock` is the lockfile, empty where there is none.

    `linked` tells that there is no `node_modules` (yarn's Plug'n'Play), so that every tool has to
    be started through yarn.
    """

    kind: Kind
    lock: str
    linked: bool
    notes: tuple[str, ...]

    def tool(self, command: tuple[str, ...]) -> str:
        """Return how a tool of the project is called."""
        return shlex.join(("yarn", "run", *command) if self.linked else command)

    def script(self, name: str, *arguments: str) -> str:
        """Return how a script of the root is run; its arguments reach its last command."""
        program = "yarn" if self.kind in {Kind.YARN, Kind.YARN_1} else self.kind.value
        dashes = ("--",) if arguments and self.kind is Kind.NPM else ()
        return shlex.join((program, "run", name, *dashes, *arguments))

    def everywhere(self, name: str) -> str:
        """Return how a script is run in each package of the workspace that has it."""
        match self.kind:
            case Kind.PNPM:
                return f"pnpm -r run {name}"
            case Kind.NPM:
                return f"npm run {name} --workspaces --if-present"
            case Kind.YARN_1:
                return f"yarn workspaces run {name}"
            case Kind.YARN:
                return f"yarn workspaces foreach -A run {name}"

    def install(self) -> str:
        """Return the command that installs exactly what the lockfile says."""
        match self.kind:
            case Kind.PNPM:
                return "pnpm install --frozen-lockfile" if self.lock else "pnpm install"
            case Kind.NPM:
                return "npm ci" if self.lock else "npm install"
            case Kind.YARN_1:
                return "yarn install --frozen-lockfile" if self.lock else "yarn install"
            case Kind.YARN:
                return "yarn install --immutable" if self.lock else "yarn install"


def package_manager(seen: Seen, root: Manifest) -> PackageManager:
    """Find the package manager: by the pin in `packageManager`, else by the lockfile."""
    locks = [name for name in LOCKS if seen.has(name)]
    pinned = _PIN.match(root.manager)
    kind = _pinned_kind(pinned) or (_lock_kind(seen, locks[0]) if locks else Kind.NPM)
    fitting = [name for name in locks if _same(LOCKS[name], kind)]
    notes = [*_pin_notes(kind, root.manager, pinned), *_lock_notes(kind, fitting, locks)]
    settings = seen.text(".yarnrc.yml")
    linked = kind is Kind.YARN and not re.search(
        r"^nodeLinker:\s*['\"]?(?!pnp)\w", settings, re.MULTILINE
    )
    return PackageManager(kind, fitting[0] if fitting else "", linked, tuple(notes))


def _pinned_kind(pinned: re.Match[str] | None) -> Kind | None:
    match pinned and pinned[1]:
        case "pnpm":
            return Kind.PNPM
        case "npm":
            return Kind.NPM
        case "yarn":
            return Kind.YARN_1 if pinned and pinned[2] == "1" else Kind.YARN
        case _:
            return None


def _lock_kind(seen: Seen, lock: str) -> Kind:
    """Tell the manager by its lockfile; the two yarns by what the lockfile begins with."""
    old = "yarn lockfile v1" in seen.text(lock) and not seen.has(".yarnrc.yml")
    return Kind.YARN_1 if lock == "yarn.lock" and old else LOCKS[lock]


def _same(one: Kind, other: Kind) -> bool:
    return one is other or {one, other} == {Kind.YARN, Kind.YARN_1}


def _pin_notes(kind: Kind, manager: str, pinned: re.Match[str] | None) -> list[str]:
    program = kind.value.partition(" ")[0]
    if manager and not _pinned_kind(pinned):
        return [f"packageManager says {manager!r}, which is not known here; {program} is assumed."]
    if not pinned:
        return [f"Not known: the version of {program}. Pin it: `packageManager` in package.json."]
    return []


def _lock_notes(kind: Kind, fitting: list[str], locks: list[str]) -> list[str]:
    program = kind.value.partition(" ")[0]
    if not fitting:
        return [f"There is no lockfile of {program}: commit one, and install exactly that."]
    others = [name for name in locks if name not in fitting[:1]]
    return [f"{' and '.join(others)} is not used: {program} installs."] if others else []
