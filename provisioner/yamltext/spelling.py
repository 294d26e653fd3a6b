"""How a value is spelt in YAML: its author's quotes and layout where they can carry it, else the
safest that does.
"""

from __future__ import annotations

import io
import json
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

from yaml.emitter import Emitter, ScalarAnalysis

from provisioner.records import dataclass
from provisioner.yamltext.pieces import depth_of
from provisioner.yamltext.reading import STR, plain_tag

_STEP = 2
_LONGEST = 20_000  # characters of a text that may go without quotes
_WIDTH = 100  # of folded lines, where the author's own width is not known
# What YAML does not take raw, what it takes for a line end, what nobody would see, and what turns
# the text of a line.
_ESCAPED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_HALF = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(
    r"[-+.]?[0-9][0-9_.eExXoO:+-]*|~|null|true|false|yes|no|on|off|[yn]", re.IGNORECASE
)
_INDENTED = re.compile(r"\n*[ \t]")
# Text that folding would not give back.
_LOOSE = re.compile(r"(?:^|\n)[ \t]|[ \t]{2}|[ \t](?:\n|$)|\t")


class Unwritable(ValueError):
    """Something that cannot be said in this place; its text completes "… cannot be written: "."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """A value as text: what stands on the line of its key or dash, and the lines below that."""

    inline: str
    below: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a scalar stands: in `[…]` or `{…}`, below which column, and how its author wrote it."""

    flow: bool
    parent: int = 0
    style: str = ""  # of the old value: a quote, `|` or `>`; empty for a plain or a new one
    body: tuple[str, ...] = ()  # the lines of an old block
    lines: bool = False  # whether the old value had several


def spelt_value(value: Any, place: Placement) -> Spelling:
    """A scalar, in the style of its author where that can carry it; Unwritable where no
    style can.
    """
    if not isinstance(value, str):
        return Spelling(_number(value))
    if _HALF.search(value):
        raise Unwritable("it holds half a character, which no file can hold")
    if _wants_block(value, place):
        return _block(value, place)
    return Spelling(line(value, place.style, flow=place.flow))


def _number(value: Any) -> str:
    """A number, a boolean or null."""
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))  # nobody writes `1.0`
        # Without an exponent, which YAML 1.1 and 1.2 read differently.
        return format(Decimal(repr(value)), "f")
    return json.dumps(value)


def line(value: str, style: str = "", *, flow: bool) -> str:
    """Text on one line."""
    analysis = _analysed(value) if len(value) < _LONGEST else None
    if style == "" and analysis and _plain(value, analysis, flow):
        return value
    if (
        style == "'"
        and analysis
        and analysis.allow_single_quoted
        and not analysis.multiline
        and not _ESCAPED.search(value)
    ):
        return "'" + value.replace("'", "''") + "'"
    return _quoted(value)


def _quoted(value: str) -> str:
    """Text in double quotes, which carry everything; JSON and YAML read it alike."""
    written = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


@lru_cache(maxsize=512)
def _analysed(value: str) -> ScalarAnalysis:
    return Emitter(io.StringIO(), allow_unicode=True).analyze_scalar(value)


def _plain(value: str, analysis: ScalarAnalysis, flow: bool) -> bool:
    """Whether it needs no quotes, for readers of YAML 1.1 and 1.2 and for people."""
    allowed = analysis.allow_flow_plain if flow else analysis.allow_block_plain
    known = plain_tag(value) == STR and not _NUMBER.fullmatch(value)
    # Spaces of other alphabets count as text, and nobody sees them at an end.
    seen = value == value.strip() and not _ESCAPED.search(value)
    return bool(value and allowed and known and seen and not analysis.multiline)


def _wants_block(value: str, place: Placement) -> bool:
    if place.flow or "\r" in value or not value.strip() or _ESCAPED.search(value):
        return False
    if place.style in ("|", ">"):
        return True
    if value.endswith("\n\n"):  # would swallow the empty lines that follow
        return False
    return "\n" in value and not (place.style in ("'", '"') and place.lines)


