"""Compose, v2 or 1.29: one project per check and run, always torn down.

Which one is there is told by its version: 1.29 prints help and exits 0 on a flag that it does
not know, so only flags that both know are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from shipway.adapters.shell import LocalShell
from shipway.errors import FileIsMissing, ToolIsMissing
from shipway.model.service import ComposeCheck
from shipway.ports import Cancel, Exit, OnOutput

DOWN_WITHIN_S = 120.0
PROJECT_LABEL = "com.docker.compose.project"


class Compose:
    """`ports.ComposeRunner` through whichever compose is installed.

    Args:
        root: the checkout, in which the compose file is.
        shell: runs the program.
        docker: the docker client, asked for its compose plug-in first.
    """

    def __init__(self, root: str, shell: LocalShell, docker: str = "docker") -> None:
        self._root, self._shell, self._docker = root, shell, docker
        self._found: tuple[str, ...] = ()

    def run(
        self,
        check: ComposeCheck,
        *,
        project: str,
        env: Mapping[str, str],
        on_output: OnOutput,
        logs: str,
        cancel: Cancel,
    ) -> Exit:
        """Start the file's services and return the decisive exit; see `ports.ComposeRunner`."""
        del logs
        if not (Path(self._root) / check.file).is_file():
            raise FileIsMissing(f"there is no {check.file}", where=f"checks.{check.name}.compose")
        program = self.program()
        base = (*program, "-p", project, "-f", check.file)
        try:
            return self._shell.stream(
                (*base, "up", "--build", "-t", "1", "--exit-code-from", check.exit_code_from),
                cwd=self._root,
                env={**env, "COMPOSE_DOCKER_CLI_BUILD": "1", "DOCKER_BUILDKIT": "1"},
                on_output=on_output,
                timeout_s=check.timeout_s,
                cancel=cancel,
            )
        finally:
            self._shell.run(
                (*base, "down", "-v", "--remove-orphans", "-t", "1"),
                cwd=self._root,
                env={},
                on_line=lambda _: None,
                timeout_s=DOWN_WITHIN_S,
            )

    def down(self, project: str) -> tuple[str, ...]:
        """Remove everything of one project; see `ports.ComposeRunner`."""
        mine = ("--filter", f"label={PROJECT_LABEL}={project}", "-q")
        self._remove(("ps", "-a", *mine), ("rm", "-f", "-v"))
        self._remove(("network", "ls", *mine), ("network", "rm"))
        self._remove(("volume", "ls", *mine), ("volume", "rm", "-f"))
        return (project,)

    def enter(
        self, check: ComposeCheck, *, project: str, env: Mapping[str, str], command: tuple[str, ...]
    ) -> Exit:
        """Run a command beside the services; see `ports.ComposeRunner`."""
        raise NotImplementedError(check.name, project, env, command)

    def program(self) -> tuple[str, ...]:
        """Return the words that start compose.

        Raises:
            ToolIsMissing: neither version is installed.
        """
        for words in ((self._docker, "compose"), ("docker-compose",)):
            if self._found:
                break
            try:
                status, lines = self._shell.capture((*words, "version", "--short"), cwd=self._root)
            except ToolIsMissing:
                continue
            version = lines[-1].lstrip("v") if lines else ""
            if status == 0 and version[:1].isdigit():
                self._found = words
        if not self._found:
            raise ToolIsMissing(
                "neither `docker compose` nor `docker-compose` is installed",
                hint="on Debian: apt-get install docker-compose",
            )
        return self._found

    def sweep(self, prefix: str, alive: frozenset[str]) -> tuple[str, ...]:
        """Remove what runs that died left behind: our own projects only, none of a live run.

        Args:
            prefix: how the names of our projects begin.
            alive: runs whose projects are in use.

        Returns:
            The projects that were removed.
        """
        shown = f'{{{{.Label "{PROJECT_LABEL}"}}}}'
        _, lines = self._docker_lines("ps", "-a", "--format", shown)
        _, networks = self._docker_lines("network", "ls", "--format", shown)
        projects = {name for name in (*lines, *networks) if name.startswith(prefix)}
        dead = sorted(p for p in projects if not any(run in p for run in alive))
        for project in dead:
            mine = ("--filter", f"label={PROJECT_LABEL}={project}", "-q")
            self._remove(("ps", "-a", *mine), ("rm", "-f", "-v"))
            self._remove(("network", "ls", *mine), ("network", "rm"))
            self._remove(("volume", "ls", *mine), ("volume", "rm", "-f"))
        return tuple(dead)

    def _remove(self, find: tuple[str, ...], remove: tuple[str, ...]) -> None:
        _, found = self._docker_lines(*find)
        if found:
            self._docker_lines(*remove, *found)

    def _docker_lines(self, *words: str) -> tuple[int, list[str]]:
        return self._shell.capture((self._docker, *words), cwd=self._root)
