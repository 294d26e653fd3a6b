"""Where things stand in a file: composed with positions, on demand, only for files that something
is said about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provisioner import disk
from provisioner.model import Position, Source
from provisioner.yamltext.reading import MERGE, OTHER_BREAKS, Places, compose, other_breaks

_Step = str | int

_KEPT = 200  # files whose nodes are kept: they are many times larger than what they say


def _with_lines_of_editors(data: bytes) -> bytes:
    """YAML counts the line ends of other alphabets as well; editors do not."""
    if not other_breaks(data):
        return data
    return (
        data.decode("utf-8", "replace")
        .translate(dict.fromkeys(map(ord, OTHER_BREAKS), "."))
        .encode()
    )


class Positions:
    """The composed files of one workspace. `drafts` are what some of them would hold, by where they
    lie; `noted`, by file, is what was found while they were read.
    """

    noted: Mapping[str, Places] = {}

    def __init__(self, root: Path, drafts: Mapping[str, bytes] | None = None) -> None:
        self._root = root
        self._drafts = drafts or {}
        self._nodes: dict[str, Node | None] = {}

    def root(self, file: str) -> Node | None:
        """The file's nodes; None where it cannot be read (any more)."""
        if file not in self._nodes:
            if len(self._nodes) >= _KEPT:
                self._nodes.clear()
            try:
                self._nodes[file] = compose(_with_lines_of_editors(self._read(file)))
            except (OSError, yaml.YAMLError):
                self._nodes[file] = None
        return self._nodes[file]

    def _read(self, file: str) -> bytes:
        place = self._root / file
        draft = self._drafts.get(str(disk.real(place))) if self._drafts else None
        return disk.read(place, disk.LARGEST_TEXT) if draft is None else draft

    def locate(self, source: Source, key: bool = False) -> Position:
        """The value of a field, or its key: for `key`, for whole resources, and for what begins on
        a later line.
        """
        place = self.noted.get(source.file, {}).get(source.path)
        if place is not None:
            return Position(source.file, *place)
        pair = self._root_pair(source.file)
        for depth, step in enumerate(source.path):
            inner = _enter(pair[1], step)
            if inner is None:
                # Something missing stands where it should be: at what it is missing from.
                return _position(source.file, pair, key=True)
            pair = inner
            resource = depth + 1 == len(source.path) == 2
            # Something stands after the colon.
            scalar = isinstance(pair[1], ScalarNode) and pair[1].value
            key = key or (resource and not scalar)
        return _position(source.file, pair, key)

    def node(self, source: Source) -> Node | None:
        """The node of a value, for its source text."""
        return node_at(self.root(source.file), source.path)

    def _root_pair(self, file: str) -> tuple[Node | None, Node | None]:
        return (None, self.root(file))


def node_at(root: Node | None, path: Iterable[_Step]) -> Node | None:
    """The node that a path leads to, through anchors and `<<`; None where it leads nowhere."""
    node = root
    for step in path:
        inner = _enter(node, step)
        if inner is None:
            return None
        node = inner[1]
    return node


def _enter(node: Node | None, step: _Step) -> tuple[Node | None, Node] | None:
    """The key (if any) and value that a step leads to; through `<<` where the mapping itself has no
    such key.
    """
    if isinstance(node, SequenceNode):
        inside = isinstance(step, int) and step < len(node.value)
        return (None, node.value[step]) if inside else None
    if not isinstance(node, MappingNode):
        return None
    return _pairs(node).get(str(step)) or _merged(node, step)


@lru_cache(maxsize=256)
def _pairs(node: MappingNode) -> dict[str, tuple[Node, Node]]:
    """The pairs by key, the last of equal ones: thousands of problems may lie in one mapping."""
    return {
        key.value: (key, value)
        for key, value in node.value
        if isinstance(key, ScalarNode) and key.tag != MERGE
    }


def _merged(node: MappingNode, step: _Step) -> tuple[Node | None, Node] | None:
    for key, value in node.value:
        if key.tag != MERGE:
            continue
        for source in value.value if isinstance(value, SequenceNode) else [value]:
            pair = _enter(source, step)
            if pair:
                return pair
    return None


def _position(file: str, pair: tuple[Node | None, Node | None], key: bool) -> Position:
    label, value = pair
    if value is None:
        return Position(file, 1, 1)
    block = isinstance(value, MappingNode | SequenceNode) and not value.flow_style
    node = label if label is not None and (key or block) else value
    return Position(file, node.start_mark.line + 1, node.start_mark.column + 1)
