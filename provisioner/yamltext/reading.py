"""One file of YAML read once, as fast as libyaml allows; what is odd is noticed here and explained
by `oddities`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import field
from functools import cache
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.resolver import Resolver

from provisioner.records import dataclass

DEEPEST_YAML = 100  # levels; libyaml's composer overruns the stack somewhere beyond ten thousand
_LARGEST = 200_000  # values of one file after its aliases are written out
UNFOLDED = 20  # and no more than so many for each that is written

STR = "tag:yaml.org,2002:str"
NULL = "tag:yaml.org,2002:null"
_SEQ = "tag:yaml.org,2002:seq"
_MAP = "tag:yaml.org,2002:map"
MERGE = "tag:yaml.org,2002:merge"
_KINDS: dict[type[Node], str] = {SequenceNode: _SEQ, MappingNode: _MAP}
_RESOLVERS = Resolver.yaml_implicit_resolvers


class TooDeep(yaml.YAMLError):
    """Nested beyond what anybody writes by hand."""


class UnfoldsTooFar(yaml.YAMLError):
    """Aliases that would unfold without end."""


@cache
def plain_tag(text: str) -> str:
    """The tag that YAML 1.1 gives to an unquoted scalar."""
    for tag, pattern in _RESOLVERS.get(text[0] if text else "", ()):
        if pattern.match(text):
            return str(tag)
    return STR


class _Quick:
    """Resolves tags from a table; paths and depth are not followed: both are C calls that do
    nothing.
    """

    descend_resolver: Any = slice
    ascend_resolver: Any = bool

    def resolve(self, kind: type[Node], text: str, implicit: tuple[bool, bool]) -> str:
        if kind is ScalarNode:
            return plain_tag(text) if implicit[0] else STR
        return _KINDS[kind]


class _Careful(_Quick):
    """For files that could be nested deeply: counts the levels while the nodes are composed."""

    _depth = 0

    def _descend(self, _parent: Node | None, _index: Any) -> None:
        self._depth += 1
        if self._depth > DEEPEST_YAML + 1:  # what the last level holds is entered, too
            raise TooDeep

    def _ascend(self) -> None:
        self._depth -= 1

    descend_resolver = _descend
    ascend_resolver = _ascend


def _loaders() -> tuple[Any, Any]:
    base: Any = getattr(yaml.cyaml, "CParser", None) if yaml.__with_libyaml__ else None
    if base is None:
        from yaml.composer import Composer
        from yaml.parser import Parser
        from yaml.reader import Reader
        from yaml.scanner import Scanner

        class Pure(Reader, Scanner, Parser, Composer):
            def __init__(self, stream: Any) -> None:
                Reader.__init__(self, stream)
                Scanner.__init__(self)
                Parser.__init__(self)
                Composer.__init__(self)

        base = Pure
    return type("QuickLoader", (_Quick, base), {}), type("CarefulLoader", (_Careful, base), {})


_QUICK, _CAREFUL = _loaders()
_DEEP = (b"[", b"{", b"- ", b"? ")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_INDENTED = b"\n" + b" " * DEEPEST_YAML
# libyaml 0.2.6 has a limit of its own, and reads far enough ahead to meet it before ours
_TOO_DEEP = "nesting depth"


def compose(data: bytes) -> Node | None:
    """The nodes of the only document in `data`, with positions; YAMLError for anything else,
    TooDeep among them.
    """
    if data.startswith(_UTF16):  # libyaml would read it
        raise yaml.YAMLError("UTF-16")
    deep = sum(map(data.count, _DEEP)) > DEEPEST_YAML or _INDENTED in data
    loader = (_CAREFUL if deep else _QUICK)(data)
    try:
        return loader.get_single_node()  # type: ignore[no-any-return]  # the loader is built at run time
    except RecursionError:
        raise TooDeep from None
    except yaml.MarkedYAMLError as error:
        if _TOO_DEEP in str(error.problem):
            raise TooDeep from None
        raise
    finally:
        loader.dispose()


Places = Mapping[tuple[str | int, ...], tuple[int, int]]
"""Line and column of a key, by the path to its value."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says. `odd`: it holds something that an author may not have meant (see
    `oddities`).
    """

    value: Any
    odd: bool = False
    # Of the mappings that lie in its mappings: nobody has to compose it once more for those.
    places: Places = field(default_factory=dict)


class _Scalars(SafeConstructor):
    """PyYAML's own constructors for single scalars."""


_SCALARS = _Scalars()
_INT = "tag:yaml.org,2002:int"
_FLOAT = "tag:yaml.org,2002:float"
_BOOL = "tag:yaml.org,2002:bool"
_CLEAN_BOOLS = {
    "true": True,
    "false": False,
    "True": True,
    "False": False,
    "TRUE": True,
    "FALSE": False,
}
_CLEAN_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\Z")
_CLEAN_FLOAT = re.compile(r"[-+]?[0-9]+\.([0-9]*[1-9]|0)?\Z")


