"""How specs are laid out that nobody has written by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.diff import same
from provisioner.errors import SpecError
from provisioner.yamltext.editing import rewritten
from provisioner.yamltext.format import format_text
from provisioner.yamltext.reading import read_yaml
from provisioner.yamltext.spelling import Unwritable, item_lines, key_spelt, pair_lines

_ON_A_LINE = 2  # fields of a resource


def spec_edited(text: str, old: Any, new: Any) -> str:
    """A spec that says something else, laid out as `fmt` does where it was so before."""
    result = rewritten(text, old, new)
    try:
        return format_text(result) if format_text(text) == text else result
    except SpecError:  # laid out by hand, and in a way that stays
        return result


def says(text: str, value: Any) -> bool:
    """Whether a spec says just this."""
    try:
        format_text(text)
    except SpecError:  # it is no YAML
        return False
    return same(read_yaml(text.encode()).value, value)


def _entries(entries: Any) -> Iterator[str]:
    """The lines below a section; resources of several lines stand apart."""
    if isinstance(entries, list):
        for entry in entries:
            yield from item_lines(entry, 2)
        return
    above = 1
    for index, (name, value) in enumerate(entries.items()):
        lines = pair_lines(name, value, 2)
        if len(lines) == 1 and isinstance(value, dict) and len(value) > _ON_A_LINE:
            pairs = [pair_lines(key, inner, 4) for key, inner in value.items()]
            head = f"  {key_spelt(name, flow=False)}:"
            lines = [head, *(line for pair in pairs for line in pair)]
        if index and max(above, len(lines)) > 1:
            yield ""
        yield from lines
        above = len(lines)


def text_of(document: Mapping[str, Any]) -> str:
    """The YAML of a new spec, as `fmt` has it. Unwritable where it cannot say all of it."""
    sections = []
    for name, entries in document.items():
        sections.append("\n".join([f"{name}:", *_entries(entries)]) + "\n")
    text = "\n".join(sections)
    try:
        laid_out = format_text(text)
    except SpecError:  # a text that no layout gives back; `fmt` leaves it, too
        laid_out = text
    if not same(read_yaml(laid_out.encode()).value, dict(document)):
        raise Unwritable("what was found cannot be said in YAML")
    return laid_out
