"""The Docker Engine as far as compose leaves it to us: looking, logs, and removal by label."""

from __future__ import annotations

import json
from collections import deque

from shipway.adapters.clock import SystemClock
from shipway.adapters.compose import labels
from shipway.adapters.shell import LocalShell
from shipway.errors import EngineIsDown, OutsideDidNotAnswer
from shipway.model.lazy import dataclass

REMOVED_WITHIN_S = 60.0
LOGS_WITHIN_S = 30.0
ANSWERS_WITHIN_S = 10.0
A_LOOK_S = 0.3
_MARK = "shipway:"
"""Begins every line that we ask for: warnings of the client come on the same stream."""

_BUILT_IN_BEFORE = 23
"""Clients before this version hold BuildKit themselves; later ones need the buildx plug-in."""

_KINDS = {
    "container": (("ps", "-a"), "{{.ID}} {{.Names}}", ("rm", "-f", "-v")),
    "network": (("network", "ls"), "{{.ID}} {{.Name}}", ("network", "rm")),
    "volume": (("volume", "ls"), "{{.Name}} {{.Name}}", ("volume", "rm", "-f")),
    # without its parents, which are the legacy builder's cache
    "image": (("image", "ls"), "{{.ID}} {{.Repository}}", ("image", "rm", "-f", "--no-prune")),
}


@dataclass(frozen=True, slots=True)
class Container:
    """A container as it is now; `health` is "" where it has no check, `said` that check's last."""

    name: str
    service: str
    id: str
    status: str
    exit_code: int
    health: str
    said: str
    out_of_memory: bool

    @property
    def has_ended(self) -> bool:
        """Tell whether it ran, and runs no more."""
        return self.status in {"exited", "dead"}