class Builder:
    """Turns nodes into values in one walk."""

    def __init__(self) -> None:
        self.odd = False

    def build(self, node: Node) -> Any:
        if isinstance(node, MappingNode):
            return self.mapping(node)
        if isinstance(node, SequenceNode):
            self.odd = self.odd or node.tag != _SEQ
            return [item.value if item.tag == STR else self.build(item) for item in node.value]
        return node.value if node.tag == STR else self.scalar(node)

    def mapping(self, node: MappingNode) -> dict[Any, Any]:
        pairs = node.value
        result = {
            key.value if key.tag == STR else self.key(key): value.value
            if value.tag == STR
            else self.build(value)
            for key, value in pairs
        }
        if len(result) != len(pairs) or node.tag != _MAP:
            self.odd = True
        if self.odd:
            result.pop(_NO_KEY, None)
        return self.merged(result) if _MERGED in result else result

    def key(self, node: Node) -> Any:
        if node.tag == MERGE:
            return _MERGED
        self.odd = True
        return node.value if isinstance(node, ScalarNode) else _NO_KEY

    def merged(self, result: dict[Any, Any]) -> dict[Any, Any]:
        """`<<` laid under the mapping's own keys; the first of several wins."""
        given = result.pop(_MERGED)
        below: dict[Any, Any] = {}
        for source in reversed(given if isinstance(given, list) else [given]):
            if isinstance(source, dict):
                below |= source
            else:
                self.odd = True
        return below | result

    def scalar(self, node: Node) -> Any:
        tag, text = node.tag, node.value
        clean: Callable[[str], Any] | None = _CLEAN.get(tag)
        value = clean(text) if clean else None
        if value is not None or (tag == NULL and clean):
            return value
        self.odd = True
        return odd_value(node)


class _MergedKey:
    """The place of `<<` while a mapping is built."""


_MERGED = _MergedKey()
_NO_KEY = _MergedKey()  # a list or mapping in the place of a key: reported as odd, and left out


def _clean_int(text: str) -> int | None:
    return int(text) if _CLEAN_INT.match(text) else None


def _clean_float(text: str) -> float | None:
    return float(text) if _CLEAN_FLOAT.match(text) else None


_CLEAN: dict[str, Callable[[str], Any]] = {
    _BOOL: _CLEAN_BOOLS.get,
    _INT: _clean_int,
    _FLOAT: _clean_float,
    NULL: lambda _text: None,
}


def odd_value(node: Node) -> Any:
    """What PyYAML makes of a scalar that is not plain JSON: `no`, `010`, a date, an own tag."""
    if not isinstance(node, ScalarNode):
        return Builder().build(node)
    construct = SafeConstructor.yaml_constructors.get(node.tag)
    if construct is None:
        return node.value
    try:
        return construct(_SCALARS, node)
    except (ValueError, yaml.YAMLError, AttributeError, KeyError):
        return node.value


class AliasBuilder(Builder):
    """For files with aliases: builds every node once, and counts what they unfold to."""

    def __init__(self) -> None:
        super().__init__()
        self._done: dict[int, tuple[Any, int]] = {}
        self._count = 0

    def build(self, node: Node) -> Any:
        built = self._done.get(id(node))
        if built is not None:
            value, size = built
        else:
            before = self._count
            self._done[id(node)] = (None, sys.maxsize)  # an alias inside its own anchor never ends
            value = super().build(node)
            size = self._count - before
            self._done[id(node)] = (value, size)
            self._count = before
        self._count += size + 1 + len(node.value) * (not isinstance(node, ScalarNode))
        if self._count > _LARGEST + UNFOLDED * len(self._done):
            raise UnfoldsTooFar
        return value


def read_yaml(data: bytes) -> Reading:
    """The value of a file; YAMLError where there is none, TooDeep and TooLarge among them."""
    node = compose(data)
    if node is None:
        return Reading(None)
    aliases = b"*" in data and b"&" in data
    builder = AliasBuilder() if aliases else Builder()
    value = builder.build(node)
    if aliases and too_deep(value):  # each line may add a level to what stands above it
        raise TooDeep
    places = {} if builder.odd or other_breaks(data) else _places(node)
    return Reading(value, builder.odd, places)


OTHER_BREAKS = "\x85\u2028\u2029"
_OTHER_BREAKS = [mark.encode() for mark in OTHER_BREAKS]


def other_breaks(data: bytes) -> bool:
    """Whether YAML counts more lines than editors do: it knows the line ends of other alphabets."""
    return any(mark in data for mark in _OTHER_BREAKS)


def _places(root: Node) -> Places:
    """Of the mappings that lie in a mapping of the root, where that is written so."""
    found: dict[tuple[str | int, ...], tuple[int, int]] = {}
    for outer, inside in root.value if isinstance(root, MappingNode) else ():
        for key, value in inside.value if isinstance(inside, MappingNode) else ():
            if isinstance(value, MappingNode) and MERGE not in (outer.tag, key.tag):
                mark = key.start_mark
                found[outer.value, key.value] = mark.line + 1, mark.column + 1
    return found


def value_of(data: bytes) -> Any:
    """The value of what may be YAML; None where it is none, or is beyond a limit."""
    try:
        return read_yaml(data).value
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def too_deep(value: Any) -> bool:
    """Whether lists and mappings stand in each other in more than DEEPEST_YAML levels."""
    level = [value]
    for _ in range(DEEPEST_YAML + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(level)
