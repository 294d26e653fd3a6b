"""A YAML text taken apart into pieces that know where they stand: aliases stay aliases, nothing is
resolved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml
from yaml import events as e

from provisioner.records import dataclass

# An anchor and a tag before a value stay where they are.
PROPERTIES = re.compile(r"(?:[&!]\S*[ \t]*)+")
_HEADER = re.compile(r"[|>][-+0-9]*")


@dataclass(frozen=True, slots=True)
class Piece:
    """One value. `end` is where it says its last word: comments and blank lines after it are not
    part of it.
    """

    sort: str  # scalar | mapping | sequence | alias
    start: int
    end: int
    column: int
    style: str = ""  # scalars: the quote, `|`, `>` or nothing; collections: `block` or `flow`
    anchor: str = ""
    shared: bool = False  # an alias elsewhere stands for the same value
    items: tuple[Piece, ...] = ()
    keys: tuple[Piece, ...] = ()  # mappings: for each item
    said: str = ""  # scalars: the value as text

    @property
    def block(self) -> bool:
        """Whether it is text below its header: `|` or `>`."""
        return self.sort == "scalar" and self.style in ("|", ">")


def taken_apart(text: str) -> Piece | None:
    """The root of the only document; YAMLError for what is none."""
    loader: Any = getattr(yaml, "CLoader", yaml.Loader)
    events: list[Any] = list(yaml.parse(text, Loader=loader))
    aliases = {str(event.anchor) for event in events if isinstance(event, e.AliasEvent)}
    values = iter(
        [event for event in events if isinstance(event, e.NodeEvent | e.CollectionEndEvent)]
    )
    return next(_Pieces(text, aliases).read(values), None)


class _Pieces:
    def __init__(self, text: str, aliases: set[str]) -> None:
        self._text = text
        self._aliases = aliases

    def read(self, values: Iterator[Any]) -> Iterator[Piece]:
        """The pieces up to the end of the collection that they are in."""
        for event in values:
            if isinstance(event, e.CollectionEndEvent):
                yield Piece("end", *_span(event), 0)
                return
            yield self._piece(event, values)

    def _piece(self, event: Any, values: Iterator[Any]) -> Piece:
        start, end = _span(event)
        if isinstance(event, e.AliasEvent):
            return Piece("alias", start, end, 0, anchor=str(event.anchor), shared=True)
        properties = PROPERTIES.match(self._text, start, end)
        column = event.start_mark.column
        if properties and isinstance(event, e.ScalarEvent):
            column, start = column + properties.end() - start, properties.end()
        made = Piece(
            "scalar",
            start,
            end,
            column,
            anchor=event.anchor or "",
            shared=event.anchor in self._aliases,
        )
        if isinstance(event, e.ScalarEvent):
            style = event.style or ""
            made = replace(made, style=style, said=event.value)
            if not made.block:
                return made
            # It ends with its last line that says something; with its last one where it keeps all
            # of them (`+`).
            header = _HEADER.match(self._text, made.start)
            span = self._text[made.start : made.end].removesuffix("\n").removesuffix("\r")
            lines = span.split("\n")
            if not (header and "+" in header[0]):
                depth = depth_of(lines[1:])
                while len(lines) > 1 and len(lines[-1].rstrip("\r")) <= depth:
                    if lines[-1].strip():
                        break
                    lines.pop()
            said = "\n".join(lines).removesuffix("\r")
            return replace(made, end=made.start + len(said))
        return self._collection(made, event, list(self.read(values)))

    def _collection(self, made: Piece, event: Any, inside: list[Piece]) -> Piece:
        closing = inside.pop()
        mapping = isinstance(event, e.MappingStartEvent)
        items = inside[1::2] if mapping else inside
        if event.flow_style:
            # An anchor stands before the bracket.
            start = self._text.index("{" if mapping else "[", made.start)
            made = replace(made, style="flow", start=start, end=closing.end)
        else:
            first = inside[0] if mapping else None
            start, column = (first.start, first.column) if first else self._dash(made, inside)
            made = replace(made, style="block", start=start, column=column, end=items[-1].end)
        keys = tuple(inside[::2]) if mapping else ()
        return replace(
            made, sort="mapping" if mapping else "sequence", items=tuple(items), keys=keys
        )

    def _dash(self, made: Piece, inside: list[Piece]) -> tuple[int, int]:
        """Where the first dash of a block sequence stands, which an anchor may precede."""
        if self._text[made.start] == "-":
            return made.start, made.column
        at = self._text.rindex("-", made.start, inside[0].start)
        return at, at - self._text.rfind("\n", 0, at) - 1


def _span(event: Any) -> tuple[int, int]:
    return event.start_mark.index, event.end_mark.index


def depth_of(lines: list[str]) -> int:
    """The indentation of the lines of a block scalar."""
    return min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
