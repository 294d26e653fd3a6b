"""Where things stand in a file: composed with positions, on demand, only for files that something is said about."""

from __future__ import annotations

from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provisioner.model import Position, Source
from provisioner.spec.reading import compose

Step = str | int


class Positions:
    """The composed files of one workspace."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._nodes: dict[str, Node | None] = {}

    def root(self, file: str) -> Node | None:
        """The file's nodes; None where it cannot be read (any more)."""
        if file not in self._nodes:
            try:
                self._nodes[file] = compose((self._root / file).read_bytes())
            except (OSError, yaml.YAMLError, RecursionError):
                self._nodes[file] = None
        return self._nodes[file]

    def locate(self, source: Source, key: bool = False) -> Position:
        """The value of a field, or its key: for `key`, for whole resources, and for what begins on a later line."""
        found = self._root_pair(source.file)
        for depth, step in enumerate(source.path):
            inner = _enter(found[1], step)
            if inner is None:
                # Something missing stands where it should be: at what it is missing from.
                return _position(source.file, found, key=True)
            found = inner
            key = key or (depth + 1 == len(source.path) == 2 and not _says(found[1]))
        return _position(source.file, found, key)

    def node(self, source: Source) -> Node | None:
        """The node of a value, for its source text."""
        found = self._root_pair(source.file)
        for step in source.path:
            inner = _enter(found[1], step)
            if inner is None:
                return None
            found = inner
        return found[1]

    def _root_pair(self, file: str) -> tuple[Node | None, Node | None]:
        return (None, self.root(file))


def _says(value: Node | None) -> bool:
    """Whether something stands after the colon that is no mapping or list."""
    return isinstance(value, ScalarNode) and bool(value.value)


def _enter(node: Node | None, step: Step) -> tuple[Node | None, Node] | None:
    """The key (if any) and value that a step leads to; through `<<` where the mapping itself has no such key."""
    if isinstance(node, SequenceNode):
        inside = isinstance(step, int) and step < len(node.value)
        return (None, node.value[step]) if inside else None
    if not isinstance(node, MappingNode):
        return None
    for key, value in reversed(node.value):
        if isinstance(key, ScalarNode) and key.value == str(step):
            return key, value
    return _merged(node, step)


def _merged(node: MappingNode, step: Step) -> tuple[Node | None, Node] | None:
    for key, value in node.value:
        if key.value != "<<":
            continue
        for source in value.value if isinstance(value, SequenceNode) else [value]:
            found = _enter(source, step)
            if found:
                return found
    return None


def _position(file: str, pair: tuple[Node | None, Node | None], key: bool) -> Position:
    label, value = pair
    if value is None:
        return Position(file, 1, 1)
    block = isinstance(value, MappingNode | SequenceNode) and not value.flow_style
    node = label if label is not None and (key or block) else value
    return Position(file, node.start_mark.line + 1, node.start_mark.column + 1)