class Engine:
    """The engine through the docker client.

    Every method raises `EngineIsDown` when the engine does not answer.
    """

    def __init__(self, shell: LocalShell, root: str, docker: str) -> None:
        self._shell, self._root, self._docker = shell, root, docker
        self._clock = SystemClock()

    def has_buildkit(self) -> bool:
        """Tell whether the client can build with BuildKit, having heard the engine answer."""
        version = self._answers()
        if int(version.split(".")[0] or 0) < _BUILT_IN_BEFORE:
            return True
        status, _ = self._capture("buildx", "version")
        return status == 0

    def containers(self, label: str) -> tuple[Container, ...]:
        """Return the containers that carry a label, as they are now, by name."""
        found = [line.split()[0] for line in self._find("container", label)]
        if not found:
            return ()
        shown = f'{{{{.Id}}}} {{{{.Name}}}} {{{{index .Config.Labels "{labels.SERVICE}"}}}}'
        lines = self._ask("inspect", "--format", f"{_MARK}{shown} {{{{json .State}}}}", *found)
        return tuple(sorted(map(_container, lines), key=lambda c: c.name))

    def follow(self, container: str) -> tuple[str, ...]:
        """Return the command that prints what a container says until it ends."""
        return (self._docker, "logs", "-f", container)

    def wait(self, container: str) -> tuple[str, ...]:
        """Return the command that waits for a container's end."""
        return (self._docker, "wait", container)

    def stop(self, container: str) -> None:
        """Let a container end by itself within a second."""
        self._capture("stop", "-t", "1", container)

    def last_lines(self, container: str, count: int) -> list[str]:
        """Return what a container said last."""
        _, lines = self._capture("logs", "--tail", str(count), container)
        return lines[-count:]

    def log(self, container: str, limit: int) -> bytes:
        """Return what a container said, each line with its time; at most the last `limit` bytes."""
        kept, size = deque[bytes](), 0

        def keep(chunk: bytes) -> None:
            nonlocal size
            kept.append(chunk)
            size += len(chunk)
            while size - len(kept[0]) >= limit:
                size -= len(kept.popleft())

        self._shell.stream(
            (self._docker, "logs", "--timestamps", container),
            cwd=self._root,
            env={},
            on_output=keep,
            timeout_s=LOGS_WITHIN_S,
        )
        said = b"".join(kept)
        if len(said) <= limit:
            return said
        _, _, whole = said[-limit:].partition(b"\n")  # half a line could be half a secret
        return b"(what it said before is left out)\n" + whole

    def remove(self, label: str, *, again: bool = False) -> tuple[str, ...]:
        """Remove everything that carries a label; return each thing as `kind name`.

        `again` looks until twice nothing is found: the engine finishes what compose, which was
        killed, had asked it for.

        Raises:
            OutsideDidNotAnswer: it is still there after `REMOVED_WITHIN_S`.
        """
        removed: dict[str, None] = {}
        deadline = self._clock.monotonic() + REMOVED_WITHIN_S
        looks = 2 if again else 1
        while looks:
            left = [(kind, self._find(kind, label)) for kind in _KINDS]
            names = [f"{kind} {line.split()[1]}" for kind, lines in left for line in lines]
            if self._clock.monotonic() > deadline:
                raise OutsideDidNotAnswer(
                    f"the Docker Engine keeps {', '.join(names)}",
                    hint="what else uses it? `docker network inspect` names the containers",
                )
            removed.update(dict.fromkeys(names))
            gone = all(self._discard(kind, lines) for kind, lines in left)
            looks -= gone and not (again and names)
            if looks:
                self._clock.wait(A_LOOK_S)
        return tuple(removed)

    def _discard(self, kind: str, lines: list[str]) -> bool:
        """Remove things; tell whether the engine said that they are gone."""
        if not lines:
            return True
        things = [line.split()[0] for line in lines]
        status, _ = self._capture(*_KINDS[kind][2], *things, within_s=REMOVED_WITHIN_S)
        return status == 0

    def values(self, wanted: str, label: str) -> frozenset[str]:
        """Return the values of one label, on whatever carries another."""
        found = set()
        for kind in _KINDS:
            things = [line.split()[0] for line in self._find(kind, label)]
            at = ".Labels" if kind in {"network", "volume"} else ".Config.Labels"
            shown = f'{_MARK}{{{{index {at} "{wanted}"}}}}'
            if things:
                found.update(self._ask(kind, "inspect", "--format", shown, *things))
        return frozenset(found - {""})

    def _find(self, kind: str, label: str) -> list[str]:
        listing, shown, _ = _KINDS[kind]
        return self._ask(*listing, "--filter", f"label={label}", "--format", f"{_MARK}{shown}")

    def _ask(self, *words: str) -> list[str]:
        status, lines = self._capture(*words)
        if status != 0:
            self._answers()  # what is gone since it was listed is no error
        return [line.removeprefix(_MARK) for line in lines if line.startswith(_MARK)]

    def _answers(self) -> str:
        """Return the client's version, having heard the engine answer."""
        shown = f"{_MARK}{{{{.Client.Version}}}} {{{{.Server.Version}}}}"
        status, lines = self._capture("version", "--format", shown)
        found = [line for line in lines if line.startswith(_MARK)]
        if status != 0 or not found:
            raise EngineIsDown(
                f"the Docker Engine does not answer: {lines[-1] if lines else 'no output'}",
                hint="start it (`dockerd`, Docker Desktop, colima), then run this again",
            )
        return found[-1].removeprefix(_MARK).split()[0]

    def _capture(self, *words: str, within_s: float = ANSWERS_WITHIN_S) -> tuple[int, list[str]]:
        return self._shell.capture((self._docker, *words), cwd=self._root, timeout_s=within_s)


def _container(line: str) -> Container:
    container, name, service, state = line.split(" ", 3)
    told = json.loads(state)
    health = told.get("Health") or {}
    checks = health.get("Log") or [{}]
    return Container(
        name=name.lstrip("/"),
        service=service,
        id=container,
        status=told["Status"],
        exit_code=told["ExitCode"],
        health=health.get("Status", ""),
        said=str(checks[-1].get("Output", "")).strip(),
        out_of_memory=told["OOMKilled"],
    )
