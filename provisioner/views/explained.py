"""What may be declared, explained: as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provisioner.engine.carrying import Carried
from provisioner.engine.explaining import Explained, Word
from provisioner.engine.schema_parts import Part
from provisioner.kinds.base import Kind
from provisioner.text import sentence
from provisioner.views.schema_words import Words, code, description, limits
from provisioner.views.values import PLAIN, Paint


def kinds_text(kinds: Iterable[Kind], words: Iterable[Word]) -> str:
    """Every kind, a line each, and what else stands at the top of a file."""
    rows = [(kind.name, sentence(kind.summary)) for kind in kinds]
    others = [(word.name, f"In {word.file}: {description(word.node)}.") for word in words]
    lines = [*_columns(rows), "", "Other words at the top of a file:", "", *_columns(others)]
    return "\n".join([*lines, "", "`provisioner explain KIND.FIELD` tells more.", ""])


def kinds_json(kinds: Iterable[Kind], words: Iterable[Word]) -> dict[str, Any]:
    """The same for programs."""
    listed = [{"kind": kind.name, "section": kind.section, "about": kind.summary} for kind in kinds]
    others = [
        {"word": word.name, "file": word.file.strip("`"), "about": description(word.node)}
        for word in words
    ]
    return {"kinds": listed, "words": others}


def explained_text(found: Explained, paint: Paint = PLAIN, *, verbose: bool = False) -> str:
    """What it is, its facts, what is below it, and an example to paste."""
    parts = [paint("bold", found.path), "", f"  {sentence(description(found.node))}", ""]
    facts = list(_facts(found))
    if facts:
        parts += [*_columns(facts), ""]
    if found.parts:
        parts += ["Fields:", "", *_columns(_rows(found, verbose)), ""]
    parts += ["Example:", "", found.example]
    return "\n".join(parts)


def _facts(found: Explained) -> Iterator[tuple[str, str]]:
    if found.file:
        yield "stands in", found.file
    if found.file or "." in found.path:
        yield from _facts_of_field(found)


def _facts_of_field(found: Explained) -> Iterator[tuple[str, str]]:
    yield "type", _type(found.node, found.definitions, found.path)
    if said := limits(found.node):
        yield "limits", said
    if found.required:
        yield "required", "yes"
    default = _default(found)
    if default is not None:
        yield "default", code(default)
    if found.fixed:
        yield "changing it", "makes a new object"
    if not found.sent:
        yield "sent", "never: it is a setting for provisioner itself"
    for one in found.carried:
        yield one.api, _carried(one)


def _carried(one: Carried) -> str:
    if one.path is not None:
        return f"`{one.path}`" if one.path else "its keys, at the top of the request"
    if one.elsewhere:
        return one.elsewhere
    if one.loss:
        return f"not carried; `accept_loss: [{one.loss}]` accepts that"
    return "not carried: it is ignored there"


def _default(found: Explained) -> Any:
    default = found.node.get("default")
    default = found.default if default in (None, [], {}) else default
    return None if default in (None, [], {}) else default


def _type(node: Mapping[str, Any], definitions: Mapping[str, Any], path: str) -> str:
    return Words(definitions).words(node, path.rpartition(".")[2])


def _rows(found: Explained, verbose: bool) -> Iterator[tuple[str, str]]:
    """A field a line, with its type and limits where everything is wanted."""
    for part in found.parts:
        about = sentence(description(part.node))
        if part.required:
            about = f"Required. {about}"
        if verbose:
            said = [_type(part.node, found.definitions, part.name), limits(part.node)]
            about = f"{about} ({', '.join(filter(None, said))})"
        yield part.name, about


def _columns(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    listed = list(rows)
    width = max((len(name) for name, _ in listed), default=0)
    for name, said in listed:
        yield f"  {name.ljust(width)}  {said}".rstrip()


def explained_json(found: Explained) -> dict[str, Any]:
    """The same for programs. `apis` says where a request has it, null where it does not;
    `elsewhere`, what has it then.
    """
    return {
        "path": found.path,
        "about": description(found.node),
        "type": _type(found.node, found.definitions, found.path),
        "limits": limits(found.node) or None,
        "required": found.required,
        "default": _default(found),
        "fixed": found.fixed,
        "sent": found.sent,
        "apis": {one.api: one.path for one in found.carried},
        "elsewhere": {one.api: one.elsewhere for one in found.carried if one.elsewhere},
        "losses": {one.api: one.loss for one in found.carried if one.loss},
        "fields": [_part(part, found) for part in found.parts],
        "example": found.example,
    }


def _part(part: Part, found: Explained) -> dict[str, Any]:
    return {
        "name": part.name,
        "about": description(part.node),
        "type": _type(part.node, found.definitions, part.name),
        "required": part.required,
    }
