"""A repository, read once: its files, its packages and its package manager, for all who look."""

from __future__ import annotations

from shipway.discovery import scripts
from shipway.discovery.draft import INSTALL
from shipway.discovery.manifest import Manifest, manifest, packages
from shipway.discovery.package_managers import PackageManager, package_manager
from shipway.discovery.seen import CODE, Seen, ending, is_code
from shipway.model.lazy import dataclass

GENERATE = "generate"
CHANGING = ("--fix", "--write", "-w", "--apply", "--watch", "--watchAll")
"""Flags with which a tool changes files, or does not end."""

_SETTINGS = (
    r"package\.json|[jt]sconfig[\w.-]*\.json|[\w-]+\.config\.json|nest-cli\.json|\.swcrc"
    r"|\.babelrc(\.json)?|\.mocharc\.\w+|\.nycrc(\.json)?|\.env\.test"
)
# what holds no sources of the service, and would make its checks run again for nothing
_ASIDE = ("docs", "doc", "infra", "deploy", "deployment", "terraform", "k8s", "helm", "charts")


@dataclass(frozen=True, slots=True)
class Project:
    """`packages` are those of the workspace, empty where there is none; `root` is always there."""

    seen: Seen
    root: Manifest
    packages: tuple[Manifest, ...]
    manager: PackageManager

    def has(self, *names: str) -> bool:
        """Tell whether any package depends on one of these."""
        return any(package.has(*names) for package in (self.root, *self.packages))

    def version(self, name: str) -> float | None:
        """Return major and minor of a dependency, from the first package that names it."""
        found = (package.version(name) for package in (self.root, *self.packages))
        return next((version for version in found if version is not None), None)

    def script(self, *names: str) -> str | None:
        """Return the first of these scripts that the root has and that does something."""
        return next((n for n in names if scripts.is_written(self.root.scripts.get(n, ""))), None)

    def whole(self, name: str) -> tuple[str, ...] | None:
        """Return a script of the root as one plain command; None where it is more than that."""
        around = {f"pre{name}", f"post{name}"} & self.root.scripts.keys()
        return None if around else scripts.plain(self.root.scripts.get(name, ""))

    def part(self, tool: str, *names: str) -> tuple[str, ...] | None:
        """Return the first plain command that calls a tool, in these scripts or else in any.

        A script joins several with `&&`; one of them can run as a check of its own.
        """
        for name in (*names, *self.root.scripts):
            for text in scripts.parts(self.root.scripts.get(name, "")):
                command = scripts.plain(text)
                if command and command[0] == tool:
                    return command
        return None

    def shared(self, *names: str) -> str | None:
        """Return the first of these scripts that packages of the workspace have."""
        return next(
            (
                n
                for n in names
                if any(scripts.is_written(p.scripts.get(n, "")) for p in self.packages)
            ),
            None,
        )

    def code(self) -> tuple[str, ...]:
        """Return globs of all code, wherever it is or will be; each matches something."""
        found = {ending(path) for path in self.seen.paths if is_code(path)}
        return tuple(f"**/*.{name}" for name in CODE if name in found)

    def settings(self, *more: str) -> tuple[str, ...]:
        """Return the files of the root by which tools are set up, code left out.

        `more` are regular expressions for settings that only one tool reads.
        """
        rules = "|".join((_SETTINGS, *more))
        return tuple(path for path in self.seen.named(rules) if not is_code(path))

    def nested_settings(self) -> tuple[str, ...]:
        """Return globs of the same in packages of a workspace."""
        wanted = ("package.json", "tsconfig.json")
        return tuple(
            f"**/{name}" for name in wanted if any(p.endswith(f"/{name}") for p in self.seen.paths)
        )

    def everything(self) -> tuple[str, ...]:
        """Return globs of all that a build or a test may read: code, its folders, settings."""
        folders = tuple(f"{f}/**" for f in self.seen.folders() if f not in _ASIDE)
        # a folder that comes later is covered by its code
        return (*folders, *self.code(), *self.settings())

    def prepared(self) -> tuple[str, ...]:
        """Return the checks that have to be done before code can be compiled or run."""
        return (INSTALL, GENERATE)


def project(seen: Seen) -> Project:
    """Read a repository."""
    root = manifest(seen)
    return Project(seen, root, packages(seen, root), package_manager(seen, root))


def harmless(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command without the flags with which it changes files or waits for changes."""
    return tuple(word for word in command if word.partition("=")[0] not in CHANGING)
