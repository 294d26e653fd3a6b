"""How an action looks on a page: its style, its symbol, its word."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.views.lines import Item, Section


@dataclass(frozen=True, slots=True)
class Mark:
    """The look of one action; `style` is a class of `page/style.css`."""

    style: str
    symbol: str
    word: str


_PLANNED = {
    mark.symbol: mark
    for mark in (
        Mark("add", "+", "create"),
        Mark("chg", "~", "update"),
        Mark("rep", "-/+", "replace"),
        Mark("del", "-", "delete"),
        Mark("imp", "<-", "import"),
        Mark("mov", ">", "move"),
        Mark("fgt", ".", "forget"),
        Mark("err", "!", "not done"),
        Mark("unv", "?", "not verifiable"),
        Mark("same", "", "unchanged"),
    )
}
_OUTSIDE = {"~": Mark("out", "~", "changed outside"), "-": Mark("gone", "-", "gone")}
_INNER = Mark("inner", "", "contents only")
_KEPT = Mark("same", "", "kept")
ORDER = (*_PLANNED.values(), _INNER, _KEPT, *_OUTSIDE.values())
TONES = {**{mark.symbol: mark.style for mark in _PLANNED.values() if mark.symbol}, "@": "hunk", "dim": "dim"}


def mark_of(symbol: str, *, outside: bool = False) -> Mark:
    """The look of a symbol; `outside` where it tells what somebody else did."""
    symbol = symbol.strip()
    return (outside and _OUTSIDE.get(symbol)) or _PLANNED.get(symbol, _PLANNED[""])


def mark_of_item(section: Section, item: Item) -> Mark | None:
    """The look of a resource; None for a sentence."""
    if item.symbol.strip():
        return mark_of(item.symbol, outside=section.name == "drift")
    if not item.address:
        return None
    return _INNER if item.lines else _KEPT


def is_alert(item: Item) -> bool:
    """Whether an item tells why something cannot be done or was not finished, and of no one resource."""
    return item.symbol == "!" and not item.address