def _block(value: str, place: Placement) -> Spelling:
    column = depth_of(list(place.body)) if place.body else place.parent + _STEP
    if column <= place.parent:
        column = place.parent + _STEP
    chomp = "+" if value.endswith("\n\n") else ""
    if not value.endswith("\n"):
        chomp = "-"
    if place.style == ">" and not _LOOSE.search(value) and not value.startswith("\n"):
        # Lines that YAML joins again: each line feed of the text is one more in its source.
        width = max(map(len, place.body), default=_WIDTH)
        folded: list[str] = []
        body = value.rstrip("\n")
        for index, paragraph in enumerate(body.split("\n")):
            folded += [""] if index else []
            folded += [" " * column + part for part in _wrapped(paragraph, max(width - column, 20))]
        return Spelling(">" + chomp, (*folded, *[""] * (len(value) - len(body) - 1)))
    hint = str(column - place.parent) if _INDENTED.match(value) else ""
    if hint and column - place.parent > 9:
        column, hint = place.parent + _STEP, str(_STEP)
    lines = value.removesuffix("\n").split("\n")
    return Spelling(f"|{hint}{chomp}", tuple(" " * column + text if text else "" for text in lines))


def _wrapped(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split(" ") if text else ():
        if lines and len(lines[-1]) + len(word) < width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


_LINE = 88


def value_spelt(value: Any, place: Placement, *, json_only: bool = False) -> Spelling:
    """Any value as text, below a key or a dash in the column `place.parent`."""
    if json_only:
        return Spelling(json_spelt(value))
    if not isinstance(value, dict | list):
        return spelt_value(value, place)
    in_flow = flow_spelt(value)
    short = len(in_flow) <= _LINE and not _several_lines(value)
    if place.flow or not value or short:
        return Spelling(in_flow)
    column = place.parent + _STEP
    lines: list[str] = []
    if isinstance(value, dict):
        for key, inner in value.items():
            lines += pair_lines(key, inner, column)
    else:
        for inner in value:
            lines += item_lines(inner, column)
    return Spelling("", tuple(lines))


def key_spelt(key: Any, *, flow: bool) -> str:
    """A key, in quotes where it needs them."""
    return line(key, flow=flow) if isinstance(key, str) else json.dumps(key)


def flow_spelt(value: Any) -> str:
    """`{a: 1, b: [2]}`."""
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(
                f"{key_spelt(key, flow=True)}: {flow_spelt(inner)}" for key, inner in value.items()
            )
            + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(flow_spelt, value)) + "]"
    return spelt_value(value, Placement(flow=True)).inline


def json_spelt(value: Any) -> str:
    """The value as JSON in one line."""
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{_quoted(str(key))}: {json_spelt(inner)}" for key, inner in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(json_spelt, value)) + "]"
    return (
        _quoted(value)
        if isinstance(value, str)
        else spelt_value(value, Placement(flow=True)).inline
    )


def pair_lines(key: Any, value: Any, column: int) -> list[str]:
    """A pair of a block mapping."""
    spelling = value_spelt(value, Placement(flow=False, parent=column))
    head = f"{' ' * column}{key_spelt(key, flow=False)}:"
    return [f"{head} {spelling.inline}" if spelling.inline else head, *spelling.below]


def item_lines(value: Any, column: int) -> list[str]:
    """An entry of a block list."""
    spelling = value_spelt(value, Placement(flow=False, parent=column))
    dash = " " * column + "- "
    if spelling.inline:
        return [dash + spelling.inline, *spelling.below]
    # The first line of what stands below moves up to the dash.
    return [dash + spelling.below[0].lstrip(), *spelling.below[1:]]


def _several_lines(value: Any) -> bool:
    if isinstance(value, str):
        return "\n" in value
    if isinstance(value, dict):
        return any(map(_several_lines, value.values()))
    return isinstance(value, list) and any(map(_several_lines, value))
