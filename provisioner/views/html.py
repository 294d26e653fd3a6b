"""An outline and its graph as one self-contained page: nothing is fetched, every value is escaped
by construction.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from provisioner.errors import quiet
from provisioner.records import dataclass
from provisioner.views.lines import Item, Line, Outline, Section
from provisioner.views.picture import HEIGHT, WIDTH, Graph, Node, laid_out, reduced
from provisioner.views.values import inline, visible

_PAGE = Path(__file__).parent / "page"
_OPEN_LINES = 800  # rows of diffs that are unfolded when the page opens, and of one item
_OPEN_ITEM = 200
_LARGE = 2_000  # rows beyond which a browser should lay out only what is on the screen
_DEEPEST = 6
_WIDE = 150  # characters in one row of the page
_LABEL = 22  # columns of a node's label
_SHOWN = {"deletes": 30, "widens": 30}  # rows of a review section that are not folded
_TICKS = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One item as the page shows it."""

    item: Item
    mark: _Mark | None  # None: a sentence, and no resource
    anchor: str
    open: bool
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class Part:
    """One section as the page shows it."""

    section: Section
    entries: tuple[_Entry, ...]


def html(outline: Outline, graph: Graph | None = None) -> str:
    """The whole page. `outline` should be the verbose one: the page folds by itself."""
    graph = reduced(graph or Graph())
    # Stand at the top of the page, and everything else in the details.
    alerts: list[tuple[str, Item]] = []
    details = []
    for section in outline.sections:
        alerts += [
            (section.heading.removesuffix(":"), item) for item in section.items if is_alert(item)
        ]
        others = tuple(item for item in section.items if not is_alert(item))
        if others:
            details.append(replace(section, items=others))
    parts = tuple(_parts(details))
    entries = [entry for part in parts for entry in part.entries]
    anchors = {entry.anchor for entry in entries if entry.anchor}
    marks = Counter(entry.mark for entry in entries if entry.mark)
    looks = {}
    for node in graph.nodes:
        for one in (node, *node.members):
            looks[one.symbol] = mark_of(one.symbol, outside=graph.outside)
    return _template().render(
        outline=outline,
        alerts=alerts,
        problems=sorted(
            map(quiet, outline.problems), key=lambda one: (one.severity != "error", one.order)
        ),
        parts=parts,
        large=sum(1 + len(entry.item.lines) for entry in entries) > _LARGE,
        marks=sorted(marks.items(), key=lambda found: ORDER.index(found[0])),
        anchors=anchors,
        graph=graph,
        picture=laid_out(graph),
        looks=looks,
        targets=_targets(graph, anchors),
    )


