"""`fmt`: specs laid out in one way, without a change of what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from typing import Any, NamedTuple

import yaml
from yaml import tokens as t

from provisioner.errors import SpecError
from provisioner.model import Problem
from provisioner.records import dataclass
from provisioner.yamltext.reading import compose, read_yaml
from provisioner.yamltext.syntax import explain

_MARK = "\ufeff"


def format_text(text: str, file: str | None = None) -> str:
    """The text with two spaces an indent, sequences indented, one newline at the end; comments,
    anchors, quotes, key order and line breaks stay. Idempotent. SpecError where it is not YAML or
    cannot be laid out without changing it.
    """
    plain = text.removeprefix(_MARK).replace("\r\n", "\n").replace("\r", "\n")
    before = _meaning(plain, file)
    if not plain.strip():
        return ""
    if before is None:
        return plain.rstrip("\n") + "\n"
    try:
        result = _stable(plain)
    except Unusual:
        result = plain if plain.endswith("\n") else plain + "\n"
    for candidate in (result.rstrip("\n") + "\n", result):  # a block may keep its newlines
        if _meaning(candidate, file) == before:
            return candidate
    detail = (
        f"`{file or 'The text'}` cannot be laid out without changing what it says; it is left as"
        " it is."
    )
    raise SpecError(Problem("Cannot be formatted", detail, "lay it out by hand", file=file))


def _stable(text: str) -> str:
    """The text with two spaces an indent, sequences indented, one blank after `-`, `:` and `,`;
    laid out until that changes nothing any more. Unusual where it uses what this does not know:
    explicit keys (`? `), line ends of other alphabets.
    """
    for _ in range(4):
        if _UNUSUAL_BREAKS.search(text):
            raise Unusual
        walk = _Walk()
        loader: Any = getattr(yaml, "CLoader", yaml.Loader)
        placed = [walk.placed(token) for token in yaml.scan(text, Loader=loader)]
        if any(isinstance(one.token, t.KeyToken) and _width(one.token) for one in placed):
            raise Unusual
        seen = [one for one in placed if _width(one.token)]
        before, text = text, _Lines(text.split("\n"), seen).text()
        if text == before:
            break
    return text


def _meaning(text: str, file: str | None) -> Any:
    """The value as we read it, with the source text of every scalar and every comment that an
    author wrote.
    """
    data = text.encode()
    try:
        node = compose(data)
        return (
            None
            if node is None
            else (repr(read_yaml(data).value), sorted(_comments(text)), list(_scalars(node)))
        )
    except (yaml.YAMLError, ValueError) as error:
        raise SpecError(explain(file or "the text", data, error)) from None


def _scalars(root: Any) -> Iterator[tuple[str, str, bool]]:
    """Tag, text and whether it is quoted, of every scalar in order, each node once."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            yield node.tag, node.value, node.style in ("'", '"')
        else:
            waiting += [
                part
                for item in node.value
                for part in (item if isinstance(item, tuple) else (item,))
            ]


def _comments(text: str) -> list[str]:
    return [comment.strip() for comment in re.findall(r"(?:^|\s)(#.*)$", text, re.MULTILINE)]


_STEP = 2
_OPENING = (t.FlowSequenceStartToken, t.FlowMappingStartToken)
_CLOSING = (t.FlowSequenceEndToken, t.FlowMappingEndToken)
_BLOCKS = (t.BlockMappingStartToken, t.BlockSequenceStartToken)
_UNUSUAL_BREAKS = re.compile("[\x85\u2028\u2029]")  # YAML takes them for line ends, editors do not


class Unusual(Exception):
    """Something that is left as its author laid it out."""


class _Block(NamedTuple):
    """A block mapping or sequence: the column that it stands in, and the one that it goes to."""

    old: int
    new: int
    # mapping | sequence | bare: a sequence in the column of its own key, for which YAML has no
    # token
    sort: str

    @property
    def shift(self) -> int:
        return self.new - self.old


@dataclass(frozen=True, slots=True)
class _Placed:
    """A token with the blocks around it, the outermost first."""

    token: Any
    blocks: tuple[_Block, ...]
    flow: int

    @property
    def shift(self) -> int:
        return self.blocks[-1].shift if self.blocks else 0


@dataclass
class _Walk:
    """Follows the blocks from token to token."""

    blocks: list[_Block] = field(default_factory=list)
    flow: int = 0

    def placed(self, token: Any) -> _Placed:
        if isinstance(token, _CLOSING):
            self.flow -= 1
        elif not self.flow:
            self._block(token)
        here = _Placed(token, tuple(self.blocks), self.flow)
        self.flow += isinstance(token, _OPENING)
        return here

    def _block(self, token: Any) -> None:
        if isinstance(token, _BLOCKS):
            self._open(
                token, "mapping" if isinstance(token, t.BlockMappingStartToken) else "sequence"
            )
        elif isinstance(token, t.BlockEntryToken) and self.blocks[-1].sort == "mapping":
            self._open(token, "bare")
        elif isinstance(token, t.KeyToken | t.BlockEndToken):
            if self.blocks[-1].sort == "bare":
                self.blocks.pop()
            if isinstance(token, t.BlockEndToken):
                self.blocks.pop()

    def _open(self, token: Any, sort: str) -> None:
        new = self.blocks[-1].new + _STEP if self.blocks else 0
        self.blocks.append(_Block(token.start_mark.column, new, sort))


