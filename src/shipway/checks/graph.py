"""The order of a run: what may start now, and which of it first. No processes, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush

from shipway.model.kept import Past
from shipway.model.lazy import dataclass
from shipway.model.service import Check, ComposeCheck

UNKNOWN_S = 1.0
"""What a check is taken to last of which nothing is known."""

RECENT = 5
"""How many runs back a failure still counts as recent."""


@dataclass(frozen=True, slots=True)
class Node:
    """One thing to run: a check, or the build of the image.

    `waits` says that it mostly waits for others (containers, a builder), so it needs no slot.
    """

    name: str
    needs: tuple[str, ...]
    waits: bool = False
    mutexes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expectation:
    """What history makes us expect of a node."""

    seconds: float = UNKNOWN_S
    failed_recently: bool = False


def node_of(check: Check) -> Node:
    """Return a check's place in the graph."""
    return Node(check.name, check.needs, isinstance(check, ComposeCheck), check.mutexes)


def expectation(past: Past) -> Expectation:
    """Return what to expect of a check: its median time, and whether it failed of late."""
    ran = sorted(past.seconds)
    seconds = ran[len(ran) // 2] if ran else UNKNOWN_S
    return Expectation(seconds, "failed" in past.outcomes[-RECENT:])


class Schedule:
    """Hands out nodes as they become free to run.

    Waiting work goes first, for it costs no slot and overlaps the rest. Then what failed recently,
    the cheapest first, since an early no saves the most. Then whatever begins the longest chain
    still to run, because that chain decides when the run is over.

    Args:
        nodes: in the order of their declaration, without circles; unknown needs count as met.
        expected: by name; a node without one takes a second.
        slots: how many nodes that do not wait may run at once.
    """

    def __init__(
        self, nodes: tuple[Node, ...], expected: Mapping[str, Expectation], slots: int
    ) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._slots = max(1, slots)
        self._busy = 0
        self._held: set[str] = set()
        self._open = {n.name: {x for x in n.needs if x in self._nodes} for n in nodes}
        self._dependants: dict[str, list[str]] = {n.name: [] for n in nodes}
        for node in nodes:
            for need in self._open[node.name]:
                self._dependants[need].append(node.name)
        self._ranks = self._ranked(expected)
        self._ready: dict[bool, list[tuple[tuple[int, float, int], str]]] = {True: [], False: []}
        for node in nodes:
            if not self._open[node.name]:
                self._push(node)

    def take(self) -> Node | None:
        """Return the best node that may start now, as started; None when there is none."""
        return self._take(waits=True) or (self._take(waits=False) if self._free() else None)

    def end(self, name: str, *, passed: bool) -> None:
        """Say that a node which was taken has ended; only after a pass may others follow."""
        node = self._nodes[name]
        self._busy -= not node.waits
        self._held.difference_update(node.mutexes)
        if passed:
            for follower in self._dependants[name]:
                self._open[follower].discard(name)
                if not self._open[follower]:
                    self._push(self._nodes[follower])

    def _free(self) -> bool:
        return self._busy < self._slots

    def _take(self, *, waits: bool) -> Node | None:
        """Take the best whose mutexes are free; those that are not keep their place."""
        ready, passed_over = self._ready[waits], []
        found = None
        while ready and found is None:
            entry = heappop(ready)
            node = self._nodes[entry[1]]
            if self._held.isdisjoint(node.mutexes):
                found = node
            else:
                passed_over.append(entry)
        for entry in passed_over:
            heappush(ready, entry)
        if found is not None:
            self._held.update(found.mutexes)
            self._busy += not found.waits
        return found

    def _push(self, node: Node) -> None:
        heappush(self._ready[node.waits], (self._ranks[node.name], node.name))

    def _ranked(self, expected: Mapping[str, Expectation]) -> dict[str, tuple[int, float, int]]:
        """Rank every node, walking the graph from its ends back to its beginnings."""
        unknown = Expectation()
        chain: dict[str, float] = {}
        unsettled = {name: len(followers) for name, followers in self._dependants.items()}
        todo = [name for name, left in unsettled.items() if not left]
        while todo:
            name = todo.pop()
            after = max((chain[f] for f in self._dependants[name]), default=0.0)
            chain[name] = expected.get(name, unknown).seconds + after
            for need in self._open[name]:
                unsettled[need] -= 1
                if not unsettled[need]:
                    todo.append(need)
        ranks = {}
        for place, name in enumerate(self._nodes):
            guess = expected.get(name, unknown)
            if guess.failed_recently:
                ranks[name] = (0, guess.seconds, place)
            else:
                ranks[name] = (1, -chain[name], place)
        return ranks


def narrowed(checks: tuple[Check, ...], wanted: tuple[str, ...]) -> tuple[Check, ...]:
    """Return the wanted checks and all that they need, in the order of their declaration.

    Raises:
        KeyError: with the name of a wanted check that is not declared.
    """
    by_name = {c.name: c for c in checks}
    keep: set[str] = set()
    todo = list(wanted)
    while todo:
        name = todo.pop()
        if name not in keep:
            todo.extend(need.removeprefix("^") for need in by_name[name].needs)
            keep.add(name)
    return tuple(c for c in checks if c.name in keep)