def _parts(sections: Sequence[Section]) -> Iterator[Part]:
    # What is planned for an address stands for it, before what else is said of it.
    owners: dict[str, Item] = {}
    for section in sorted(sections, key=lambda section: section.name != "changes"):
        for item in section.items:
            owners.setdefault(item.address, item)
    room = _OPEN_LINES
    for section in sections:
        entries = []
        for item in section.items:
            lines = sum(1 + len(line.text) // _WIDE for line in item.lines)
            unfolded = lines <= min(room, _OPEN_ITEM)
            room -= lines if unfolded else 0
            owns = item.address and owners[item.address] is item
            anchor = anchor_of(item.address) if owns else ""
            tones = Counter(line.tone for line in item.lines)
            mark = mark_of_item(section, item)
            entries.append(
                _Entry(item, mark, anchor, open=unfolded, added=tones["+"], removed=tones["-"])
            )
        yield Part(section, tuple(entries))


def anchor_of(address: str) -> str:
    """The id of a resource in the page, which is its address as far as an id can be."""
    return quote(inline(address), safe="")


def _targets(graph: Graph, anchors: set[str]) -> dict[str, str]:
    """Where each node leads: to its own details, or to those of what uses it, as files stand under
    their stores.
    """
    targets = {
        node.key: anchor for node in graph.nodes if (anchor := anchor_of(node.key)) in anchors
    }
    for user, used in graph.edges:
        if user in targets:
            targets.setdefault(used, targets[user])
    return targets


def pieces(line: Line) -> Iterator[tuple[str, bool]]:
    """The text of a line in parts, each with whether it is marked."""
    at = 0
    for start, end in sorted(line.marks):
        if at <= start < end:
            yield line.text[at:start], False
            yield line.text[start:end], True
            at = end
    yield line.text[at:], False


def ticks(text: str) -> Iterator[tuple[str, bool]]:
    """A sentence in parts, each with whether it stood between backticks."""
    return ((part, number % 2 == 1) for number, part in enumerate(_TICKS.split(text)) if part)


def label(node: Node) -> str:
    """A node's name, cut in the middle where it is too long: both ends of a path tell something."""
    from unicodedata import east_asian_width

    widths = [2 if east_asian_width(letter) in "WF" else 1 for letter in node.name]
    if sum(widths) <= _LABEL:
        return node.name
    kept = _LABEL * len(widths) // sum(widths) - 1
    head = kept // 3
    return f"{node.name[:head]}…{node.name[head - kept :]}"


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_PAGE),
        autoescape=True,
        finalize=_spelt_out,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "style": _own("style.css"),
        "script": _own("script.js"),
        "tones": TONES,
        "deepest": _DEEPEST,
        "rows_shown": _SHOWN,
        "node_width": WIDTH,
        "node_height": HEIGHT,
    }
    environment.filters |= {
        "pieces": pieces,
        "ticks": ticks,
        "label": label,
        "mark": mark_of,
        "csp_hash": _csp_hash,
        "anchor": anchor_of,
    }
    return environment.get_template("report.html.jinja")


def _spelt_out(given: Any) -> Any:
    """Whatever reaches the page shows its control and bidirectional characters, whoever made the
    text.
    """
    return visible(given) if type(given) is str else given


def _own(name: str) -> Markup:
    """A file of the page itself, the only thing that is not escaped."""
    return Markup((_PAGE / name).read_text(encoding="utf-8"))


def _csp_hash(text: Markup) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


@dataclass(frozen=True, slots=True)
class _Mark:
    """The look of one action; `style` is a class of `page/style.css`."""

    style: str
    symbol: str
    word: str


_PLANNED = {
    mark.symbol: mark
    for mark in (
        _Mark("add", "+", "create"),
        _Mark("chg", "~", "update"),
        _Mark("rep", "-/+", "replace"),
        _Mark("del", "-", "delete"),
        _Mark("imp", "<-", "import"),
        _Mark("mov", ">", "move"),
        _Mark("fgt", ".", "forget"),
        _Mark("err", "!", "not done"),
        _Mark("unv", "?", "not verifiable"),
        _Mark("same", "", "unchanged"),
    )
}
_OUTSIDE = {"~": _Mark("out", "~", "changed outside"), "-": _Mark("gone", "-", "gone")}
_INNER = _Mark("inner", "", "contents only")
_KEPT = _Mark("same", "", "kept")
ORDER = (*_PLANNED.values(), _INNER, _KEPT, *_OUTSIDE.values())
TONES = {
    **{mark.symbol: mark.style for mark in _PLANNED.values() if mark.symbol},
    "@": "hunk",
    "dim": "dim",
}


def mark_of(symbol: str, *, outside: bool = False) -> _Mark:
    """The look of a symbol; `outside` where it tells what somebody else did."""
    symbol = symbol.strip()
    return (outside and _OUTSIDE.get(symbol)) or _PLANNED.get(symbol, _PLANNED[""])


def mark_of_item(section: Section, item: Item) -> _Mark | None:
    """The look of a resource; None for a sentence."""
    if item.symbol.strip():
        return mark_of(item.symbol, outside=section.name == "drift")
    if not item.address:
        return None
    return _INNER if item.lines else _KEPT


def is_alert(item: Item) -> bool:
    """Whether an item tells why something cannot be done or was not finished, and of no one
    resource.
    """
    return item.symbol == "!" and not item.address
