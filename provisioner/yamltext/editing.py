"""A YAML or JSON text made to say another value: what stays the same keeps every byte, comments
included.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

import yaml
from yaml.nodes import ScalarNode

from provisioner.diff import same
from provisioner.kinds.base import Path
from provisioner.records import dataclass
from provisioner.yamltext.patches import Rearranged
from provisioner.yamltext.pieces import PROPERTIES, Piece, taken_apart
from provisioner.yamltext.positions import node_at
from provisioner.yamltext.reading import DEEPEST_YAML, compose, read_yaml, too_deep
from provisioner.yamltext.spelling import (
    Placement,
    Spelling,
    Unwritable,
    flow_spelt,
    item_lines,
    json_spelt,
    key_spelt,
    line,
    pair_lines,
    value_spelt,
)

_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*")


class Cuts:
    """What is to be cut out of one text and put in its place."""

    def __init__(self, text: str, *, json_only: bool = False, one_line: bool = False) -> None:
        self._text = text
        self._json = json_only
        self._one_line = one_line  # no value goes over several lines
        self._eol = "\r\n" if "\r\n" in text else "\n"
        self._cuts: list[tuple[int, int, int, str]] = []

    def result(self) -> str:
        """The text after all of them, made from the end, so that places stay true."""
        text = self._text
        parts: list[str] = []
        end = len(text)
        for start, stop, _, new in sorted(self._cuts, reverse=True):
            parts += [text[stop:end], new]
            end = start
        touched = any(stop == len(text) for _, stop, _, _ in self._cuts)
        open_ended = touched and text and not text.endswith("\n") and not self._json
        result = "".join([text[:end], *reversed(parts)])
        return result + self._eol if open_ended and not result.endswith("\n") else result

    def _cut(self, start: int, stop: int, new: str) -> None:
        self._cuts.append((start, stop, len(self._cuts), new))

    def replace(
        self, piece: Piece, value: Any, *, column: int, flow: bool, key: Piece | None
    ) -> None:
        """Put another value in the place of one. `column` is that of its key or dash."""
        place = Placement(
            flow or self._json or self._one_line, max(column, 0), **self._author(piece)
        )
        new = value_spelt(value, place, json_only=self._json)
        collection = piece.sort in ("mapping", "sequence") and piece.style == "block"
        # It begins below its key.
        if key and collection and "\n" in self._text[key.end : piece.start]:
            colon = self._text.index(":", key.end) + 1
            self._head(colon, colon, new)
            text = new.below and new.inline  # comments before it would become a part of it
            self._lines(
                self._next_line(colon) if text else self._line_start(piece.start), piece.end, new
            )
        elif piece.block:
            header = _BLOCK_HEADER.match(self._text, piece.start)
            assert header is not None
            self._head(piece.start, header.end(), new)
            self._lines(self._next_line(piece.start), piece.end, new)
        else:
            self._head(piece.start, piece.end, new)
            self._insert(piece.end, new.below)

    def _author(self, piece: Piece) -> dict[str, Any]:
        """How the old value was written."""
        if piece.sort != "scalar":
            return {}
        body = tuple(self._text[piece.start : piece.end].splitlines()[1:]) if piece.block else ()
        return {"style": piece.style, "body": body, "lines": "\n" in piece.said}

    def _head(self, start: int, stop: int, new: Spelling) -> None:
        """What stands on the line of the key or dash."""
        inline = new.inline
        if not inline:
            while start and self._text[start - 1] in " \t":
                start -= 1
        elif start and self._text[start - 1] in ":-,":
            inline = f" {inline}"
        self._cut(start, stop, inline)

    def _lines(self, start: int, end: int, new: Spelling) -> None:
        """Whole lines in the place of those from `start` to the one that `end` is in."""
        stop = self._next_line(end) if end > start else start
        if "+" in new.inline[:3] and new.below:
            while stop < len(self._text) and not self._text[stop : self._line_end(stop)].strip():
                stop = self._next_line(stop)  # empty lines after such a text would be a part of it
        lead = (
            self._eol
            if start == len(self._text) and not self._text.endswith("\n") and new.below
            else ""
        )
        self._cut(start, stop, lead + "".join(line + self._eol for line in new.below))

    def remove(self, piece: Piece, gone: Sequence[int]) -> None:
        """Take entries out of a list or mapping that keeps at least one, with the comments that are
        theirs.
        """
        starts = self._starts(piece)
        kept = [index for index in range(len(starts)) if index not in gone]
        if piece.style == "flow":
            self._remove_in_brackets(piece, starts, gone, kept[-1])
            return
        for index in gone:
            if index > kept[0] or self._leads(starts[0]):
                self._cut(
                    self._first_comment(starts[index]), self._next_line(piece.items[index].end), ""
                )
        if kept[0] and not self._leads(starts[0]):  # what is next moves up to the dash around it
            after = self._next_line(piece.items[kept[0] - 1].end)
            self._cut(
                starts[0], after + len(self._text[after:]) - len(self._text[after:].lstrip()), ""
            )

    def _remove_in_brackets(
        self, piece: Piece, starts: Sequence[int], gone: Sequence[int], last: int
    ) -> None:
        for index in gone:
            if index < last:
                self._cut(starts[index], starts[index + 1], "")
        if last + 1 == len(starts):
            return
        comma = self._text.index(",", piece.items[last].end)
        beside = not self._text[comma + 1 : starts[last + 1]].strip(" ")
        self._cut(piece.items[last].end if beside else comma, comma + 1, "")
        self._cut(comma + 1 if beside else starts[last + 1], piece.items[-1].end, "")

    def _starts(self, piece: Piece) -> list[int]:
        """Where each entry begins: at its key or, in a block, at its dash."""
        if piece.keys:
            return [key.start for key in piece.keys]
        if piece.style == "flow":
            return [item.start for item in piece.items]
        return [piece.start, *(self._dash(piece, item.end) for item in piece.items[:-1])]

    def _dash(self, piece: Piece, after: int) -> int:
        """The next dash in the column of a block list."""
        dash = re.compile(rf"^ {{{piece.column}}}-", re.MULTILINE).search(
            self._text, self._next_line(after)
        )
        assert dash is not None
        return dash.end() - 1

    def _leads(self, start: int) -> bool:
        """Whether nothing stands before it on its line."""
        return not self._text[self._line_start(start) : start].strip()

    def _first_comment(self, start: int) -> int:
        """Where the comments begin that stand right above an entry, in its column."""
        first = self._line_start(start)
        line = self._text[first : self._line_end(first)]
        comment = line[: len(line) - len(line.lstrip())] + "#"
        while first and self._text.startswith(comment, above := self._line_start(first - 1)):
            first = above
        return first

    def add_pairs(self, piece: Piece, after: int, pairs: Iterable[tuple[Any, Any]]) -> None:
        """Put pairs into a mapping, after one that stays."""
        for key, value in pairs:
            if piece.style != "flow":
                self._insert(piece.items[after].end, pair_lines(key, value, piece.column))
            elif self._json:
                self._beside(
                    piece.keys[after].start,
                    piece.items[after].end,
                    f"{json_spelt(key)}: {json_spelt(value)}",
                )
            else:
                spelling = f"{key_spelt(key, flow=True)}: {flow_spelt(value)}"
                self._beside(piece.keys[after].start, piece.items[after].end, spelling)

    def add_items(
        self, piece: Piece, after: int | None, values: Sequence[Any], before: int = 0
    ) -> None:
        """Put entries into a list: after one that stays, or before the first one that does."""
        for value in values:
            if piece.style == "flow":
                new = json_spelt(value) if self._json else flow_spelt(value)
                if after is None:
                    self._cut(piece.items[before].start, piece.items[before].start, f"{new}, ")
                else:
                    self._beside(piece.items[after].start, piece.items[after].end, new)
            elif after is not None:
                self._insert(piece.items[after].end, item_lines(value, piece.column))
            else:
                start = self._starts(piece)[before]
                new = "".join(line + self._eol for line in item_lines(value, piece.column))
                if self._leads(start):
                    start = self._first_comment(start)
                else:  # on the line of the dash around it
                    new = new.lstrip(" ") + " " * piece.column
                self._cut(start, start, new)

    def _beside(self, start: int, end: int, new: str) -> None:
        """After an entry in brackets: on a line of its own, if that entry has one."""
        indent = self._text[self._line_start(start) : start]
        gap = self._eol + indent if not indent.strip() and self._line_start(start) else " "
        self._cut(end, end, f",{gap}{new}")

    def _insert(self, end: int, lines: Sequence[str]) -> None:
        """Lines below the one that `end` is in."""
        at = self._line_end(end)
        if lines:
            self._cut(at, at, "".join(self._eol + line for line in lines))

    def _line_start(self, at: int) -> int:
        return self._text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        found = self._text.find("\n", at)
        end = len(self._text) if found < 0 else found
        return end - 1 if end and found >= 0 and self._text[end - 1] == "\r" and end > at else end

    def _next_line(self, at: int) -> int:
        end = self._text.find("\n", at)
        return len(self._text) if end < 0 else end + 1


class Entangled(Unwritable):
    """The value is written in a place that stands for others as well."""


def rewritten(text: str, old: Any, new: Any, *, json_only: bool = False) -> str:
    """The text, which says `old`, changed where `new` is different; Unwritable where that cannot be
    done so that nothing else changes.
    """
    if too_deep(new):
        raise Unwritable(f"it is nested in more than {DEEPEST_YAML} levels")
    root = taken_apart(text)
    for one_line in (False, True):  # what stands around a value may not bear one of several lines
        cuts = Cuts(text, json_only=json_only, one_line=one_line)
        if root is not None:
            _Rewriting(cuts).differ(root, old, new, _Around())
        result = cuts.result()
        if _says(result, new):
            return result
    raise Unwritable("the file is laid out in a way that cannot be kept")


def renamed(text: str, words: Mapping[Path, str]) -> str:
    """The text with other words at these paths, each put where it is written: at an anchor or below
    `<<` for everything that it stands for. Unwritable for what is not a word on one line.
    """
    root = compose(text.encode())
    places: dict[tuple[int, int], str] = {}
    for path, word in words.items():
        node = node_at(root, path)
        if not isinstance(node, ScalarNode) or node.style in ("|", ">"):
            raise Unwritable("it is not written as a word on one line")
        start, end = node.start_mark.index, node.end_mark.index
        properties = PROPERTIES.match(text, start, end)
        places[properties.end() if properties else start, end] = word
    for (start, end), word in sorted(places.items(), reverse=True):
        quote = text[start] if text[start] in "'\"" else ""
        text = text[:start] + line(word, quote, flow=True) + text[end:]
    return text


def _says(text: str, value: Any) -> bool:
    try:
        return same(read_yaml(text.encode()).value, value)
    except (yaml.YAMLError, UnicodeError):
        return False


@dataclass(frozen=True, slots=True)
class _Around:
    """What a value stands in: in which column the key or dash stands, and the key itself."""

    column: int = -1
    flow: bool = False
    key: Piece | None = None


@dataclass
class _Rewriting:
    cuts: Cuts

    def differ(self, piece: Piece, old: Any, new: Any, around: _Around) -> None:
        """Walk down to what differs and note the cuts."""
        moved = isinstance(new, Rearranged) and new.origins != list(range(len(new)))
        if same(old, new) and not moved:
            return
        if piece.shared:
            raise Entangled(
                f"it comes from the anchor `&{piece.anchor}`, which other places use as well"
            )
        if piece.sort == "mapping" and isinstance(new, dict) and isinstance(old, dict):
            self._mapping(piece, old, new, around)
        elif piece.sort == "sequence" and isinstance(new, list) and isinstance(old, list):
            self._sequence(piece, old, new, around)
        else:
            self._replace(piece, new, around)

    def _replace(self, piece: Piece, new: Any, around: _Around) -> None:
        self.cuts.replace(piece, new, column=around.column, flow=around.flow, key=around.key)

    def _mapping(
        self, piece: Piece, old: dict[Any, Any], new: dict[Any, Any], around: _Around
    ) -> None:
        own = {key.said: index for index, key in enumerate(piece.keys) if key.said != "<<"}
        for key in {**old, **new}:
            changed = key not in old or key not in new or not same(old[key], new[key])
            if changed and key in old and str(key) not in own:
                raise Entangled(
                    "it comes from an anchor through `<<`, which other places use as well"
                )
        gone = [index for key, index in own.items() if key in old and key not in new]
        added = [(key, new[key]) for key in new if key not in old]
        if len(gone) == len(piece.keys) or not piece.keys:
            self._replace(piece, new, around)
            return
        for key, index in own.items():
            if key in new and key in old:
                inner = _Around(piece.column, piece.style == "flow", piece.keys[index])
                self.differ(piece.items[index], old[key], new[key], inner)
        self.cuts.remove(piece, gone)
        self.cuts.add_pairs(piece, max(set(range(len(piece.keys))) - set(gone)), added)

    def _sequence(self, piece: Piece, old: list[Any], new: list[Any], around: _Around) -> None:
        origins = new.origins if isinstance(new, Rearranged) else _aligned(old, new)
        kept = {origin for origin in origins if origin is not None}
        if not kept:
            self._replace(piece, list(new), around)
            return
        inner = _Around(piece.column, piece.style == "flow")
        fresh: list[Any] = []
        last: int | None = None
        for origin, value in zip(origins, new, strict=True):
            if origin is None:
                fresh.append(value)
                continue
            self.differ(piece.items[origin], old[origin], value, inner)
            self.cuts.add_items(piece, last, fresh, before=origin)
            fresh, last = [], origin
        self.cuts.add_items(piece, last, fresh)
        self.cuts.remove(piece, [index for index in range(len(piece.items)) if index not in kept])


def _aligned(old: Sequence[Any], new: Sequence[Any]) -> list[int | None]:
    """For each new entry the old one that it is or was made from."""
    before = [json.dumps(item, sort_keys=True, default=str) for item in old]
    after = [json.dumps(item, sort_keys=True, default=str) for item in new]
    origins: list[int | None] = []
    for _, at, end, start, stop in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        pairs = end - at == stop - start
        origins += range(at, end) if pairs else [None] * (stop - start)
    return origins
