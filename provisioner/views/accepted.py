"""What `accept` wrote into the specs, and what it could not write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from provisioner.engine.accept import Acceptance, Accepted, NotAccepted
from provisioner.views.diffs import text_diff
from provisioner.views.fields import text_like
from provisioner.views.lines import Item, Line, Outline, Section
from provisioner.views.markdown import LIMIT, markdown
from provisioner.views.values import inline, many, value

NOTHING = "Nothing to accept: nobody changed anything outside."
NEVER = "Nothing to accept: nothing was ever applied."


_ROOM = 1_000  # bytes for what an action says above it


def accepted_outline(found: Accepted) -> Outline:
    """The changed files as diffs, what is left, and the summary line."""
    accepted = []
    for one in found.accepted:
        place = f"{inline(one.position.file)}:{one.position.line}"
        others = " and ".join(f"`{inline(name)}`" for name in one.also)
        facts = (f"also changes {others}",) if others else ()
        accepted.append(Item("~", _title(one), place, facts, address=str(one.address)))
    written = []
    for name, (before, after) in sorted(found.files.items()):
        written.append(Item("~", inline(name), lines=tuple(text_diff(before, after))))
    refused = []
    for left in found.not_accepted:
        lines = [Line("", f"{inline(left.reason)}.")]
        if left.hint:
            lines.append(Line("dim", f"hint: {inline(left.hint)}"))
        refused.append(Item("!", _title(left), lines=tuple(lines), address=str(left.address)))
    sections = (
        Section("accepted", "Accepted into the specs:", tuple(accepted)),
        Section("files", "Written:", tuple(written)),
        Section("not_accepted", "Not accepted:", tuple(refused)),
    )
    if found.accepted or found.not_accepted:
        fields, files = many(len(found.accepted), "field"), many(len(found.files), "file")
        rest = f", {len(found.not_accepted)} not accepted" if found.not_accepted else ""
        summary = f"Accepted: {fields} in {files}{rest}."
    elif not found.applied:
        summary = NEVER
    else:
        asked = " or ".join(f"`{inline(word)}`" for word in found.asked)
        summary = f"Nothing to accept: nobody changed {asked} outside." if asked else NOTHING
    return Outline(tuple(section for section in sections if section.items), (), summary)


def accepted_markdown(found: Accepted, place: str) -> str:
    """The same for a pull request with the edits: short values side by side, the rest in the diffs.
    `place` is the workspace and its environment.
    """
    outline = accepted_outline(found)
    beside = {_title(one): _beside(one) for one in found.accepted}
    sections = []
    for section in outline.sections:
        items = section.items
        if section.name == "accepted":
            items = tuple(replace(item, title=beside[item.title]) for item in items)
        sections.append(replace(section, items=items))
    named = replace(
        outline,
        sections=tuple(sections),
        title=f"Accepted from {inline(place)}",
        marker=f"accept {inline(place)}",
    )
    return markdown(named, limit=LIMIT - _ROOM)


def _beside(one: Acceptance) -> str:
    if text_like(one.before) or text_like(one.after):
        return _title(one)
    return f"{_title(one)}: {value(one.before)} → {value(one.after)}"


def _title(one: Acceptance | NotAccepted) -> str:
    return inline(f"{one.address}#{one.path}" if one.path else str(one.address))


def accepted_document(accepted: Accepted) -> dict[str, Any]:
    """The document of `--json`."""
    return {
        "accepted": [
            {
                "address": str(one.address),
                "path": one.path,
                "file": one.position.file,
                "line": one.position.line,
                "before": one.before,
                "after": one.after,
                "also_changes": list(one.also),
            }
            for one in accepted.accepted
        ],
        "not_accepted": [
            {"address": str(one.address), "path": one.path, "reason": one.reason, "hint": one.hint}
            for one in accepted.not_accepted
        ],
        "files": sorted(accepted.files),
    }
