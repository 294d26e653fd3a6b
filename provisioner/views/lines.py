"""The structure that every view walks: an outline of sections, their items, and the lines below
those.
"""

from __future__ import annotations

from typing import NamedTuple

from provisioner.model import Problem
from provisioner.records import dataclass


class Line(NamedTuple):  # of these there are tens of thousands
    """One line below an item. `tone` colours it (`+`, `-`, `~`, `@` …); its text is complete
    without.
    """

    tone: str
    text: str
    depth: int = 0
    # Ranges of `text` that differ from the line it stands against.
    marks: tuple[tuple[int, int], ...] = ()

    def deeper(self, by: int = 1) -> Line:
        return Line(self.tone, self.text, self.depth + by, self.marks)


@dataclass(frozen=True, slots=True)
class Item:
    """One resource, or one sentence, of a section."""

    symbol: str
    title: str
    position: str = ""
    facts: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    address: str = ""  # of the resource that it tells of, where it tells of one


@dataclass(frozen=True, slots=True)
class Section:
    """A part of an outline: its name for styles and anchors, its heading, its items."""

    name: str  # drift | changes | orphans | deposed | notes | blocked …
    heading: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """A whole plan, result or drift report for readers."""

    sections: tuple[Section, ...]
    problems: tuple[Problem, ...]
    summary: str
    title: str = ""  # `Plan for acme/prod`
    marker: str = (
        ""  # what a program finds it by: `plan acme/prod`, `drift acme/prod`, `apply acme/prod`
    )
    facts: tuple[tuple[str, str], ...] = ()  # label and value: service, API, lock, checksum
    review: tuple[Section, ...] = ()  # deletes, widens, prompt, model, tools, knowledge, settings
