"""Code of any language, reduced to what says what an assistant is like: literals, names, calls,
loops and functions. It is a description to be looked at; nothing in it can be run.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from provisioner.records import dataclass

At = tuple[int, int]  # line and column, from 1


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of code at its place; as it stands, it is something that nobody follows."""

    at: At
    text: str = ""  # the code itself, shortened, for messages


@dataclass(frozen=True, slots=True)
class Const(Node):
    value: Any = None


@dataclass(frozen=True, slots=True)
class Template(Node):
    """Text with places in it; what is no text is a node."""

    parts: tuple[str | Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Name(Node):
    id: str = ""


@dataclass(frozen=True, slots=True)
class Attr(Node):
    of: Node | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Index(Node):
    of: Node | None = None
    key: Node | None = None


@dataclass(frozen=True, slots=True)
class Spread(Node):
    of: Node | None = None


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    items: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class DictOf(Node):
    items: tuple[tuple[Node | None, Node], ...] = ()  # no key: the value is spread


@dataclass(frozen=True, slots=True)
class Add(Node):
    left: Node | None = None
    right: Node | None = None


@dataclass(frozen=True, slots=True)
class Either(Node):
    """The first one, or what stands in for it where it is not there."""

    first: Node | None = None
    second: Node | None = None


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """One of two values, by a test."""

    test: Node | None = None
    first: Node | None = None
    second: Node | None = None


@dataclass(frozen=True, slots=True)
class Call(Node):
    function: Node | None = None
    args: tuple[Node, ...] = ()
    named: tuple[tuple[str | None, Node], ...] = ()  # no name: the value is spread


@dataclass(frozen=True, slots=True)
class Each(Node):
    """A list made of one value for each of others."""

    target: tuple[str, ...] = ()
    over: Node | None = None
    value: Node | None = None


@dataclass(frozen=True, slots=True)
class Param:
    name: str
    at: At
    default: Node | None = None
    type: Node | None = None  # what the code says of its type
    rest: bool = False  # `**name`: what is given by names that no other one has
    inner: tuple[str, ...] = ()  # `{a, b}` where a function takes an object apart


@dataclass(frozen=True, slots=True)
class Function(Node):
    name: str = ""
    params: tuple[Param, ...] = ()
    body: tuple[Statement, ...] = ()
    about: str = ""  # its docstring
    marks: tuple[Node, ...] = ()  # its decorators


@dataclass(frozen=True, slots=True)
class Statement:
    at: At


@dataclass(frozen=True, slots=True)
class Do(Statement):
    value: Node


@dataclass(frozen=True, slots=True)
class Assign(Statement):
    """A target of several names takes a value apart."""

    targets: tuple[Node, ...]
    value: Node
    unpacked: bool = False
    keyed: bool = False  # taken apart by name, not by position


@dataclass(frozen=True, slots=True)
class Grow(Statement):
    """`target += value`."""

    target: Node
    value: Node


@dataclass(frozen=True, slots=True)
class Loop(Statement):
    target: tuple[str, ...]
    over: Node
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Branch(Statement):
    """Ways of which one is taken at run time, or none if `open`."""

    ways: tuple[tuple[Statement, ...], ...]
    open: bool = True
    text: str = ""


@dataclass(frozen=True, slots=True)
class Class(Statement):
    name: str
    body: tuple[Statement, ...]
    bases: tuple[Node, ...] = ()
    fields: tuple[Param, ...] = ()  # what it declares with a type
    about: str = ""  # its docstring
    marks: tuple[Node, ...] = ()  # its decorators


@dataclass(frozen=True, slots=True)
class Return(Statement):
    value: Node


@dataclass(frozen=True, slots=True)
class Import(Statement):
    """A local name, and where it comes from: the module, and the name in it (none: all of it)."""

    local: str
    module: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Program:
    """A file, in the order in which it stands there."""

    body: tuple[Statement, ...] = ()
    language: str = ""
    functions: dict[str, Function] = field(default_factory=dict)


def operation(at: At, text: str, name: str, of: Node, *others: Node) -> Call:
    """An operator, as a call of what stands before it."""
    return Call(at, text, Attr(at, text, of, name), others)


SHORT = 60


def shortened(text: str) -> str:
    """A piece of code on one line, for a message."""
    line = " ".join(text.split())
    return line if len(line) <= SHORT else line[: SHORT - 1] + "…"
