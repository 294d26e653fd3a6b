"""A plan for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from provisioner.model import Plan
from provisioner.views.lines import Item, Line, Outline, Section
from provisioner.views.outline import outline
from provisioner.views.problems import problems_text
from provisioner.views.review import RISKY
from provisioner.views.values import PLAIN, Paint, and_more

_STEP = "    "
_LONG = 20  # changes: more do not fit on a screen


def plan_text(plan: Plan, *, paint: Paint = PLAIN, verbose: bool = False) -> str:
    """The whole plan: drift, changes, what is left over, what stops it, and the summary line at the
    end.
    """
    return outline_text(outline(plan, verbose=verbose, facts=False), paint)


def outline_text(outline: Outline, paint: Paint = PLAIN) -> str:
    """Sections, problems, and the summary line at the end."""
    parts = [_section(section, paint) for section in outline.sections]
    if outline.problems:
        parts.append(problems_text(outline.problems, paint))
    parts += [_section(section, paint) for section in _singled_out(outline)]
    parts.append(f"{paint('bold', outline.summary)}\n")
    return "\n".join(parts)


def _singled_out(outline: Outline) -> Iterator[Section]:
    """What a reader must not miss: what is dangerous, and everything that can be said where the
    plan is long.
    """
    changes = next((section.items for section in outline.sections if section.name == "changes"), ())
    if all(item.symbol == "-" for item in changes):  # a plan to delete everything hides nothing
        return
    for section in outline.review:
        if section.name in RISKY or len(changes) > _LONG:
            shown = section.items[:_LONG]
            more = Item("", and_more(len(section.items) - _LONG))
            yield replace(section, items=shown if shown == section.items else (*shown, more))


def _section(section: Section, paint: Paint) -> str:
    lines = [paint("bold", section.heading)]
    for item in section.items:
        if item.lines and lines[-1] != "":
            lines.append("")
        lines += _item_lines(item, paint)
        if item.lines:
            lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def _item_lines(item: Item, paint: Paint = PLAIN) -> Iterator[str]:
    """One item and what is below it, indented by two."""
    head = f"  {item.title}"
    if item.symbol:
        # The address in bold, and what is said of it; without one the whole title.
        named = item.address and item.title.startswith(item.address)
        name = item.address if named else item.title
        title = paint("bold", name) + item.title[len(name) :]
        head = f"  {paint(item.symbol, item.symbol)} {title}"
    facts = f"  ({', '.join(item.facts)})" if item.facts else ""
    place = f"  {paint('dim', item.position)}" if item.position else ""
    yield f"{head}{facts}{place}"
    yield from (line_text(line, paint) for line in item.lines)


def line_text(line: Line, paint: Paint = PLAIN) -> str:
    """One line below an item."""
    return f"      {_STEP * line.depth}{paint.marked(line.tone, line.text, line.marks)}".rstrip()
