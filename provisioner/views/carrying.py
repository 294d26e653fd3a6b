"""What an API makes of each assistant, field by field: as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from provisioner.model import Carrying, Mapped
from provisioner.views.values import PLAIN, Paint, inline

_TONES = {"lost": "error", "unused": "dim"}


def carrying_text(all_of_them: Iterable[Carrying], paint: Paint = PLAIN) -> str:
    """A line for each field, each resource below its name."""
    lines: list[str] = []
    for one in all_of_them:
        lines += [
            f"{inline(str(one.address))} in `{inline(one.environment)}`, api: {one.api}",
            "",
        ]
        width = max(len(_name(row)) for row in one.fields)
        for row in one.fields:
            how = paint(_TONES.get(row.how, ""), f"{row.how:<8}")
            about = _about(row, one)
            lines.append(f"  {how}  {_name(row):<{width}}  {about}".rstrip())
        lines.append("")
    return "".join(f"{line}\n" for line in lines)


def _name(row: Mapped) -> str:
    """`tools[0]: file_search`, and its settings below that."""
    own = row.path.endswith("]") and row.tool
    return inline(f"{row.path}: {row.tool}" if own else row.path)


def _about(row: Mapped, one: Carrying) -> str:
    if row.how == "renamed":
        return inline(f"→ {row.to}")
    if row.how == "lost" and row.loss in one.accepted:
        return f"accepted with `accept_loss: [{row.loss}]`"
    return inline(row.hint or row.why)


def carrying_json(all_of_them: Iterable[Carrying]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "environment": one.environment,
            "address": str(one.address),
            "api": one.api,
            "fields": list(_fields(one)),
        }
        for one in all_of_them
    ]


def _fields(one: Carrying) -> Iterator[dict[str, Any]]:
    for row in one.fields:
        yield {
            "path": row.path,
            "how": row.how,
            "tool": row.tool or None,
            "to": row.to or None,
            "why": row.why or None,
            "hint": row.hint or None,
            "loss": row.loss or None,
            "accepted": row.loss in one.accepted if row.loss else None,
        }
