"""YAML text to plain data plus the position of everything in it.

Scalars stay the text that was written (`no`, `012`, `1e7` and a commit id mean themselves); only
an empty scalar, `null` and `~` become None. What a text means is the schema's business, so no
value can change its meaning on the way. It refuses duplicate keys, anchors, merge keys and tags.
"""

from __future__ import annotations

import yaml

from shipway.model.lazy import dataclass

Path = tuple[str | int, ...]
Data = str | None | list["Data"] | dict[str, "Data"]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong, where it stands; `line` and `column` count from 1."""

    line: int
    column: int
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Document:
    """Parsed text: the data, where each path stands, and what was wrong with the YAML itself."""

    data: Data
    positions: dict[Path, tuple[int, int]]
    problems: tuple[Problem, ...]

    def problem(self, path: Path, message: str) -> Problem:
        """Place a message at a path, or at its closest ancestor that stands in the text."""
        at = path
        while at and at not in self.positions:
            at = at[:-1]
        line, column = self.positions.get(at, (1, 1))
        return Problem(line, column, dotted(path), message)


def dotted(path: Path) -> str:
    """Write a path as people do: `environments.preprod.verify[0].http`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "(document)"


def parse(text: str) -> Document:
    """Parse strict YAML; a syntax error is one problem, and the data is then None."""
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return Document(None, {}, (Problem(*where, "(document)", f"not YAML: {error.problem}"),))
    except yaml.YAMLError as error:  # a character that YAML does not allow has no mark
        problem = Problem(1, 1, "(document)", f"not YAML: {str(error).splitlines()[0]}")
        return Document(None, {}, (problem,))
    reader = _Reader()
    data = reader.read(node, ()) if node is not None else None
    return Document(data, reader.positions, tuple(reader.problems))


class _Reader:
    """Walks the node tree once, so that each position is known for each path."""

    def __init__(self) -> None:
        self.positions: dict[Path, tuple[int, int]] = {}
        self.problems: list[Problem] = []
        self._seen: set[int] = set()

    def read(self, node: yaml.Node, path: Path) -> Data:
        self.positions.setdefault(path, _start(node))
        if id(node) in self._seen:
            self._complain(node, path, "aliases are not allowed; write the value out")
            return None
        self._seen.add(id(node))
        if node.tag not in _TAGS:
            self._complain(node, path, f"tag {node.tag} is not allowed")
        match node:
            case yaml.ScalarNode():
                return _scalar(node)
            case yaml.SequenceNode():
                return [self.read(item, (*path, n)) for n, item in enumerate(node.value)]
            case yaml.MappingNode():
                return self._mapping(node, path)
            case _:
                self._complain(node, path, "cannot be read")
                return None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Data]:
        found: dict[str, Data] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._complain(key, path, "a key must be plain text")
                continue
            name = str(key.value)
            if name == "<<":
                self._complain(key, path, "merge keys are not allowed; write the values out")
            elif name in found:
                self._complain(key, (*path, name), "this key stands here twice")
            else:
                self.positions[(*path, name)] = _start(key)
                found[name] = self.read(value, (*path, name))
        return found

    def _complain(self, node: yaml.Node, path: Path, message: str) -> None:
        self.problems.append(Problem(*_start(node), dotted(path), message))


_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("str", "null", "bool", "int", "float", "timestamp", "seq", "map", "value", "merge")
)


def _start(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _scalar(node: yaml.ScalarNode) -> str | None:
    plain = not node.style  # None or, from the C loader, ""
    return None if plain and node.value in {"", "~", "null"} else str(node.value)
