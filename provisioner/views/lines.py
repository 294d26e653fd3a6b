"""The parts of an outline: items with a symbol, and the lines below them."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Line:
    """One line below an item. `tone` colours it (`+`, `-`, `~`, `@` …); its text is complete without."""

    tone: str
    text: str
    depth: int = 0

    def deeper(self, by: int = 1) -> Line:
        return replace(self, depth=self.depth + by)


@dataclass(frozen=True, slots=True)
class Item:
    """One resource, or one sentence, of a section."""

    symbol: str
    title: str
    position: str = ""
    facts: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
