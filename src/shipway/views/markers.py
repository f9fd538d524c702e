"""The marks by which CI engines fold a log; Jenkins, and a plain file, need none."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

_ENGINES = ("CI", "JENKINS_URL", "GITHUB_ACTIONS", "BUILDKITE", "GITLAB_CI")


class Markers(Enum):
    """Whose marks to write. All of them must stand at the beginning of a line.

    Source: GitHub's "Workflow commands for GitHub Actions", Buildkite's "Managing log output".
    """

    NONE = "none"
    GITHUB = "github"
    BUILDKITE = "buildkite"

    def opening(self, title: str, *, failed: bool) -> str:
        """Return the line that begins a group; one that failed must be open to the reader."""
        match self, failed:
            case Markers.GITHUB, False:
                return f"::group::{_escaped(title)}"
            case Markers.BUILDKITE, False:
                return f"--- {title}"
            case Markers.BUILDKITE, True:
                return f"+++ {title}"
            case _:  # GitHub folds every group, so what failed is none
                return f"  {title}"

    def closing(self, title: str, *, failed: bool) -> tuple[str, ...]:
        """Return the lines that end a group; what failed becomes an annotation on GitHub."""
        match self, failed:
            case Markers.GITHUB, False:
                return ("::endgroup::",)
            case Markers.GITHUB, True:
                return (f"::error::{_escaped(title)}",)
            case Markers.BUILDKITE, _:
                return ("--- shipway",)
            case _:
                return ()

    def safe(self, line: str) -> str:
        """Return a line of a program so that no engine takes it for a command to itself.

        Ours are never at the beginning of a line; GitHub's old form counts anywhere in it.
        """
        return line.replace("##[", "## [") if self is Markers.GITHUB else line


def markers_of(env: Mapping[str, str]) -> Markers:
    """Return the marks of the engine that we run under, by the variables which it promises."""
    if env.get("GITHUB_ACTIONS") == "true":
        return Markers.GITHUB
    return Markers.BUILDKITE if env.get("BUILDKITE") == "true" else Markers.NONE


def is_engine(env: Mapping[str, str]) -> bool:
    """Tell whether a CI engine runs us: some give a terminal, though nobody looks at it."""
    return any(env.get(name, "") not in {"", "0", "false"} for name in _ENGINES)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
