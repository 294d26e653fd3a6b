"""Which models are in use and when they end, and what replacing one makes of the specs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from provisioner.engine.models import (
    MODEL,
    KeptModel,
    ModelsInUse,
    ModelUser,
    ReplacedModel,
    ReplacedModels,
    UsedModel,
)
from provisioner.model import Position
from provisioner.text import quoted
from provisioner.views.diffs import text_diff
from provisioner.views.lines import Item, Line, Outline, Section
from provisioner.views.markdown import code, fence, fenced_lines, passing, prose, unmarked
from provisioner.views.values import inline, many

NONE = "No model is in use."
_USERS = 20  # of one model that a table names


def models_outline(found: ModelsInUse) -> Outline:
    """A model an item, with its users below it, and the summary line."""
    items = []
    for model in found.models:
        facts = [_end(model, found.today)]
        if model.unlisted:
            facts.append("not listed by the service")
        if model.end is not None:
            facts.append(f"replacement: {inline(model.replacement or 'none known')}")
        lines = [Line("", _user(user)) for user in model.users]
        items.append(Item("", inline(model.name), facts=tuple(facts), lines=tuple(lines)))
    sections = (
        Section("models", f"Models in {_place(found)}:", tuple(items)),
        Section("notes", "Notes:", tuple(Item("", inline(note)) for note in found.notes)),
    )
    return Outline(tuple(section for section in sections if section.items), (), _summary(found))


def _place(found: ModelsInUse) -> str:
    return inline(f"{found.workspace}/{found.environment}")


def _summary(found: ModelsInUse) -> str:
    if not found.models:
        return NONE
    ending = (
        f"{found.ending} with an announced end" if found.ending else "none that is known to end"
    )
    return f"Models: {len(found.models)} in use, {ending}."


def _end(model: UsedModel, today: date) -> str:
    if model.end is None:
        return "no end known"
    days = (model.end - today).days
    if days < 0:
        return f"ended {model.end}, {many(-days, 'day')} ago"
    when = f"in {many(days, 'day')}" if days else "today"
    return f"ends {model.end}, {when}"


def _user(user: ModelUser) -> str:
    address = _whom(user)
    if user.position:
        return f"{address}  {_spot(user.position)}"
    return f"{address}  {_applied(user)}"


def _whom(one: ModelUser | ReplacedModel | KeptModel) -> str:
    """The resource, and the field where that is another than its own model."""
    return inline(f"{one.address}" if one.path == MODEL else f"{one.address}#{one.path}")


def _applied(user: ModelUser) -> str:
    if user.version is not None:
        return f"version {user.version}, kept for applications"
    return "as it was applied; the specs say otherwise"


def _spot(place: Position) -> str:
    return f"{inline(place.file)}:{place.line}"


def models_document(found: ModelsInUse) -> dict[str, Any]:
    """The document of `--json`."""
    return {
        "workspace": found.workspace,
        "environment": found.environment,
        "models": [
            {
                "model": model.name,
                "shutdown_date": model.end.isoformat() if model.end else None,
                "shutdown_source": model.source,
                "replacement": model.replacement,
                "listed": not model.unlisted,
                "users": [_user_document(user) for user in model.users],
            }
            for model in found.models
        ],
        "notes": list(found.notes),
    }


def _user_document(user: ModelUser) -> dict[str, Any]:
    place = user.position
    return {
        "address": str(user.address),
        "path": user.path,
        "used": "specs" if place else "applied",
        "version": user.version,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
    }


def models_markdown(found: ModelsInUse) -> str:
    """A table for a pull request: the same bytes until something else is known or used."""
    parts = [f"### {prose(f'Models in {_place(found)}')}\n", f"**{_summary(found)}**\n"]
    if found.models:
        rows = [_row(model, found.today) for model in found.models]
        head = ["| Model | Ends | Replacement | Used by |", "| --- | --- | --- | --- |"]
        parts.append("\n".join([*head, *rows, ""]))
    sources = sorted({model.source for model in found.models if model.source})
    parts += [f"<sub>{prose(f'The days are {source}.')}</sub>\n" for source in sources]
    parts += [f"<sub>{prose(inline(note))}</sub>\n" for note in found.notes]
    # That no end is known is not that there is none.
    ending = "true" if found.ending else "unknown" if found.notes else "false"
    return f"<!-- provisioner:ending {ending} -->\n" + unmarked("\n".join(parts))


def _row(model: UsedModel, today: date) -> str:
    end = "–"
    if model.end is not None:
        end = f"**{model.end}**" if model.end < today else str(model.end)
    replacement = _cell(code(inline(model.replacement))) if model.replacement else "none known"
    users = [_cell(_user_markdown(user)) for user in model.users[:_USERS]]
    if len(model.users) > _USERS:
        users.append(f"and {len(model.users) - _USERS:,} more")
    shown = replacement if model.end else "–"
    return f"| {_cell(code(inline(model.name)))} | {end} | {shown} | {'<br>'.join(users)} |"


def _user_markdown(user: ModelUser) -> str:
    address = code(_whom(user))
    if user.position is None:
        return f"{address} ({_applied(user)})"
    return f"{address} {code(passing(_spot(user.position)))}"


def _cell(text: str) -> str:
    """A table ends its cells at every bar, those in code as well."""
    return text.replace("|", "\\|")


def replaced_outline(found: ReplacedModels) -> Outline:
    """The changed files as diffs, what is left, and the summary line."""
    replaced = []
    for one in found.replaced:
        change = (f"{inline(one.before)} -> {inline(one.after)}",)
        address = inline(str(one.address))
        replaced.append(Item("~", _whom(one), _spot(one.position), change, address=address))
    files = []
    for name, (before, after) in sorted(found.files.items()):
        files.append(Item("~", inline(name), lines=tuple(text_diff(before, after))))
    sections = (
        Section("replaced", "Replaced:" if found.written else "To replace:", tuple(replaced)),
        Section("files", "Written:" if found.written else "Would be written:", tuple(files)),
        Section("also", "Changed in other environments as well:", tuple(_also(found))),
        Section("kept", "Not replaced:", tuple(_kept(found))),
    )
    shown = tuple(section for section in sections if section.items)
    return Outline(shown, (), _replaced_summary(found))


def _also(found: ReplacedModels) -> Iterator[Item]:
    for name, addresses in sorted(found.also.items()):
        yield Item("", f"{inline(name)}: {', '.join(inline(str(one)) for one in addresses)}")


def _kept(found: ReplacedModels) -> Iterator[Item]:
    for one in found.kept:
        lines = [Line("", f"{inline(one.model)}: {inline(one.reason)}.")]
        if one.hint:
            lines.append(Line("dim", f"hint: {inline(one.hint)}"))
        address = inline(str(one.address))
        yield Item("!", _whom(one), lines=tuple(lines), address=address)


def _replaced_summary(found: ReplacedModels) -> str:
    if not found.replaced and not found.kept:
        return f"Nothing to replace: no spec says {inline(quoted(found.wanted))}."
    if not found.replaced:
        return f"Nothing replaced: {many(len(found.kept), 'resource')} left."
    users, files = (
        many(len({one.address for one in found.replaced}), "resource"),
        many(len(found.files), "file"),
    )
    rest = f", {len(found.kept)} left" if found.kept else ""
    if found.written:
        return f"Replaced: the model of {users} in {files}{rest}."
    return f"To replace: the model of {users} in {files}{rest}. `--write` writes it."


def replaced_document(found: ReplacedModels) -> dict[str, Any]:
    """The document of `--json`."""
    return {
        "replaced": [
            {
                "address": str(one.address),
                "path": one.path,
                "file": one.position.file,
                "line": one.position.line,
                "column": one.position.column,
                "before": one.before,
                "after": one.after,
            }
            for one in found.replaced
        ],
        "not_replaced": [
            {
                "address": str(one.address),
                "path": one.path,
                "model": one.model,
                "reason": one.reason,
                "hint": one.hint,
            }
            for one in found.kept
        ],
        "also_changes": {
            name: [str(one) for one in addresses] for name, addresses in sorted(found.also.items())
        },
        "files": sorted(found.files),
        "written": found.written,
    }


def replaced_markdown(found: ReplacedModels) -> str:
    """What a pull request says of its edit, and of what it could not edit."""
    parts = [f"**{prose(_replaced_summary(found))}**\n"]
    rows = []
    for one in found.replaced:
        words = f"{code(inline(one.before))} → {code(inline(one.after))}"
        rows.append(f"- {code(_whom(one))} {words}")
    for item in _also(found):
        rows.append(f"- {prose(f'In other environments as well: {item.title}')}")
    for item in _kept(found):
        reason = " ".join(line.text for line in item.lines)
        rows.append(f"- {prose(f'Not replaced: `{item.title}` {reason}')}")
    if rows:
        parts.append("\n".join([*rows, ""]))
    for name, (before, after) in sorted(found.files.items()):
        diff = fence(fenced_lines(list(text_diff(before, after))))
        parts.append(f"<details><summary>{code(inline(name))}</summary>\n\n{diff}\n</details>\n")
    return unmarked("\n".join(parts))
