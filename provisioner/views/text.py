"""A plan for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.model import Plan
from provisioner.views.lines import Item, Line, Section
from provisioner.views.outline import outline
from provisioner.views.paint import PLAIN, Paint
from provisioner.views.problems import problems_text

_STEP = "    "


def plan_text(plan: Plan, *, paint: Paint = PLAIN, verbose: bool = False) -> str:
    """The whole plan: drift, changes, what is left over, what stops it, and the summary line at the end."""
    found = outline(plan, verbose=verbose)
    parts = [_section(section, paint) for section in found.sections]
    if found.problems:
        parts.append(problems_text(found.problems, paint))
    parts.append(f"{paint('bold', found.summary)}\n")
    return "\n".join(parts)


def _section(section: Section, paint: Paint) -> str:
    lines = [paint("bold", section.heading)]
    for item in section.items:
        if item.lines and lines[-1] != "":
            lines.append("")
        lines += item_lines(item, paint)
        if item.lines:
            lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def item_lines(item: Item, paint: Paint = PLAIN) -> Iterator[str]:
    """One item and what is below it, indented by two."""
    title = paint("bold", item.title) if item.symbol else item.title
    head = f"  {paint(item.symbol, item.symbol)} {title}" if item.symbol else f"  {title}"
    facts = f"  ({', '.join(item.facts)})" if item.facts else ""
    place = f"  {paint('dim', item.position)}" if item.position else ""
    yield f"{head}{facts}{place}"
    yield from (line_text(line, paint) for line in item.lines)


def line_text(line: Line, paint: Paint = PLAIN) -> str:
    """One line below an item."""
    return f"      {_STEP * line.depth}{paint(line.tone, line.text)}".rstrip()