def _width(token: Any) -> bool:
    return bool(token.end_mark.index > token.start_mark.index)


class _Lines:
    """The lines, with what stands in them."""

    def __init__(self, lines: list[str], placed: list[_Placed]) -> None:
        self._lines = lines
        self._placed = placed
        self._first: dict[int, _Placed] = {}
        self._indents: dict[int, int] = {}  # new indentation by line
        self._kept: set[int] = set()  # lines whose end belongs to a scalar
        self._last = {one.token.start_mark.line: one for one in placed}
        for one in placed:
            self._first.setdefault(one.token.start_mark.line, one)

    def text(self) -> str:
        for one in self._placed:
            if (
                isinstance(one.token, t.ScalarToken)
                and one.token.end_mark.line > one.token.start_mark.line
            ):
                self._scalar(one)
        for number, one in self._first.items():
            self._indents.setdefault(number, max(one.token.start_mark.column + one.shift, 0))
        self._comments()
        self._gaps()
        lines = []
        for number, line in enumerate(self._lines):
            shown = line if number in self._kept else line.rstrip(" \t\r\n")
            if number in self._indents and shown.strip():
                shown = " " * self._indents[number] + shown.lstrip(" \t")
            lines.append(shown)
        return "\n".join(lines)

    def _scalar(self, one: _Placed) -> None:
        token = one.token
        first, last = token.start_mark.line + 1, token.end_mark.line
        if token.style in ("|", ">"):
            self._block(one, range(first, last if not token.end_mark.column else last + 1))
            return
        for number in range(first, last + 1):
            self._indents[number] = max(_indent(self._lines[number]) + one.shift, 0)
        if token.style:
            self._kept.update(range(first - 1, last))

    def _block(self, one: _Placed, numbers: range) -> None:
        """The text of a block scalar moves as a whole."""
        header = self._lines[one.token.start_mark.line][one.token.start_mark.column :]
        filled = [number for number in numbers if self._lines[number].strip()]
        # A tab is text there: only blanks indent.
        depth = min((_indent(self._lines[number], " ") for number in filled), default=0)
        shift = one.shift
        if one.blocks and not re.match(r"[|>][-+]?[1-9]", header):
            shift = one.blocks[-1].new + _STEP - depth
        self._kept.update(numbers)
        for number in numbers:
            line = self._lines[number]
            inside = bool(line.strip()) or len(line) > depth  # blanks beyond the depth are text
            self._lines[number] = (
                " " * max(_indent(line, " ") + shift, 0) + line.lstrip(" ") if inside else ""
            )

    def _comments(self) -> None:
        """A comment goes where the lines that it stood in line with have gone."""
        before: _Placed | None = None
        # For each line the first token of the next one that has any.
        following: list[_Placed | None] = []
        after: _Placed | None = None
        for number in reversed(range(len(self._lines))):
            following.append(after)
            after = self._first.get(number, after)
        following.reverse()
        for number, line in enumerate(self._lines):
            if (
                line.lstrip(" \t").startswith("#")
                and number not in self._indents
                and number not in self._kept
            ):
                self._indents[number] = self._comment(_indent(line), before, following[number])
            before = self._last.get(number, before)

    def _comment(self, column: int, before: _Placed | None, after: _Placed | None) -> int:
        if after is not None and after.token.start_mark.column == column:
            return self._indents[after.token.start_mark.line]
        blocks = before.blocks if before else ()
        for block in blocks:
            if block.old == column:
                return block.new
        around = [block for block in blocks if block.old < column]
        return max(column + (around[-1].shift if around else 0), 0)

    def _gaps(self) -> None:
        # The tokens of flow collections over several lines: those were laid out by hand,
        # often in columns.
        kept: set[int] = set()
        inside: list[_Placed] = []
        for one in self._placed:
            inside.append(one)
            if not one.flow and not (isinstance(one.token, _OPENING)):
                if inside[0].token.start_mark.line < one.token.end_mark.line:
                    kept.update(map(id, inside))
                inside = []
        for left, right in reversed(list(zip(self._placed, self._placed[1:], strict=False))):
            start, end = left.token.end_mark, right.token.start_mark
            # A block scalar ends where the next token begins.
            block = isinstance(left.token, t.ScalarToken) and left.token.style in ("|", ">")
            if block or start.line != end.line or id(right) in kept:
                continue
            line = self._lines[start.line]
            gap = _gap(left, right, line[start.column : end.column])
            self._lines[start.line] = line[: start.column] + gap + line[end.column :]


def _gap(left: _Placed, right: _Placed, written: str) -> str:
    """What stands between two tokens of one line."""
    one, other = left.token, right.token
    closes = isinstance(other, (*_CLOSING, t.FlowEntryToken))
    if isinstance(one, t.BlockEntryToken | t.ValueToken):
        return written if closes else " "
    if isinstance(one, _OPENING) or closes:
        return ""
    if isinstance(one, t.FlowEntryToken):
        return " "
    return "" if isinstance(other, t.ValueToken) and isinstance(one, t.ScalarToken) else written


def _indent(line: str, blanks: str = " \t") -> int:
    return len(line) - len(line.lstrip(blanks))
